"""Hold the segments of a run against the history, and state them if it does not say so yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.tables.history import (
    RECORDED_AT,
    RUN_ID,
    History,
    Statement,
    day_of,
    is_same,
    nothing_of,
)
from customer_segmentation.tables.schemas import ARTIFACT_VERSION, UNSEGMENTED

# Digits of a margin after the point: enough to tell who is near a border, and a fifth of the size.
_DIGITS = 4
_ANSWERS = ("segment", "segment_name", "runner_up", "margin", ARTIFACT_VERSION)


@dataclass(frozen=True)
class State:
    """A statement before this run's, with its rows as a table of the engine.

    Attributes:
        statement: When it was recorded, and the day it is of.
        artifact_version: Of the model that gave it.
        rows: Columns of `gold_history`.
    """

    statement: Statement
    artifact_version: str
    rows: Any


@dataclass(frozen=True)
class States:
    """This run's state beside the history.

    Attributes:
        as_of: The day of this run's snapshot.
        artifact_version: Of the model of this run.
        is_recorded: Whether the history says of that day what this run says.
        before: The state to compare it with; None for the first of all.
        run_id: Of this run.
        recorded_at: When this run's statement is recorded.
    """

    as_of: date
    artifact_version: str
    is_recorded: bool
    before: State | None
    run_id: str
    recorded_at: str


def compare_with_history(gold_segments: IntoFrame, history: History) -> States:
    """What of a run's segments is new, and the state before it.

    That is the statement before it for the same day, if there is one; else what is in force for
    the latest day before.
    """
    now = segments_of(gold_segments)
    told = (nw.col(AS_OF).min(), nw.col(ARTIFACT_VERSION).min())
    day, version = now.select(*told).collect().row(0)
    as_of = day_of(day)
    last = history.last_of(as_of)
    is_recorded = last is not None and is_same(now, segments_of(history.state(last)), _ANSWERS)
    said = last if is_recorded else None
    before = history.before(as_of, said)
    return States(
        as_of,
        str(nw.to_py_scalar(version)),
        is_recorded,
        _state(before, history, said) if before else None,
        history.run_id,
        history.next_moment,
    )


def state_segments(gold_segments: IntoFrame, states: States) -> IntoFrame:
    """The rows to append: every customer's segment, or none where the history says the same."""
    now = segments_of(gold_segments)
    new = nothing_of(now) if states.is_recorded else now
    run = nw.lit(states.run_id).alias(RUN_ID)
    return new.with_columns(run, nw.lit(states.recorded_at).alias(RECORDED_AT)).to_native()


def segments_of(table: IntoFrame) -> nw.LazyFrame[Any]:
    """Of a table of segments what the history keeps of it: where the customer is, how clearly.

    The margin has four digits after the point; it is missing for whom no segment could be told.
    """
    rows: nw.LazyFrame[Any] = nw.from_native(table).lazy()
    is_known = nw.col("segment") != UNSEGMENTED
    margin = nw.when(is_known).then(nw.col("margin").round(_DIGITS)).alias("margin")
    return rows.with_columns(margin).select(KEY, AS_OF, *_ANSWERS)


def _state(statement: Statement, history: History, said: Statement | None) -> State:
    rows = history.state(statement, said.recorded_at if said else None)
    of_one = nw.from_native(rows).lazy().select(nw.col(ARTIFACT_VERSION).min())
    return State(statement, str(nw.to_py_scalar(of_one.collect().item())), rows)
