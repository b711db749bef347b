"""Tell customers from rows that break the contract: every row, with every reason.

Rows equal in all cells as sent are repeats: the lowest row number stays, the rest are removed and
counted. A key that stands on rows with different cells condemns all that are left of them, since
nobody can say which is true.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Any

import narwhals as nw

from customer_segmentation.customers.cells import (
    Columns,
    ParsedDate,
    ParsedNumber,
    category,
    missing_as_empty,
    stripped,
)
from customer_segmentation.customers.contract import (
    AS_OF,
    CONTRACT,
    KEY,
    SAMPLE_KEY,
    Column,
)
from customer_segmentation.customers.parameters import CustomerParameters
from customer_segmentation.errors import UserError

SOURCE_NAME = "source_name"
SOURCE_HASH = "source_sha256"
ROW_NUMBER = "row_number"
PROVENANCE = (SOURCE_NAME, SOURCE_HASH, ROW_NUMBER)
ADDED = (*PROVENANCE, AS_OF, SAMPLE_KEY)

REASONS = "reasons"
SEPARATOR = "; "
# Beside the cells as sent, whose headers may be any word.
_IS_BROKEN = "checked__is_broken"
_REPEAT = "checked__is_repeat"
_CONFLICT = "checked__is_conflict"
_SAME_KEY = "checked__same_key"
_ROWS = "checked__rows"
_VERDICTS = (_IS_BROKEN, _REPEAT, _CONFLICT)
_CANONICAL = "canonical__"


@dataclass(frozen=True)
class CheckedCustomers:
    """Every row of a source with what the contract says of it.

    `rows` holds the cells as sent, one canonical column `canonical__NAME` for each mapped header,
    and `checked__is_broken`, `checked__is_repeat` and `checked__is_conflict`. Reasons are put into
    words for the few rows that have any.
    """

    rows: nw.LazyFrame[Any]

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """The headers as sent."""
        apart = (*ADDED, *_VERDICTS)
        return tuple(n for n in self._names if n not in apart and not n.startswith(_CANONICAL))

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The canonical columns that the source has."""
        return tuple(c.name for c in CONTRACT if _canonical(c.name) in self._names)

    @cached_property
    def _names(self) -> list[str]:
        return self.rows.collect_schema().names()

    def customers(self) -> nw.LazyFrame[Any]:
        """Rows that keep the contract: canonical columns, `as_of` and `sample_key`, by key."""
        kept = self.rows.filter(~nw.col(_REPEAT) & ~nw.col(_IS_BROKEN))
        canonical = [nw.col(_canonical(name)).alias(name) for name in self.columns]
        return _plain(kept.select(*canonical, AS_OF, SAMPLE_KEY)).sort(KEY)

    def quarantined(self, parameters: CustomerParameters) -> nw.LazyFrame[Any]:
        """Rows that break it: row number, key, all reasons, and the cells as sent.

        Args:
            parameters: Those that the rows were checked by.
        """
        broken = self.rows.filter(~nw.col(_REPEAT) & nw.col(_IS_BROKEN))
        # Which rule a row breaks is asked again: of all rows, it would take longer than parsing.
        rules = _Rules(map_headers(self.cells, parameters), parameters)
        broken = rules.parsed(broken.select(*self.cells, *PROVENANCE, AS_OF, _CONFLICT))
        found = [nw.when(rule).then(nw.lit(text)) for text, rule in rules.problems().items()]
        reasons = nw.concat_str(*found, separator=SEPARATOR, ignore_nulls=True).alias(REASONS)
        cells = [nw.col(cell).alias(f"sent_{cell.strip()}") for cell in self.cells]
        key = nw.col(_canonical(KEY)).alias(KEY)
        rows = broken.select(ROW_NUMBER, key, reasons, *cells, *PROVENANCE[:2], AS_OF)
        return _plain(rows).sort(ROW_NUMBER)

    def counts(self) -> dict[str, int]:
        """How many rows are `customers`, `quarantined` and `repeats`: each told by its own rule."""
        is_repeat, is_broken = nw.col(_REPEAT), nw.col(_IS_BROKEN)
        ends = {
            "customers": ~is_repeat & ~is_broken,
            "quarantined": ~is_repeat & is_broken,
            "repeats": is_repeat,
        }
        found = self.rows.select(
            **{
                end: nw.when(rule).then(nw.lit(1)).otherwise(nw.lit(0)).sum()
                for end, rule in ends.items()
            }
        ).collect()
        return {end: int(nw.to_py_scalar(found[end][0])) for end in ends}


