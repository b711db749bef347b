"""The planned campaign as the tables have it: whom it contacts and whom it holds out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.customers.matrix import numeric_expressions
from customer_segmentation.delivery.records import EMAIL, texts
from customer_segmentation.errors import UserError
from customer_segmentation.schema.evaluate import on_frame
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.schema.schema import Schema

GOLD, SILVER, SUMMARY = "gold_campaign", "silver_customers", "campaign_summary"
PLAN = "kedro run --pipeline=campaign_planning"
_TOLD = (KEY, "campaign", "segment", "offer", "channel", "is_contacted", "in_hold_out")


@dataclass(frozen=True)
class Standing:
    """The customers of the newest table.

    Attributes:
        as_of: The day that it is of.
        rows: `customer_id`, `email_sha256`, and whether they are `never` to be contacted.
    """

    as_of: date
    rows: pa.Table


@dataclass(frozen=True)
class Planned:
    """A planned campaign.

    Attributes:
        campaign: Its name.
        as_of: The day of the customers that it was planned for.
        members: customer_id, offer, channel, segment, purpose of whom it contacts.
        held_out: The same of whom it holds out.
    """

    campaign: str
    as_of: date
    members: pa.Table
    held_out: pa.Table


def planned(gold: Any, parameters: CampaignParameters) -> Planned:  # noqa: ANN401 - of any engine
    """The campaign of `gold_campaign`.

    Args:
        gold: The table.
        parameters: What it was planned with.

    Raises:
        UserError: It holds no campaign or several, or was planned with other parameters.
    """
    frame = nw.from_native(gold).lazy()
    table = collected(frame.select(*_TOLD))
    names = pc.unique(table["campaign"]).to_pylist()
    if names != [parameters.name]:
        raise UserError(f"{GOLD} holds {names or 'no campaign'}: plan one anew with {PLAN}")
    purposes = {name: offer.purpose for name, offer in parameters.offers.items()}
    members = table.filter(pc.equal(table["is_contacted"], 1))
    held_out = table.filter(pc.equal(table["in_hold_out"], 1))
    return Planned(
        str(names[0]),
        newest_day(frame),
        _with_purpose(members, purposes),
        _with_purpose(held_out, purposes),
    )


def standing(silver: Any, schema: Schema) -> Standing:  # noqa: ANN401 - a table of any engine
    """Every customer of the newest table.

    Raises:
        UserError: A column that says who is never contacted is not there.
    """
    frame = nw.from_native(silver).lazy()
    present = frame.collect_schema().names()
    never = schema.campaigns.never
    needed = schema.needed_columns(never)
    if absent := sorted({*needed} - {*present}):
        raise UserError(
            f"{SILVER} has no {', '.join(absent)}, which `campaigns.never` of the schema names: "
            "nobody can tell who must not be contacted"
        )
    numbers = numeric_expressions(schema, [*needed, AS_OF])
    email = nw.col(schema.email) if schema.email in present else nw.lit(None, dtype=nw.String)
    flags = on_frame(schema, frame.select(KEY, **{EMAIL: email}, **numbers), never)
    found = collected(flags.select(KEY, EMAIL, *never))
    # An unknown flag bars nobody, as in the plan.
    barred = pa.repeat(pa.scalar(value=False), len(found))
    for name in never:
        barred = pc.or_(barred, pc.fill_null(pc.not_equal(found[name], 0.0), fill_value=False))
    rows = pa.table({KEY: texts(found[KEY]), EMAIL: texts(found[EMAIL]), "never": barred})
    return Standing(newest_day(frame), rows)


def newest_day(frame: nw.LazyFrame[Any]) -> date:
    """The day that a table is of."""
    found = nw.to_py_scalar(frame.select(nw.col(AS_OF).max()).collect()[AS_OF][0])
    return date.fromisoformat(str(found)[:10])


def with_emails(members: pa.Table, customers: Standing) -> pa.Table:
    """The members with the address of each, if there is one."""
    rows = customers.rows
    places = pc.index_in(texts(members[KEY]), value_set=texts(rows[KEY]))
    return members.append_column(EMAIL, rows[EMAIL].take(places))


def collected(frame: nw.LazyFrame[Any]) -> pa.Table:
    """A table of any engine as Arrow's."""
    table: pa.Table = frame.collect(backend="pyarrow").to_native()
    return table


def _with_purpose(rows: pa.Table, purposes: Mapping[str, str]) -> pa.Table:
    offers = texts(rows["offer"])
    if unknown := sorted({*pc.unique(offers).to_pylist()} - {*purposes, "", None}):
        raise UserError(
            f"{GOLD} has the offer {unknown[0]}, which {SUMMARY} does not know, so that nobody can "
            f"tell what it needs consent for: plan anew with {PLAN}"
        )
    names = pa.array([*purposes], pa.string())
    needed = pa.array([*purposes.values()], pa.string())
    found = pc.fill_null(needed.take(pc.index_in(offers, value_set=names)), "")
    kept = {name: texts(rows[name]) for name in (KEY, "offer", "channel", "segment")}
    return pa.table({**kept, "purpose": found})
