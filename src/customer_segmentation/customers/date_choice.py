"""Choose the format of a date column from counts over all its cells.

Counts and examples of parts of a file can be added up to those of the whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import product
from typing import Any

import narwhals as nw

from customer_segmentation.schema.dates import EXCEL, DateFormat

# Share of cells: so few may be typing errors; more are dates in another order.
_A_FEW = 0.01
_MAX_OFFERED = 3
# Sorts after any text, so that it never is the minimum of some.
_LAST = "\U0010ffff"
_CELL, _ROWS = "cell", "rows"
# A first or second number above 12 is not a month, so the cell shows the order.
_TELLING = r"^(?:[0-9]{1,2}[^0-9])?(?:1[3-9]|2[0-9]|3[01])[^0-9]"

Evidence = dict[str, Any]


class UnclearDatesError(ValueError):
    """A date column is ambiguous or has no allowed format.

    Attributes:
        problem: What is wrong.
        remedy: What to configure.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}. {remedy}.")
        self.problem = problem
        self.remedy = remedy


@dataclass(frozen=True)
class ChosenFormat:
    """The format of a column.

    Attributes:
        format: The format.
        has_time: Whether some cells have a time after the date.
        note: A remark on cells that it does not fit, or ''.
    """

    format: DateFormat
    has_time: bool = False
    note: str = ""

    @property
    def words(self) -> str:
        """The format as printed in the account of a run."""
        return self.format.text + (", times dropped" if self.has_time else "")


class DateColumn:
    """A date column whose format is to be chosen.

    Args:
        column: Its canonical name.
        header: As sent.
        formats: The allowed formats.
        pivot: For two-digit years, if configured.
    """

    def __init__(
        self, column: str, header: str, formats: tuple[DateFormat, ...], pivot: int | None = None
    ) -> None:
        self.column = column
        self.header = header.strip()
        self._formats = formats
        self._pivot = pivot
        known = {fmt.text for fmt in formats}
        # Day and month swapped: compared with the declared formats, but never chosen.
        twins = [f.swapped for f in formats if f.swapped and f.swapped not in known]
        self._all = (*formats, *(DateFormat.of(text, pivot) for text in dict.fromkeys(twins)))
        self._pairs = [
            (i, j)
            for i, j in product(range(len(self._all)), repeat=2)
            if i < len(formats) and i != j and self._all[i].alike == self._all[j].alike
        ]

    def evidence(self, rows: nw.LazyFrame[Any], text: nw.Expr) -> nw.LazyFrame[Any]:
        """One row of counts and examples from these rows.

        Args:
            rows: Cells as sent.
            text: The cell, stripped, '' where it spells a missing value.
        """
        # At most one row per day, however many customers.
        cells = rows.select(**{_CELL: text}).group_by(_CELL).agg(**{_ROWS: nw.len()})
        cell = nw.col(_CELL)
        fits = {f"fits_{i}": f"^{fmt.shape_with_time}$" for i, fmt in enumerate(self._all)}
        cells = cells.filter(cell != "").with_columns(
            **{name: cell.str.contains(shape) for name, shape in fits.items()},
            has_time=cell.str.contains(":", literal=True),
            is_even=cell.str.contains(_even_shape()),
        )
        declared = (nw.col(f"fits_{i}") for i in range(len(self._formats)))
        none = ~nw.any_horizontal(*(nw.col(name) for name in fits), ignore_nulls=True)
        measures = {
            "rows": nw.col(_ROWS).sum(),
            "rows_with_time": _count(nw.col("has_time")),
            **{name: _count(nw.col(name)) for name in fits},
            "declared": _count(nw.any_horizontal(*declared, ignore_nulls=True)),
            "low_none": _min(none),
            "low_telling": _min(none & cell.str.contains(_TELLING)),
        }
        for i, j in self._pairs:
            ours, other = nw.col(f"fits_{i}"), nw.col(f"fits_{j}")
            both = ours & other & ~nw.col("is_even")
            measures[f"both_{i}_{j}"] = _count(both)
            measures[f"other_{i}_{j}"] = _count(~ours & other)
            measures[f"low_{i}_{j}"] = _min(both)
        return cells.select(**measures)

    def choose(self, parts: Iterable[Mapping[str, Any]]) -> ChosenFormat:
        """The format that fits most cells; of several, the first.

        Args:
            parts: `evidence` of each part of the file.

        Raises:
            UnclearDatesError: Another format fits equally well with other dates, or fits better.
        """
        nothing: Evidence = {}
        total = reduce(_added, parts, nothing)
        counts = [total.get(f"fits_{i}", 0) for i in range(len(self._all))]
        best = max(range(len(self._formats)), key=lambda i: (counts[i], -i))
        for i, j in self._pairs:
            if i == best:
                self._refuse(total, i, j, counts)
        chosen = self._all[best]
        stray = total.get("rows", 0) - counts[best]
        note = self._about_stray(total, stray, chosen) if stray else ""
        return ChosenFormat(chosen, bool(total.get("rows_with_time")), note)

    def _refuse(self, total: Evidence, i: int, j: int, counts: list[int]) -> None:
        """Raise if another format may be meant instead of ours."""
        ours, other = self._all[i], self._all[j]
        both, only = total[f"both_{i}_{j}"], total[f"other_{i}_{j}"]
        is_declared = j < len(self._formats)
        if both and is_declared and counts[i] == counts[j]:
            problem = (
                f"the dates of {self._name} can be read in two ways: {ours.text} and {other.text}"
                f" both fit {counts[i]:,} cells, and"
                f" {_both_ways(total[f'low_{i}_{j}'], ours, other)}"
            )
            raise UnclearDatesError(problem, f"Add what is meant: {_line(ours)}, or {_line(other)}")
        if counts[j] > counts[i]:
            problem = (
                f"the dates of {self._name} are not of the format {ours.text}, which fits"
                f" {counts[i]:,} of {total['rows']:,} cells: {other.text} fits {counts[j]:,}"
            )
            raise UnclearDatesError(problem, f"Add {_line(other)}")
        if both and only / total["rows"] > _A_FEW:
            problem = (
                f"the dates of {self._name} are of two formats: {ours.text} fits {counts[i]:,} of"
                f" {total['rows']:,} cells, {only:,} others fit only {other.text}, and"
                f" {both:,} fit both, with different days:"
                f" {_both_ways(total[f'low_{i}_{j}'], ours, other)}"
            )
            raise UnclearDatesError(problem, "Write all of them in one format, best as 2013-12-31")

    def _about_stray(self, total: Evidence, stray: int, chosen: DateFormat) -> str:
        elsewhere = total["declared"] - (total["rows"] - stray)
        words = (
            f"{stray:,} of {total['rows']:,} dates of {self._name} are not of the format"
            f" {chosen.text}"
        )
        if elsewhere > 0:
            words += f" ({elsewhere:,} are of another one: a column has one)"
        example = min(total["low_telling"], total["low_none"], key=lambda each: each == _LAST)
        if example == _LAST:
            return words
        offered = offers(example, self._pivot)
        words += f", such as {example[:40]!r}"
        if not offered:
            return words
        return f"{words}, which may be meant as {' or '.join(_line(fmt) for fmt in offered)}"

    @property
    def _name(self) -> str:
        return f"{self.column} ({self.header!r})" if self.header != self.column else self.column


