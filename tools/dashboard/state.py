"""What the page says of moves, of the data's quality and of its age."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from customer_segmentation.bi.left import Left
from customer_segmentation.pipelines.reporting.cards import Bar
from customer_segmentation.pipelines.reporting.cleaning import Cleaning, explain_cleaning
from customer_segmentation.pipelines.reporting.moves import Moves, explain_moves
from customer_segmentation.tables.schemas import UNSEGMENTED
from tools.dashboard import words
from tools.dashboard.campaign import bars
from tools.dashboard.pictures import Chart, chart
from tools.dashboard.segments import colours_of
from tools.dashboard.tables import Answers
from tools.deploy.declared import declared

_ALARM = "hours_since_gold"


@dataclass(frozen=True)
class Flow:
    """Segments over time, and who moved last."""

    chart: Chart | None
    moves: Moves | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Quality:
    """Where the rows went, and why some have no segment."""

    cleaning: Cleaning | None
    reasons: tuple[Bar, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Freshness:
    """How old what is shown is.

    Attributes:
        as_of: The day of the snapshot.
        said: How old it is, in one sentence.
        is_old: Whether somebody should be told.
        rows: Of each table its rows, day and model.
    """

    as_of: str
    said: str
    is_old: bool
    rows: tuple[tuple[str, str, str, str], ...]


def flow(answers: Answers, left: Left) -> Flow:
    """Moves, of all customers."""
    told = left.small("segment_flow")
    moves = explain_moves(left.schema, told) if told else None
    sizes: dict[str, dict[date, int]] = {}
    for row in answers.rows("segment_sizes"):
        sizes.setdefault(row["segment_name"], {})[row["as_of"]] = row["customers"]
    days = {day for each in sizes.values() for day in each}
    if len(days) > 1:
        known = colours_of(answers)
        others = {name: len(known) + i for i, name in enumerate(s for s in sizes if s not in known)}
        return Flow(chart(sizes, known | others), moves, ())
    note = (
        "The history has one day: a line over time begins with the next snapshot."
        if days
        else "There is no history yet: kedro run --pipeline=history begins it."
    )
    return Flow(None, moves, (note,))


def quality(answers: Answers, left: Left) -> Quality:
    """Of the last run."""
    account = left.small("row_accounting")
    without = sum(
        row["customers"]
        for row in answers.view("current_segments")
        if row["segment"] == UNSEGMENTED
    )
    cleaning = explain_cleaning(left.schema, account, without) if account else None
    found = {
        _reason(left, row["reason"]): row["source_rows"] for row in answers.rows("without_segment")
    }
    notes = [] if found else ["Every row of the source has a segment."]
    if not cleaning:
        notes.append("The account of rows is not here: it lies where the run was made.")
    return Quality(cleaning, bars(found), tuple(notes))


def freshness(answers: Answers, now: datetime) -> Freshness:
    """Of each table.

    Args:
        answers: Of all customers.
        now: The time, UTC.
    """
    rows = answers.rows("freshness")
    days = [row["as_of"] for row in rows if row["table_name"] == "gold_segments" and row["as_of"]]
    as_of = words.day(max(days)) if days else words.NONE
    recorded = max((row["recorded_at"] for row in rows if row["recorded_at"]), default=None)
    then = words.moment(recorded)
    alarm = declared().alarms[_ALARM]
    is_old = then is not None and now - then > timedelta(hours=alarm.above)
    said = (
        f"The last run recorded this {words.ago(then, now)} ({then:%Y-%m-%d %H:%M} UTC)."
        if then
        else "No run has recorded anything yet."
    )
    if is_old:
        said += f" It should be {alarm.above:.0f} hours old at most."
    return Freshness(
        as_of, said, is_old, tuple(_row(row, row["table_name"] in answers.absent) for row in rows)
    )


def _row(row: dict[str, Any], is_absent: bool) -> tuple[str, str, str, str]:  # noqa: FBT001 - one word of a row
    name = words.label(row["table_name"].removeprefix("gold_"))
    if is_absent:
        return name, "not there yet", words.NONE, words.NONE
    day = row["as_of"].isoformat() if row["as_of"] else words.NONE
    told = row["artifact_version"] or (row["recorded_at"] or words.NONE)[:16].replace("T", " ")
    return name, words.count(row["row_count"]), day, told


def _reason(left: Left, reason: str) -> str:
    column, separator, why = reason.partition(": ")
    return f"{left.schema.label_of(column) if separator else column}{separator}{why}"