def map_headers(headers: Iterable[str], parameters: CustomerParameters) -> dict[str, str]:
    """Canonical column -> header as sent.

    Raises:
        UserError: Two headers stand for one column.
    """
    cells = [header for header in headers if header not in ADDED]
    try:
        return parameters.header_of(cells)
    except ValueError as error:
        raise UserError(str(error)) from error


def require_columns(
    mapped: dict[str, str], required: Iterable[str], parameters: CustomerParameters, source: str
) -> None:
    """Refuse a source without a column that the key or a selected feature needs.

    Raises:
        UserError: Names every missing column, its aliases and the source.
    """
    missing = [name for name in required if name not in mapped]
    if missing:
        aliases = {
            name: [a for a, c in parameters.aliases.items() if c == name] for name in missing
        }
        named = ", ".join(
            f"`{name}` (header {' or '.join([*aliases[name], name])})" for name in missing
        )
        message = (
            f"{source}: no column for {named}. Add it to the file, or map its header to the "
            "column in `customers.aliases` (conf/base/parameters_customers.yml)."
        )
        raise UserError(message)


def check_customers(
    bronze: nw.LazyFrame[Any], mapped: dict[str, str], parameters: CustomerParameters
) -> CheckedCustomers:
    """Parse the mapped cells and tell which rows break the contract.

    Args:
        bronze: Cells as text, with the columns that ingestion adds.
        mapped: Canonical column -> header, from `map_headers`.
        parameters: Formats, spellings and windows.
    """
    cells = tuple(name for name in bronze.collect_schema().names() if name not in ADDED)
    rules = _Rules(mapped, parameters)
    rows = rules.parsed(_with_repeats(bronze, cells, rules.text(KEY)))
    is_broken = nw.any_horizontal(*rules.problems().values(), ignore_nulls=True)
    rows = rows.select(
        *cells, *ADDED, _REPEAT, _CONFLICT, **{_IS_BROKEN: is_broken}, **rules.values()
    )
    return CheckedCustomers(rules.with_dates(rows))