def offers(text: str, pivot: int | None = None) -> list[DateFormat]:
    """A few formats that fit a text, the most common first."""
    marks = ("-", "/", ".", " ")
    orders = [("%d", "%m", "%Y"), ("%m", "%d", "%Y"), ("%Y", "%m", "%d"), ("%d", "%b", "%Y")]
    orders += [("%d", "%m", "%y"), ("%m", "%d", "%y"), ("%y", "%m", "%d"), ("%d", "%b", "%y")]
    written = [mark.join(order) for order in orders for mark in marks]
    written += ["%b %d, %Y", "%b %d %Y", "%d%b%Y", "%Y%m%d", "%d%m%Y", EXCEL]
    formats = (DateFormat.of(each, 30 if pivot is None else pivot) for each in written)
    return [fmt for fmt in formats if fmt.day(text)][:_MAX_OFFERED]


def _line(fmt: DateFormat) -> str:
    """The line of configuration that declares a format."""
    line = f'`customers.date_formats: ["{fmt.text}"]`'
    return f"{line} with `customers.two_digit_years_before: 30`" if "%y" in fmt.fields else line


def _both_ways(cell: str, ours: DateFormat, other: DateFormat) -> str:
    days = (fmt.day(cell) for fmt in (ours, other))
    first, second = (f"{day.day} {day:%B %Y}" if day else "no day" for day in days)
    return f"{cell!r} is {first} or {second}"


def _even_shape() -> str:
    """A pattern for dates with equal day and month numbers, which cannot be misread."""
    pairs = "|".join(f"0?{n}[^0-9]+0?{n}|{n:02}{n:02}" for n in range(1, 13))
    return f"(?:^|^[0-9]{{4}}[^0-9]|^[0-9]{{4}})(?:{pairs})(?:[^0-9]|$|[0-9]{{4}}$)"


def _count(rule: nw.Expr) -> nw.Expr:
    return nw.when(rule).then(nw.col(_ROWS)).otherwise(nw.lit(0)).sum()


def _min(rule: nw.Expr) -> nw.Expr:
    return nw.when(rule).then(nw.col(_CELL)).otherwise(nw.lit(_LAST)).min()


def _added(total: Evidence, part: Mapping[str, Any]) -> Evidence:
    return {
        name: min(total.get(name, _LAST), value if isinstance(value, str) else _LAST)
        if name.startswith("low_")
        else total.get(name, 0) + int(value or 0)
        for name, value in part.items()
    }
