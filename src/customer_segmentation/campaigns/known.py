"""What is known of every customer, collected from the tables as a few columns a customer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame
from numpy.typing import NDArray

from customer_segmentation.campaigns.consent import Days, days_of
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.customers.matrix import numeric_expressions
from customer_segmentation.errors import UserError
from customer_segmentation.schema.evaluate import on_frame
from customer_segmentation.schema.formula import date_parts
from customer_segmentation.schema.operations import any_of, indicator
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.metadata import P_RESPONSE
from customer_segmentation.tables.history import day_of

SEGMENT = "segment"
_NEVER, _AMONG = "is_never", "may_have_"
# Below any difference that counts, and above those of engines.
DIGITS = 12


@dataclass(frozen=True)
class Known:
    """All customers of a snapshot, n of them, in the order of their ids.

    Attributes:
        ids: (n,) as text.
        segments: (n,) index into `keys`; -1 where there is none.
        keys: Of segments.
        names: Of segments, for people.
        p_response: (n,) NaN where it is unknown.
        never: (n,) whether a flag bars the customer from every campaign.
        among: (n x offers) whether an offer's `among` lets the customer have it.
        contacted_on: (n,) NaT where the table says nothing.
        as_of: The snapshot's day.
        engine: The implementation of collected tables, for Narwhals.
    """

    ids: NDArray[np.object_]
    segments: NDArray[np.int64]
    keys: tuple[str, ...]
    names: tuple[str, ...]
    p_response: NDArray[np.float64]
    never: NDArray[np.bool_]
    among: NDArray[np.bool_]
    contacted_on: Days
    as_of: date
    engine: Any


def collect_known(
    scored_responses: IntoFrame,
    silver_customers: IntoFrame,
    gold_segments: IntoFrame,
    schema: Schema,
    parameters: CampaignParameters,
) -> Known:
    """What the tables say of each customer.

    Args:
        scored_responses: `customer_id` and `p_response`.
        silver_customers: With the flags and dates that the schema's `campaigns` names.
        gold_segments: One row a customer.
        schema: Of the customers.
        parameters: Of the campaign.

    Raises:
        UserError: A column that is needed is not there, or an offer is for who has an answer that
            nobody can have.
    """
    silver: nw.LazyFrame[Any] = nw.from_native(silver_customers).lazy()
    segments: nw.LazyFrame[Any] = nw.from_native(gold_segments).lazy()
    found = segments.filter(nw.col("segment_id") >= 0)
    there = found.select("segment_id", SEGMENT, "segment_name").unique().collect()
    ordered = sorted((int(nw.to_py_scalar(place)), key, name) for place, key, name in there.rows())
    keys = tuple(str(key) for _, key, _ in ordered)
    among = _among(segments, schema, parameters, keys)
    facts, dates = _facts(silver, schema)
    number = nw.col(SEGMENT).replace_strict(
        [*keys], [*range(len(keys))], default=-1, return_dtype=nw.Int64
    )
    responses: nw.LazyFrame[Any] = nw.from_native(scored_responses).lazy()
    joined = (
        segments.select(KEY, AS_OF, number.alias(SEGMENT), **among)
        .join(facts, on=KEY, how="left")
        .join(responses.select(KEY, P_RESPONSE), on=KEY, how="left")
        .sort(KEY)
        .collect()
    )
    ids = np.array([*map(str, joined[KEY].to_list())], dtype=object)
    offers = [_flags(joined[f"{_AMONG}{place}"]) for place in range(len(parameters.offers))]
    return Known(
        ids=ids,
        segments=joined[SEGMENT].to_numpy().astype(np.int64),
        keys=keys,
        names=tuple(str(name) for _, _, name in ordered),
        p_response=np.round(_numbers(joined[P_RESPONSE]), DIGITS),
        never=_flags(joined[_NEVER]),
        among=np.column_stack(offers),
        contacted_on=_days(joined, dates),
        as_of=day_of(joined[AS_OF][0]),
        engine=joined.implementation,
    )


def _facts(
    silver: nw.LazyFrame[Any], schema: Schema
) -> tuple[nw.LazyFrame[Any], tuple[str, str] | None]:
    """Key, whether a flag bars the customer, and the day of the last contact in two numbers."""
    never, contacted = schema.campaigns.never, schema.campaigns.contacted_on
    needed = [*schema.canonical_columns(schema.needed_inputs(never)), *filter(None, [contacted])]
    there = silver.collect_schema().names()
    if absent := sorted({*needed} - {*there}):
        raise UserError(
            f"silver_customers has no {', '.join(absent)}, which the schema's `campaigns` needs: "
            "add it to the source, or take it away from the schema"
        )
    numbers = numeric_expressions(schema, [*needed, AS_OF])
    table = on_frame(schema, silver.select(KEY, **numbers), never)
    is_never = any_of(nw.col(name) > 0.0 for name in never)
    dates = date_parts(contacted) if contacted else None
    return table.select(KEY, *(dates or ()), **{_NEVER: indicator(is_never)}), dates


def _among(
    segments: nw.LazyFrame[Any],
    schema: Schema,
    parameters: CampaignParameters,
    keys: tuple[str, ...],
) -> dict[str, nw.Expr]:
    """Whether each offer's `among` lets a customer have it, as columns."""
    there = {*segments.collect_schema().names()}
    labels = {SEGMENT: keys} | {
        name: decision.labels
        for name, decision in schema.decisions.items()
        if decision.labels and name in there
    }
    columns = {}
    for place, (name, offer) in enumerate(parameters.offers.items()):
        may = nw.lit(1.0) > nw.lit(0.0)
        for answer, values in offer.among.items():
            where = f"campaign_planning.offers.{name}.among"
            if answer not in labels:
                raise UserError(f"{where}: there is no answer `{answer}`{_near(answer, labels)}")
            for value in values:
                if value not in labels[answer]:
                    hint = _near(value, labels[answer])
                    raise UserError(f"{where}.{answer}: nobody can have `{value}`{hint}")
            may &= nw.col(answer).is_in(values)
        columns[f"{_AMONG}{place}"] = indicator(may)
    return columns


def _near(word: str, known: Any) -> str:  # noqa: ANN401 - any words
    near = get_close_matches(word, [*known], n=1)
    return f": did you mean {near[0]}?" if near else f": there are {', '.join(known)}"


def _numbers(column: nw.Series[Any]) -> NDArray[np.float64]:
    return np.array(column.to_numpy(), dtype=np.float64)


def _flags(column: nw.Series[Any]) -> NDArray[np.bool_]:
    return _numbers(column) > 0.0


def _days(joined: nw.DataFrame[Any], dates: tuple[str, str] | None) -> Days:
    if dates is None:
        return np.full(len(joined), np.datetime64("NaT", "D"))
    return days_of(*(_numbers(joined[name]) for name in dates))
