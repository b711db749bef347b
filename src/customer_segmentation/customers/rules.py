"""The contract as expressions over the cells of single rows.

A batch run evaluates them on a whole table (`quarantine`), a job of the API on batches of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import zip_longest
from typing import Any

import narwhals as nw

from customer_segmentation.customers.reading import Reading
from customer_segmentation.schema.cells import (
    UNKNOWN,
    Columns,
    category,
    missing_as_empty,
    stripped,
    without_fraction,
)
from customer_segmentation.schema.dates import ParsedDate
from customer_segmentation.schema.numbers import ParsedNumber
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
    """

    def __init__(self, mapped: Mapping[str, str], reading: Reading, needed: Iterable[str]) -> None:
        self.mapped = mapped
        self.reading = reading
        self.schema = reading.schema
        self.needed = frozenset([KEY, *needed])
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
            meaning = category(nw.col(name), spellings, column.categories, unknown)
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
        """The canonical columns of parsed rows; dates are text, `YYYYMMDD`, until `with_dates`."""
        found = {}
        for column in self.columns:
            name = canonical_name(column.name)
            value = nw.col(name)
            if column.kind == "number":
                value = self._number(column).value
            elif column.kind == "date":
                day = self._date(column)
                # pandas cannot hold dates far from today.
                is_day = day.is_date & ~self._outside(column, day)
                value = nw.when(is_day).then(day.ordered.cast(nw.Int64).cast(nw.String))
            elif column.kind == "category":
                value = nw.col(_meaning(column))
            if column.name not in self.needed:
                broken = nw.any_horizontal(*self.problems_of(column).values(), ignore_nulls=True)
                value = nw.when(~broken).then(value)
            found[name] = value
        return found

    def with_dates(self, rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """The rows with the dates of `values` as dates."""
        dates = [canonical_name(column.name) for column in self.columns if column.kind == "date"]
        return rows.with_columns(nw.col(*dates).str.to_datetime(format="%Y%m%d")) if dates else rows

    def problems(self) -> Problems:
        """Each reason, and whether a parsed row has it; null counts as false."""
        needed = [column for column in self.columns if column.name in self.needed]
        return {text: rule for column in needed for text, rule in self.problems_of(column).items()}

    def problems_of(self, column: Column) -> Problems:
        """The same for one column, needed or not."""
        is_missing = nw.col(canonical_name(column.name)) == ""
        if column.kind == "category":
            is_missing |= nw.col(_meaning(column)) == UNKNOWN
        rules = {"missing": is_missing}
        if column.kind == "number":
            rules |= self._number_problems(column)
        elif column.kind == "date":
            rules |= self._date_problems(column)
        elif column.kind == "category":
            is_known = nw.col(_meaning(column)) != ""
            rules["unknown category"] = ~rules["missing"] & ~is_known
        return {f"{column.name}: {problem}": rule for problem, rule in rules.items()}

    def _number_problems(self, column: Column) -> Problems:
        parsed = self._number(column)
        value = parsed.value
        problems = {"not a number": parsed.malformed, "not finite": parsed.not_finite}
        if column.whole:
            problems["not a whole number"] = value // 1.0 < value
        if column.age:
            (youngest, oldest), year = column.age, float(self.schema.as_of.year)
            outside = (value > year - youngest) | (value < year - oldest)
            problems[f"age outside {youngest} to {oldest}"] = outside
        if column.minimum is not None:
            below = f"below {column.minimum:.15g}" if column.minimum else "negative"
            problems[below] = value < column.minimum
        if column.maximum is not None:
            problems[f"above {column.maximum:.15g}"] = value > column.maximum
        return problems

    def _date_problems(self, column: Column) -> Problems:
        day = self._date(column)
        return {
            "not a date": (nw.col(canonical_name(column.name)) != "") & ~day.is_date,
            f"outside {column.earliest} to {self.schema.as_of}": (
                day.is_date & self._outside(column, day)
            ),
        }

    def _outside(self, column: Column, day: ParsedDate) -> nw.Expr:
        window = column.earliest or date.min, self.schema.as_of
        first, last = (float(f"{end:%Y%m%d}") for end in window)
        return (day.ordered < first) | (day.ordered > last)


def reasons(problems: Problems) -> nw.Expr:
    """All reasons of a row in one text; '' if it has none."""
    words = [nw.when(rule).then(nw.lit(text)) for text, rule in problems.items()]
    return nw.concat_str(*words, separator=SEPARATOR, ignore_nulls=True).alias(REASONS)


def canonical_name(name: str) -> str:
    """The name of a canonical column beside the cells as sent."""
    return CANONICAL + name


def _meaning(column: Column) -> str:
    return f"{canonical_name(column.name)}__meaning"
