"""Outcomes joined to the contacts that they followed: each once, and none lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import narwhals as nw
import pyarrow as pa

from customer_segmentation.campaigns.outcomes import AMOUNT, ANSWERED, CAMPAIGN
from customer_segmentation.customers.quarantine import ROW_NUMBER, SOURCE_NAME
from customer_segmentation.feedback.training import DAY, contacts_with_plan
from customer_segmentation.schema.parts import KEY
from customer_segmentation.scoring.metadata import P_RESPONSE
from customer_segmentation.tables.in_memory import in_memory
from customer_segmentation.tables.outcomes import (
    HAPPENED_AT,
    IN_HOLD_OUT,
    OUTCOME_ID,
    REASON,
    RECEIVED_AT,
    RESPONSE_VERSION,
    REVISION,
    SENT_ON,
)

OTHER_CONTENT = "another came with this outcome_id and revision, and other content"
NO_CAMPAIGN = "nothing of this campaign was sent, as far as the send log knows"
NOT_IN_CAMPAIGN = "the customer is not of this campaign"
BEFORE_CONTACT = "it happened before the contact"
# What makes two of one revision the same.
_CONTENT = (KEY, CAMPAIGN, ANSWERED, AMOUNT, HAPPENED_AT)
_ONE = (OUTCOME_ID, REVISION)
_PLACE, _FIRST, _OTHER = "place", "first", "__other"
_CONTACT = (KEY, CAMPAIGN)
APART = (SOURCE_NAME, ROW_NUMBER, OUTCOME_ID, KEY, CAMPAIGN, HAPPENED_AT, RECEIVED_AT, REASON)
# Of `gold_outcomes`, before who recorded it when.
COLUMNS = (
    *(OUTCOME_ID, REVISION, KEY, CAMPAIGN, ANSWERED, AMOUNT, HAPPENED_AT, RECEIVED_AT),
    *(SENT_ON, "segment", "offer", "cost", "value", IN_HOLD_OUT, P_RESPONSE, RESPONSE_VERSION),
)


@dataclass(frozen=True)
class Joined:
    """What becomes of outcomes that have arrived.

    Attributes:
        new: Those that count and are not recorded yet, as `COLUMNS`, by outcome and revision.
        apart: Those that do not count, each with its reason, as `APART`.
        repeats: How many came again as they were.
        without_plan: Of the new, those of contacts whose plan is not known.
    """

    new: pa.Table
    apart: pa.Table
    repeats: int
    without_plan: int


def join_contacts(
    arrived: pa.Table,
    recorded: pa.Table | None,
    sent: Any,  # noqa: ANN401 - any table
    inputs: pa.Table | None,
) -> Joined:
    """Everything that has arrived beside what was sent.

    Args:
        arrived: As `feedback.arrived.READ`, in the order of arrival.
        recorded: `gold_outcomes`, all revisions; None if there is none yet.
        sent: Each customer of each campaign once, as `delivery.assignments` tells them.
        inputs: `gold_campaign_inputs`; None if there is none yet.
    """
    rows = nw.from_native(arrived, eager_only=True).with_row_index(_PLACE)
    is_read = nw.col(REASON).is_null()
    apart = [rows.filter(~is_read)]
    first, repeats, others = _once(rows.filter(is_read))
    told = 0
    if recorded is not None:
        known = nw.from_native(recorded, eager_only=True).select(*_ONE, *_CONTENT)
        first, told, changed = _beside(first, known)
        others += changed
    apart += [_because(each, OTHER_CONTENT) for each in others]
    contacts = _contacts(sent, inputs)
    of_campaign = first.join(contacts.select(CAMPAIGN).unique(), on=CAMPAIGN, how="semi")
    apart.append(_because(_without(first, of_campaign), NO_CAMPAIGN))
    matched = of_campaign.join(contacts, on=list(_CONTACT), how="inner")
    apart.append(_because(_without(of_campaign, matched), NOT_IN_CAMPAIGN))
    is_before = nw.col(HAPPENED_AT).str.slice(0, 10) < nw.col(SENT_ON)
    apart.append(_because(matched.filter(is_before), BEFORE_CONTACT))
    counted = matched.filter(~is_before).sort(*_ONE)
    left = nw.concat([each.select(_PLACE, REVISION, *APART) for each in apart])
    left = _not_corrected(left, counted, recorded).sort(_PLACE)
    return Joined(
        counted.select(*COLUMNS).to_native(),
        left.select(*APART).to_native(),
        repeats + told,
        int(counted[RESPONSE_VERSION].is_null().sum()),
    )


def _once(
    rows: nw.DataFrame[Any],
) -> tuple[nw.DataFrame[Any], int, list[nw.DataFrame[Any]]]:
    """The first of each outcome and revision, how many repeat it, and those that say otherwise."""
    first = rows.group_by(*_ONE).agg(nw.col(_PLACE).min().alias(_FIRST))
    beside = rows.join(first, on=list(_ONE), how="inner")
    is_first = nw.col(_PLACE) == nw.col(_FIRST)
    firsts, later = (beside.filter(each).drop(_FIRST) for each in (is_first, ~is_first))
    _, repeats, others = _beside(later, firsts.select(*_ONE, *_CONTENT))
    return firsts, repeats, others


def _beside(
    rows: nw.DataFrame[Any], known: nw.DataFrame[Any]
) -> tuple[nw.DataFrame[Any], int, list[nw.DataFrame[Any]]]:
    """Rows of no known outcome and revision, how many are equal to one, and those that differ."""
    renamed = {name: f"{name}{_OTHER}" for name in _CONTENT}
    both = rows.join(known.rename(renamed), on=list(_ONE), how="inner")
    is_same = nw.all_horizontal(
        *(_equal(nw.col(name), nw.col(other)) for name, other in renamed.items()),
        ignore_nulls=False,
    )
    other = both.filter(~is_same).select(*rows.columns)
    return rows.join(known, on=list(_ONE), how="anti"), len(both) - len(other), [other]


def _equal(left: nw.Expr, right: nw.Expr) -> nw.Expr:
    both = (left == right).fill_null(value=False)
    return both | (left.is_null() & right.is_null())


def _contacts(sent: Any, inputs: pa.Table | None) -> nw.DataFrame[Any]:  # noqa: ANN401 - any table
    """Each customer of each campaign, with what they got and what was planned for them."""
    log = nw.from_native(in_memory(sent), eager_only=True)
    terms = log.select(
        *(*_CONTACT, "segment", "offer", "cost", "value"),
        nw.col(DAY).alias(SENT_ON),
        nw.col(IN_HOLD_OUT).cast(nw.Int64),
    )
    if inputs is None:
        unknown = nw.lit(None)
        return terms.with_columns(
            unknown.cast(nw.Float64).alias(P_RESPONSE),
            unknown.cast(nw.String).alias(RESPONSE_VERSION),
        )
    planned = contacts_with_plan(log, inputs).select(*_CONTACT, P_RESPONSE, RESPONSE_VERSION)
    return terms.join(planned, on=list(_CONTACT), how="left")


def _because(rows: nw.DataFrame[Any], reason: str) -> nw.DataFrame[Any]:
    return rows.with_columns(nw.lit(reason).alias(REASON))


def _without(rows: nw.DataFrame[Any], found: nw.DataFrame[Any]) -> nw.DataFrame[Any]:
    return rows.join(found.select(_PLACE), on=_PLACE, how="anti")


def _not_corrected(
    rows: nw.DataFrame[Any], counted: nw.DataFrame[Any], recorded: pa.Table | None
) -> nw.DataFrame[Any]:
    """Rows but for those of which a later revision counts."""
    known = [counted.select(*_ONE)]
    if recorded is not None:
        known.append(nw.from_native(recorded, eager_only=True).select(*_ONE))
    last = nw.concat(known).group_by(OUTCOME_ID).agg(nw.col(REVISION).max().alias(_FIRST))
    beside = rows.join(last, on=OUTCOME_ID, how="left")
    is_corrected = (nw.col(_FIRST) > nw.col(REVISION)).fill_null(value=False)
    return beside.filter(~is_corrected)
