"""Events as text, read by the rules of the batch.

What depends on the day, such as the window, is apart from what does not: an event is checked once,
and what of it counts is told for any day (`on_day`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw

from customer_segmentation.customers.date_choice import ChosenFormat
from customer_segmentation.customers.hashing import hashed
from customer_segmentation.customers.quarantine import IS_BROKEN
from customer_segmentation.customers.reading import Reading
from customer_segmentation.customers.rules import (
    REASONS,
    Problems,
    Rules,
    canonical_name,
    reasons,
)
from customer_segmentation.customers.sample_key import with_sample_key
from customer_segmentation.errors import UserError
from customer_segmentation.schema.dates import DateFormat
from customer_segmentation.schema.decisions import needed_of_customers
from customer_segmentation.schema.file import chosen_schema
from customer_segmentation.schema.limits import limits_of
from customer_segmentation.schema.operations import any_of
from customer_segmentation.schema.parts import AS_OF, KEY, Column
from customer_segmentation.schema.schema import DATE_FORMATS, Schema
from customer_segmentation.sources.arrivals.parts import CHANGE, PUT, REMOVED

# Where an event stands in the log: "topic-0", and its number there.
PARTITION, OFFSET = "event__partition", "event__offset"
# What lines with the same cells share, where the schema names no id.
LINE = "event__line"
# Where `CHANGE` is among the columns: whether an event takes the customer back, without any cell.
IS_TAKEN = "event__is_taken"
NOT_TAKEN = "removed: the schema's `events` say how something is taken back, and not an empty event"
_ADDED = (PARTITION, OFFSET)
_BESIDE = (*_ADDED, CHANGE)
_ISO = "%Y-%m-%d"
# A customer has few lines: 64 bits tell them apart.
_LINE_DIGITS = 16


@dataclass(frozen=True)
class CheckedEvents:
    """Events with the verdict of the contract.

    Attributes:
        judged: Each event's columns, the cells that they were read from, and whether it is broken.
        schema: Of the customers.
        reading: How they are read.
        needed: The columns that an event must have.
        unknown: The headers that no column reads.
    """

    judged: nw.LazyFrame[Any]
    schema: Schema
    reading: Reading
    needed: tuple[str, ...]
    unknown: tuple[str, ...] = ()

    @property
    def valid(self) -> nw.LazyFrame[Any]:
        """Every column of the schema, `LINE` where it has no id, and the positions."""
        columns = {canonical_name(name): name for name in self.reading.schema.columns}
        rows = self.judged.filter(~nw.col(IS_BROKEN))
        return rows.select(*columns, *self._beside).rename(columns)

    @property
    def rejected(self) -> nw.LazyFrame[Any]:
        """Key, all reasons, and the positions."""
        rules = Rules(self.reading.headers, self.reading, self.needed, of_any_day=True)
        broken = rules.parsed(self.judged.filter(nw.col(IS_BROKEN)))
        key = nw.col(canonical_name(KEY)).alias(KEY)
        added = [name for name in self._beside if name in _ADDED]
        may_be_taken = IS_TAKEN in self._beside
        problems = _problems(rules, self.schema, may_be_taken=may_be_taken)
        return broken.select(key, reasons(problems), *added)

    @property
    def _beside(self) -> list[str]:
        names = self.judged.collect_schema().names()
        return [name for name in (LINE, IS_TAKEN, *_ADDED) if name in names]


def reading_of(schema: Schema) -> Reading:
    """How the events of a schema's customers are read.

    Raises:
        UserError: It does not say which format dates have, or customers have no key.
    """
    rows = schema.rows_of_any_day
    if rows.column_rules[KEY].from_row:
        raise UserError(
            f"`customers.columns.{KEY}.from_row`: events need the key of the customer "
            f"({chosen_schema()})"
        )
    dates = [name for name, column in rows.columns.items() if column.kind == "date"]
    formats = {name: ChosenFormat(_format(schema), has_time=True) for name in dates}
    headers = {name: name for name in rows.columns}
    return Reading(rows, headers, formats, has_lines=bool(schema.orders))


def _format(schema: Schema) -> DateFormat:
    """The one format that is declared, else ISO: a stream has no whole column to choose by."""
    if schema.date_formats == DATE_FORMATS:
        return DateFormat.of(_ISO)
    if len(schema.formats) > 1:
        raise UserError(
            f"`customers.date_formats`: {', '.join(schema.date_formats)} are {len(schema.formats)} "
            f"formats, and of events nobody can choose one: declare one ({chosen_schema()})"
        )
    return schema.formats[0]


def needed_of_events(schema: Schema) -> tuple[str, ...]:
    """The columns without which an event is left out."""
    if schema.orders:
        return schema.needed_of_lines
    return needed_of_customers(schema, schema.columns)


def identity_of(schema: Schema) -> tuple[str, ...]:
    """The columns that events of the same line or customer share."""
    if not schema.orders:
        return (KEY,)
    return (KEY, *(schema.events.id or (LINE,)))


def checked_events(
    rows: nw.LazyFrame[Any], schema: Schema, reading: Reading, kept: Sequence[str] = ()
) -> CheckedEvents:
    """Read the cells of events and find those that break the contract, whatever the day.

    Args:
        rows: Cells as text, by header or column, '' or null where an event has none; and
            `PARTITION` and `OFFSET`, if they have a place in a log; and `CHANGE`, if some may take
            a customer back.
        schema: Of the customers.
        reading: From `reading_of`.
        kept: Other columns, which stay beside in `judged`.
    """
    every = rows.collect_schema().names()
    names = [name for name in every if name not in {*_BESIDE, *kept}]
    found = _headers(names, reading.schema)
    needed = needed_of_events(schema)
    added = [name for name in every if name in {*_ADDED, *kept}]
    taken = {IS_TAKEN: nw.col(CHANGE).fill_null(PUT) == REMOVED} if CHANGE in every else {}
    cells = {name: _cell(found.get(name, [])) for name in reading.headers}
    with_line = bool(schema.orders and not schema.events.id)
    line = {LINE: _sent(names)} if with_line else {}
    rows = rows.select(*added, **line, **taken, **cells)
    if with_line:
        rows = hashed(rows, LINE).with_columns(nw.col(LINE).str.slice(0, _LINE_DIGITS))
    rules = Rules(reading.headers, reading, needed, of_any_day=True)
    problems = _problems(rules, schema, may_be_taken=bool(taken))
    broken = any_of(problems.values())
    judged = rules.parsed(rows).select(
        *added, *line, *taken, *cells, broken.alias(IS_BROKEN), **rules.values()
    )
    read = {header for headers in found.values() for header in headers}
    unknown = tuple(name for name in names if name not in read)
    return CheckedEvents(rules.completed(judged), schema, reading, needed, unknown)


def _problems(rules: Rules, schema: Schema, *, may_be_taken: bool) -> Problems:
    """The reasons against events; of those that take a customer back only the key is read."""
    found = rules.problems()
    if not may_be_taken:
        return found
    of_key = f"{KEY}: "
    is_taken = nw.col(IS_TAKEN)
    found = {
        text: rule if text.startswith(of_key) else rule & ~is_taken for text, rule in found.items()
    }
    if schema.orders or schema.events.version:
        found[NOT_TAKEN] = is_taken
    return found


def on_day(rows: nw.LazyFrame[Any], schema: Schema) -> nw.LazyFrame[Any]:
    """The rows that count on the day of a schema, with `as_of` and `sample_key`.

    Args:
        rows: Of `CheckedEvents.valid`, those that stand.
        schema: As of the day.
    """
    outside, needed = outside_of_day(schema), {KEY, *needed_of_events(schema)}
    for name, rule in outside.items():
        if name in needed:
            rows = rows.filter(
                nw.when(rule).then(nw.lit(value=False)).otherwise(nw.lit(value=True))
            )
    lost = {
        name: nw.when(~rule).then(nw.col(name))
        for name, rule in outside.items()
        if name not in needed
    }
    as_of = _day(schema.as_of.isoformat())
    return with_sample_key(rows, KEY).with_columns(as_of.alias(AS_OF), **lost)


def outside_of_day(schema: Schema) -> dict[str, nw.Expr]:
    """Column -> whether its value is outside the limits that depend on the day."""
    found = {}
    for name, column in schema.rows.columns.items():
        if column.kind == "date":
            earliest = column.earliest or schema.as_of
            value = nw.col(name)
            found[name] = (value < _day(earliest.isoformat())) | (
                value > _day(schema.as_of.isoformat())
            )
        elif column.age:
            youngest, oldest = column.age
            year = float(schema.as_of.year)
            found[name] = (nw.col(name) < year - oldest) | (nw.col(name) > year - youngest)
    return found


def day_reasons(schema: Schema) -> nw.Expr:
    """The reasons of rows that do not count on the day of a schema, '' of the others."""
    needed = {KEY, *needed_of_events(schema)}
    columns = schema.rows.columns
    found = {
        f"{name}: {_problem(columns[name], schema)}": rule
        for name, rule in outside_of_day(schema).items()
        if name in needed
    }
    return reasons(found) if found else nw.lit("").alias(REASONS)


def _problem(column: Column, schema: Schema) -> str:
    return limits_of(column, schema.as_of)[0].problem


def _day(text: str) -> nw.Expr:
    # Not a datetime, which Spark would take for one in the machine's time zone.
    return nw.lit(text).str.to_datetime(format=_ISO)


def _headers(names: Sequence[str], rows: Schema) -> dict[str, list[str]]:
    """Column -> the headers that stand for it, which not all events share."""
    found: dict[str, list[str]] = {}
    for header in names:
        name = rows.aliases.get(header.strip(), header.strip())
        if name in rows.columns:
            found.setdefault(name, []).append(header)
    return found


def _cell(headers: Sequence[str]) -> nw.Expr:
    """The cell of the first header that an event has."""
    cell = nw.lit("")
    for header in reversed(headers):
        sent = nw.col(header).fill_null("")
        cell = sent if len(headers) == 1 else nw.when(sent != "").then(sent).otherwise(cell)
    return cell


def _sent(names: Sequence[str]) -> nw.Expr:
    """All cells of an event with their headers, as one text."""
    pairs = [
        nw.when(nw.col(name) != "").then(
            nw.concat_str(nw.lit(name.strip()), nw.col(name), separator="\x1e")
        )
        for name in sorted(names)
    ]
    return nw.concat_str(*pairs, separator="\x1f", ignore_nulls=True)
