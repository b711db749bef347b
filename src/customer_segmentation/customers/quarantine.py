"""Tell customers from rows that break the contract: every row, with every reason.

Rows equal in all cells as sent are repeats: the lowest row number stays, the rest are removed and
counted. A key that stands on rows with different cells condemns all that are left of them, since
nobody can say which is true.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import narwhals as nw

from customer_segmentation.customers.cells import (
    ParsedDate,
    ParsedNumber,
    category,
    number,
    parsed_date,
    trimmed,
)
from customer_segmentation.customers.contract import (
    AS_OF,
    COLUMNS,
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
_CANONICAL = "canonical__"
_BROKEN = "broken__"


@dataclass(frozen=True)
class CheckedCustomers:
    """Every row of a source with what the contract says of it.

    `rows` holds the cells as sent, one canonical column `canonical__NAME` for each mapped header,
    `broken__REASON` for each reason there may be, `checked__is_broken` for any of them, and
    `checked__is_repeat`. Reasons are put into words for the few rows that have any.
    """

    rows: nw.LazyFrame[Any]

    @cached_property
    def cells(self) -> tuple[str, ...]:
        """The headers as sent."""
        apart = (*ADDED, _IS_BROKEN, _REPEAT)
        prefixes = (_CANONICAL, _BROKEN)
        return tuple(n for n in self._names if n not in apart and not n.startswith(prefixes))

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

    def quarantined(self) -> nw.LazyFrame[Any]:
        """Rows that break it: row number, key, all reasons, and the cells as sent."""
        broken = self.rows.filter(~nw.col(_REPEAT) & nw.col(_IS_BROKEN))
        cells = [nw.col(cell).alias(f"sent_{cell.strip()}") for cell in self.cells]
        key = nw.col(_canonical(KEY)).alias(KEY)
        found = [
            nw.when(nw.col(name)).then(nw.lit(name.removeprefix(_BROKEN)))
            for name in self._names
            if name.startswith(_BROKEN)
        ]
        reasons = nw.concat_str(*found, separator=SEPARATOR, ignore_nulls=True).alias(REASONS)
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
    """Parse the mapped cells and collect the reasons against each row.

    Args:
        bronze: Cells as text, with the columns that ingestion adds.
        mapped: Canonical column -> header, from `map_headers`.
        parameters: Formats, spellings and windows.
    """
    cells = tuple(name for name in bronze.collect_schema().names() if name not in ADDED)
    columns = tuple(column.name for column in CONTRACT if column.name in mapped)
    rows = bronze.with_columns(
        **{_canonical(name): trimmed(mapped[name], parameters.missing_values) for name in columns}
    )
    rows = _with_repeats(rows, cells)
    rows = _parsed(rows, columns, parameters)
    canonical = [_canonical(name) for name in columns]
    broken = [name for name in rows.collect_schema().names() if name.startswith(_BROKEN)]
    return CheckedCustomers(
        rows.select(*cells, *canonical, *ADDED, *broken, _REPEAT).with_columns(
            **{_IS_BROKEN: nw.any_horizontal(*broken, ignore_nulls=True)}
        )
    )


def _plain(rows: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """Columns of NumPy's types on pandas, whoever held the text: what follows expects them."""
    if not rows.implementation.is_pandas():
        return rows
    held = rows.collect()
    columns = {name: held[name].to_numpy() for name in held.columns}
    return nw.from_dict(columns, backend=held.implementation).lazy()


def _canonical(name: str) -> str:
    return _CANONICAL + name


def _with_repeats(rows: nw.LazyFrame[Any], cells: tuple[str, ...]) -> nw.LazyFrame[Any]:
    key = _canonical(KEY)
    rows = rows.with_columns(**{_SAME_KEY: nw.len().over(key)})
    # Only the few rows whose key stands twice are compared cell by cell.
    shared = rows.filter(nw.col(_SAME_KEY) > 1)
    is_repeat = nw.col(ROW_NUMBER) != nw.col(ROW_NUMBER).min().over(*cells)
    # Rows without a key do not share one.
    is_conflict = (nw.len().over(*cells) != nw.col(_SAME_KEY)) & (nw.col(key) != "")
    # Numbers, since a left join turns pandas' booleans into objects.
    flags = shared.select(
        ROW_NUMBER,
        **{_REPEAT: is_repeat.cast(nw.Float64), _CONFLICT: is_conflict.cast(nw.Float64)},
    )
    return rows.join(flags, on=ROW_NUMBER, how="left").with_columns(
        **{flag: nw.col(flag).fill_null(0.0) == 1.0 for flag in (_REPEAT, _CONFLICT)}
    )