def _plain(rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Columns of NumPy's types on pandas, whoever held the text: what follows expects them."""
    if not rows.implementation.is_pandas():
        return rows
    held = rows.collect()
    columns = {name: held[name].to_numpy() for name in held.columns}
    return nw.from_dict(columns, backend=held.implementation).lazy()


def _canonical(name: str) -> str:
    return _CANONICAL + name


def _with_repeats(
    rows: nw.LazyFrame[Any], cells: tuple[str, ...], key: nw.Expr
) -> nw.LazyFrame[Any]:
    """Whether each row repeats another one, and whether its key stands on different rows."""
    keyed = rows.select(*cells, ROW_NUMBER, **{_SAME_KEY: key})
    # Only the few rows whose key stands twice are compared cell by cell.
    twice = keyed.group_by(_SAME_KEY).agg(**{_ROWS: nw.len()}).filter(nw.col(_ROWS) > 1)
    shared = keyed.join(twice.select(_SAME_KEY), on=_SAME_KEY, how="semi")
    is_repeat = nw.col(ROW_NUMBER) != nw.col(ROW_NUMBER).min().over(*cells)
    is_other = nw.len().over(*cells) != nw.len().over(_SAME_KEY)
    # Rows without a key do not share one.
    is_conflict = is_other & (nw.col(_SAME_KEY) != "")
    # Numbers, since a left join turns pandas' booleans into objects.
    flags = shared.select(
        ROW_NUMBER,
        **{_REPEAT: is_repeat.cast(nw.Float64), _CONFLICT: is_conflict.cast(nw.Float64)},
    )
    return rows.join(flags, on=ROW_NUMBER, how="left").with_columns(
        **{flag: nw.col(flag).fill_null(0.0) == 1.0 for flag in (_REPEAT, _CONFLICT)}
    )


# In words, and where it is so.
Problems = dict[str, nw.Expr]


class _Rules:
    """The contract as expressions over the cells as sent.

    Args:
        mapped: Canonical column -> header.
        parameters: Formats, spellings and windows.
    """

    def __init__(self, mapped: dict[str, str], parameters: CustomerParameters) -> None:
        self.mapped = mapped
        self.parameters = parameters
        self.columns = [column for column in CONTRACT if column.name in mapped]

    def text(self, name: str) -> nw.Expr:
        """The stripped cell of a column, '' where it spells a missing value."""
        return missing_as_empty(stripped(self.mapped[name]), self.parameters.missing_values)

    def parsed(self, rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """With the text of each column, and beside it what was parsed of it."""
        for level in _in_step(self._levels(column) for column in self.columns):
            rows = rows.with_columns(**level)
        return rows

    def _levels(self, column: Column) -> tuple[Columns, ...]:
        name = _canonical(column.name)
        text = (
            {name: stripped(self.mapped[column.name])},
            {name: missing_as_empty(nw.col(name), self.parameters.missing_values)},
        )
        if column.kind == "number":
            return *text, *ParsedNumber(name).levels
        if column.kind == "date":
            return *text, *self._date(column).levels
        if column.kind == "category":
            spellings = self.parameters.categories.get(column.name, {})
            meaning = category(nw.col(name), spellings, column.categories)
            return *text, {_meaning(column): meaning}
        return text

    def _date(self, column: Column) -> ParsedDate:
        return ParsedDate(_canonical(column.name), self.parameters.date_formats)

    def values(self) -> Columns:
        """The canonical columns of parsed rows; dates are `YYYYMMDD` until `with_dates`."""
        found = {}
        for column in self.columns:
            name = _canonical(column.name)
            value = nw.col(name)
            if column.kind == "number":
                value = ParsedNumber(name).value
            elif column.kind == "date":
                day = self._date(column)
                # pandas has no dates far from today.
                is_day = day.is_date & ~self._outside(day)
                value = nw.when(is_day).then(day.ordered.cast(nw.Int64).cast(nw.String))
            elif column.kind == "category":
                value = nw.col(_meaning(column))
            found[name] = value
        return found

    def with_dates(self, rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """The text that `values` gives for dates, as dates."""
        dates = [_canonical(column.name) for column in self.columns if column.kind == "date"]
        return rows.with_columns(nw.col(*dates).str.to_datetime(format="%Y%m%d")) if dates else rows

    def problems(self) -> Problems:
        """Every reason in words, and what is true of a parsed row that has it; null is no."""
        found = {f"{KEY}: appears with different values": nw.col(_CONFLICT)}
        for column in self.columns:
            rules = {"missing": nw.col(_canonical(column.name)) == ""}
            if column.kind == "number":
                rules |= self._number_problems(column)
            elif column.kind == "date":
                rules |= self._date_problems(column)
            elif column.kind == "category":
                is_known = nw.col(_meaning(column)) != ""
                rules["unknown category"] = ~rules["missing"] & ~is_known
            found |= {f"{column.name}: {problem}": rule for problem, rule in rules.items()}
        return found

    def _number_problems(self, column: Column) -> Problems:
        parsed = ParsedNumber(_canonical(column.name))
        value = parsed.value
        problems = {"not a number": parsed.malformed, "not finite": parsed.not_finite}
        if column.whole:
            problems["not a whole number"] = value // 1.0 < value
        if column.name == "year_birth":
            window, year = self.parameters.age, float(self.parameters.as_of.year)
            outside = (value > year - window.minimum) | (value < year - window.maximum)
            problems[f"age outside {window.minimum} to {window.maximum}"] = outside
        if column.minimum == 0.0:
            problems["negative"] = value < 0.0
        if column.maximum is not None:
            problems[f"above {column.maximum:.0f}"] = value > column.maximum
        return problems

    def _date_problems(self, column: Column) -> Problems:
        day = self._date(column)
        earliest, latest = self.parameters.enrolled_from, self.parameters.as_of
        return {
            "not a date": (nw.col(_canonical(column.name)) != "") & ~day.is_date,
            f"outside {earliest} to {latest}": day.is_date & self._outside(day),
        }

    def _outside(self, day: ParsedDate) -> nw.Expr:
        window = self.parameters.enrolled_from, self.parameters.as_of
        first, last = (float(end.strftime("%Y%m%d")) for end in window)
        return (day.ordered < first) | (day.ordered > last)


def _meaning(column: Column) -> str:
    return f"{_canonical(column.name)}__meaning"


def _in_step(columns: Iterable[tuple[Columns, ...]]) -> list[Columns]:
    """The levels of all columns, side by side."""
    return [
        {name: made for level in levels for name, made in level.items()}
        for levels in zip_longest(*columns, fillvalue={})
    ]
