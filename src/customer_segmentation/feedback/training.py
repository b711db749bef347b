"""What a response model can be learned from: contacts, what was known before them, and answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from customer_segmentation.campaigns.outcomes import ANSWERED, CAMPAIGN
from customer_segmentation.schema.parts import KEY
from customer_segmentation.scoring.metadata import P_RESPONSE
from customer_segmentation.tables.history import RECORDED_AT
from customer_segmentation.tables.in_memory import in_memory
from customer_segmentation.tables.outcomes import (
    ANSWER_FACTOR,
    CHANCE,
    HAPPENED_AT,
    IN_HOLD_OUT,
    INPUT,
    OUTCOME_ID,
    RESPONSE_VERSION,
    REVISION,
)

# Beside these, a training set has the input columns of response models, under their own names.
WEIGHT, DAY, AT = "weight", "day", "at"
TRAINING = (KEY, CAMPAIGN, DAY, "offer", ANSWERED, WEIGHT, P_RESPONSE, RESPONSE_VERSION)
_CONTACT = (KEY, CAMPAIGN)


def training_set(  # noqa: PLR0913 - which contacts
    outcomes: IntoFrame,
    sent: IntoFrame,
    inputs: IntoFrame,
    until: str,
    *,
    since: str = "",
    answer_days: int = 0,
) -> Any:  # noqa: ANN401 - a table of Arrow's
    """Each contact with what was known of the customer that day, and whether they answered.

    Who has no outcome did not answer, in campaigns that have outcomes of answers. Left out are the
    held-out, contacts whose plan is not known, and offers that the plan expected to be answered
    more or less often than the model says.

    Args:
        outcomes: `gold_outcomes`, all revisions.
        sent: Each customer of each campaign once, as `delivery.assignments` tells them.
        inputs: `gold_campaign_inputs`.
        until: A day in ISO format: what happened up to its end.
        since: Only contacts from this day on; '' for all.
        answer_days: How long customers are given to answer: only contacts so many days before
            `until`, or earlier.

    Returns:
        A table of Arrow's, sorted by customer and campaign: the columns `TRAINING`, then the
        inputs (float64, null where they were not known). `answered` is 0 or 1; `weight` the inverse
        of the chance with which the customer was contacted.
    """
    answers = answers_by_contact(outcomes, until)
    contacts = contacts_with_plan(sent, inputs)
    day, last = nw.col(DAY), date.fromisoformat(until) - timedelta(days=answer_days)
    told = contacts.filter(~nw.col(IN_HOLD_OUT), day <= last.isoformat(), day >= since)
    told = told.filter(nw.col(ANSWER_FACTOR) == 1.0)
    told = told.join(answers.select(CAMPAIGN).unique(), on=CAMPAIGN, how="semi")
    names = input_names(told.columns)
    rows = told.join(answers, on=list(_CONTACT), how="left").with_columns(
        nw.col(ANSWERED).fill_null(0.0), (1.0 / nw.col(CHANCE)).alias(WEIGHT)
    )
    renamed = {f"{INPUT}{name}": name for name in names}
    return rows.sort(*_CONTACT).select(*TRAINING, *renamed).rename(renamed).to_native()


def input_names(columns: Sequence[str]) -> list[str]:
    """The input columns that a table of plans has, under their own names."""
    return [name.removeprefix(INPUT) for name in columns if name.startswith(INPUT)]


def in_force(outcomes: IntoFrame) -> nw.DataFrame[Any]:
    """The highest revision of each outcome."""
    rows = _eager(outcomes)
    last = rows.group_by(OUTCOME_ID).agg(nw.col(REVISION).max())
    return rows.join(last, on=[OUTCOME_ID, REVISION], how="inner")


def up_to(outcomes: nw.DataFrame[Any], until: str) -> nw.DataFrame[Any]:
    """What happened up to the end of a day, in ISO format."""
    return outcomes.filter(nw.col(HAPPENED_AT).str.slice(0, 10) <= until)


def answers_by_contact(outcomes: IntoFrame, until: str) -> nw.DataFrame[Any]:
    """Customer and campaign -> 1 for any answer up to the end of a day, else 0."""
    rows = up_to(in_force(outcomes), until).filter(~nw.col(ANSWERED).is_null())
    rows = rows.with_columns(nw.col(ANSWERED).cast(nw.Float64))
    return rows.group_by(*_CONTACT).agg(nw.col(ANSWERED).max())


def contacts_with_plan(sent: IntoFrame, inputs: IntoFrame) -> nw.DataFrame[Any]:
    """Contacts and the held-out, each beside the last plan of them recorded before they were sent.

    Args:
        sent: As of `training_set`.
        inputs: As of `training_set`.
    """
    contacts = _eager(sent).select(*_CONTACT, DAY, AT, "offer", IN_HOLD_OUT)
    plans = _eager(inputs).drop("offer", strict=False)
    moments = contacts.select(*_CONTACT, AT).join(
        plans.select(*_CONTACT, RECORDED_AT), on=list(_CONTACT), how="inner"
    )
    # Both in UTC; a delivery's moment has whole seconds.
    before = moments.filter(nw.col(RECORDED_AT).str.slice(0, 19) <= nw.col(AT).str.slice(0, 19))
    last = before.group_by(*_CONTACT).agg(nw.col(RECORDED_AT).max())
    planned = plans.join(last, on=[*_CONTACT, RECORDED_AT], how="inner")
    return contacts.join(planned, on=list(_CONTACT), how="inner")


def _eager(table: IntoFrame) -> nw.DataFrame[Any]:
    """In memory, as Arrow has it: one row a contact."""
    return nw.from_native(in_memory(table), eager_only=True)