def _parsed(
    rows: nw.LazyFrame[Any], columns: tuple[str, ...], parameters: CustomerParameters
) -> nw.LazyFrame[Any]:
    parsed: dict[str, nw.Expr] = {}
    for name in columns:
        parsed |= _parsed_cell(COLUMNS[name], parameters)
    rows = rows.with_columns(**parsed)
    values: dict[str, nw.Expr] = {}
    reasons = {f"{KEY}: appears with different values": nw.col(_CONFLICT)}
    for name in columns:
        reasons[f"{name}: missing"] = nw.col(_canonical(name)) == ""
        if COLUMNS[name].kind != "key":
            values[name], found = _CHECKS[COLUMNS[name].kind](COLUMNS[name], parameters)
            reasons |= {f"{name}: {problem}": condition for problem, condition in found.items()}
    # A comparison with a value that is not there is no reason.
    rows = rows.with_columns(
        **{_BROKEN + text: reason.fill_null(value=False) for text, reason in reasons.items()}
    )
    rows = rows.with_columns(**{_canonical(name): value for name, value in values.items()})
    dates = [_canonical(name) for name in columns if COLUMNS[name].kind == "date"]
    return rows.with_columns(nw.col(*dates).str.to_datetime(format="%Y-%m-%d")) if dates else rows


def _parsed_cell(column: Column, parameters: CustomerParameters) -> dict[str, nw.Expr]:
    """What a column's text says, as columns beside it."""
    prefix = _canonical(column.name)
    text = nw.col(prefix)
    if column.kind == "number":
        return number(text).columns(prefix)
    if column.kind == "date":
        return parsed_date(text, parameters.date_formats).columns(prefix)
    if column.kind == "category":
        spellings = parameters.categories.get(column.name, {})
        return {f"{prefix}__meaning": category(text, spellings, column.categories)}
    return {}


Checked = tuple[nw.Expr, dict[str, nw.Expr]]


def _checked_number(column: Column, parameters: CustomerParameters) -> Checked:
    """The value, and the condition under which each problem is found."""
    parsed = ParsedNumber.kept(_canonical(column.name))
    value = parsed.value
    problems = {"not a number": parsed.malformed, "not finite": parsed.not_finite}
    if column.whole:
        problems["not a whole number"] = value // 1.0 < value
    if column.name == "year_birth":
        window, year = parameters.age, float(parameters.as_of.year)
        outside = (value > year - window.minimum) | (value < year - window.maximum)
        problems[f"age outside {window.minimum} to {window.maximum}"] = outside
    if column.minimum == 0.0:
        problems["negative"] = value < 0.0
    if column.maximum is not None:
        problems[f"above {column.maximum:.0f}"] = value > column.maximum
    return value, problems


def _checked_date(column: Column, parameters: CustomerParameters) -> Checked:
    prefix = _canonical(column.name)
    parsed = ParsedDate.kept(prefix)
    earliest, latest = parameters.enrolled_from, parameters.as_of
    first, last = (float(day.strftime("%Y%m%d")) for day in (earliest, latest))
    outside = parsed.is_date & ((parsed.ordered < first) | (parsed.ordered > last))
    # pandas has no dates far from today.
    value = nw.when(~outside).then(parsed.iso_text)
    return value, {
        "not a date": (nw.col(prefix) != "") & ~parsed.is_date,
        f"outside {earliest} to {latest}": outside,
    }


def _checked_category(column: Column, _parameters: CustomerParameters) -> Checked:
    prefix = _canonical(column.name)
    value = nw.col(f"{prefix}__meaning")
    return value, {"unknown category": (nw.col(prefix) != "") & (value == "")}


_CHECKS = {"number": _checked_number, "date": _checked_date, "category": _checked_category}
