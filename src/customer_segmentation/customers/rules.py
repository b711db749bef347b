"""The contract as expressions over the cells of single rows.

A batch run evaluates them on a whole table (`quarantine`), a job of the API on batches of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from itertools import zip_longest
from math import isfinite
from operator import or_
from typing import Any

import narwhals as nw

from customer_segmentation.customers.hashing import hashed
from customer_segmentation.customers.reading import Reading
from customer_segmentation.schema.cells import (
    EMAIL,
    UNKNOWN,
    Columns,
    category,
    missing_as_empty,
    stripped,
    without_fraction,
)
from customer_segmentation.schema.dates import ParsedDate
from customer_segmentation.schema.limits import (
    LACKING,
    NO_CATEGORY,
    NO_DATE,
    NO_EMAIL,
    NO_NUMBER,
    NOT_FINITE,
    NOT_WHOLE,
    limits_of,
)
from customer_segmentation.schema.numbers import ParsedNumber
from customer_segmentation.schema.operations import any_of
from customer_segmentation.schema.parts import KEY, Column

REASONS = "reasons"
SEPARATOR = "; "
# Prefixed, since the headers of the source may be any text.
CANONICAL = "canonical__"

# Reason -> the rows that have it.
Problems = dict[str, nw.Expr]


class Rules:
    """The contract as expressions over the cells as sent.

    Args:
        mapped: Canonical column -> header.
        reading: Formats, spellings and windows.
        needed: Canonical columns, besides the key, that a customer must have. In any other
            column, a value that breaks a rule is treated as missing.
        of_any_day: Whether to leave out what depends on the snapshot's day: whether a day has
            come, and the age of a year.
    """

    def __init__(
        self,
        mapped: Mapping[str, str],
        reading: Reading,
        needed: Iterable[str],
        *,
        of_any_day: bool = False,
    ) -> None:
        self.mapped = mapped
        self.reading = reading
        self.schema = reading.schema
        self.needed = frozenset([KEY, *needed])
        self._as_of = None if of_any_day else self.schema.as_of
        self.columns = [c for c in self.schema.columns.values() if c.name in mapped]

    def text(self, name: str) -> nw.Expr:
        """The stripped cell of a column, '' if it spells a missing value."""
        text = missing_as_empty(stripped(self.mapped[name]), self.schema.missing_values)
        is_float = name == KEY and self.schema.column_rules[KEY].from_float
        return without_fraction(text) if is_float else text

    def parsed(self, rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """The rows with the text of each column and what is parsed from it."""
        # Each level uses those before; those of all columns are computed together.
        levels = zip_longest(*(self._levels(column) for column in self.columns), fillvalue={})
        for level in levels:
            rows = rows.with_columns(**{name: e for made in level for name, e in made.items()})
        return rows

    def _levels(self, column: Column) -> tuple[Columns, ...]:
        name = canonical_name(column.name)
        text = (
            {name: stripped(self.mapped[column.name])},
            {name: missing_as_empty(nw.col(name), self.schema.missing_values)},
        )
        if column.kind == "number":
            return *text, *self._number(column).levels
        if column.kind == "date":
            return *text, *self._date(column).levels
        if column.kind == "category":
            spellings = self.schema.spellings(column.name)
            unknown = self.schema.unknown_categories
            meaning = category(nw.col(name), spellings, column.categories, unknown, column.other)
            return *text, {_meaning(column): meaning}
        if column.kind == "key" and self.schema.column_rules[KEY].from_float:
            return *text, {name: without_fraction(nw.col(name))}
        return text

    def _date(self, column: Column) -> ParsedDate:
        chosen = self.reading.date_formats[column.name]
        return ParsedDate(canonical_name(column.name), chosen.format, chosen.has_time)

    def _number(self, column: Column) -> ParsedNumber:
        words = self.schema.flags if column.is_flag else {}
        return ParsedNumber(canonical_name(column.name), self.schema.signs, words)

    def values(self) -> Columns:
        """The canonical columns of parsed rows.

        Until `completed`, dates are text, `YYYYMMDD`, and addresses are not hashed.
        """
        found = {}
        for column in self.columns:
            name = canonical_name(column.name)
            value = nw.col(name)
            if column.kind == "number":
                value = self._number(column).value
            elif column.kind == "date":
                day = self._date(column)
                # pandas cannot hold dates far from today.
                (is_outside,) = self._outside(column, day.ordered).values()
                is_day = day.is_date & ~is_outside
                value = nw.when(is_day).then(day.ordered.cast(nw.Int64).cast(nw.String))
            elif column.kind == "category":
                value = nw.col(_meaning(column))
            elif column.is_email:
                value = value.str.to_lowercase()
            if column.name not in self.needed:
                broken = any_of(self.problems_of(column).values())
                value = nw.when(~broken).then(value)
            found[name] = value
        return found

    def completed(self, rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """The rows with the dates of `values` as dates, and the SHA-256 of its addresses."""
        for column in self.columns:
            if column.is_email:
                rows = hashed(rows, canonical_name(column.name))
        dates = [canonical_name(column.name) for column in self.columns if column.kind == "date"]
        return rows.with_columns(nw.col(*dates).str.to_datetime(format="%Y%m%d")) if dates else rows

    def problems(self) -> Problems:
        """Each reason, and whether a parsed row has it; null counts as false."""
        found: Problems = {}
        for column in self.columns:
            if column.name in self.needed:
                found |= self.problems_of(column)
            elif column.name == self.schema.events.removed:
                # Empty is no, and what is neither must not be taken for it.
                problems = self.problems_of(column)
                found |= {
                    text: rule
                    for text, rule in problems.items()
                    if text != f"{column.name}: {LACKING}"
                }
        return found

    def problems_of(self, column: Column) -> Problems:
        """The same for one column, needed or not."""
        name = nw.col(canonical_name(column.name))
        rules = {LACKING: name == ""}
        if column.kind == "number":
            parsed = self._number(column)
            rules |= {NO_NUMBER: parsed.malformed, NOT_FINITE: parsed.not_finite}
            if column.whole:
                rules[NOT_WHOLE] = parsed.value // 1.0 < parsed.value
            rules |= self._outside(column, parsed.value)
        elif column.kind == "date":
            day = self._date(column)
            rules[NO_DATE] = (name != "") & ~day.is_date
            outside = self._outside(column, day.ordered)
            rules |= {problem: day.is_date & rule for problem, rule in outside.items()}
        elif column.kind == "category":
            meaning = nw.col(_meaning(column))
            rules[LACKING] |= meaning == UNKNOWN
            rules[NO_CATEGORY] = ~rules[LACKING] & (meaning == "")
        elif column.is_email:
            rules[NO_EMAIL] = (name != "") & ~name.str.contains(EMAIL)
        return {f"{column.name}: {problem}": rule for problem, rule in rules.items()}

    def _outside(self, column: Column, value: nw.Expr) -> Problems:
        """Each limit's problem, and whether a value has it."""
        found = {}
        for limit in limits_of(column, self._as_of):
            ends = []
            if isfinite(limit.minimum):
                ends.append(value < limit.minimum)
            if isfinite(limit.maximum):
                ends.append(value > limit.maximum)
            if ends:
                found[limit.problem] = reduce(or_, ends)
        return found


def reasons(problems: Problems) -> nw.Expr:
    """All reasons of a row in one text; '' if it has none."""
    words = [nw.when(rule).then(nw.lit(text)) for text, rule in problems.items()]
    return nw.concat_str(*words, separator=SEPARATOR, ignore_nulls=True).alias(REASONS)


def canonical_name(name: str) -> str:
    """The name of a canonical column beside the cells as sent."""
    return CANONICAL + name


def _meaning(column: Column) -> str:
    return f"{canonical_name(column.name)}__meaning"
