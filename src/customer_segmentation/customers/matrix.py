"""Canonical columns as numbers: the inputs of the features and of the scoring artifact.

A date becomes its year and its day of the year; a category becomes its code; null stays null.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import narwhals as nw

from customer_segmentation.customers.contract import AS_OF, COLUMNS, CONTRACT


def numeric_columns(columns: Iterable[str]) -> tuple[str, ...]:
    """The numeric inputs that these canonical columns give."""
    present = set(columns)
    names: list[str] = []
    for column in CONTRACT:
        if column.name not in present or column.kind == "key":
            continue
        names += _date_parts(column.name) if column.kind == "date" else [column.name]
    if AS_OF in present:
        names += _date_parts(AS_OF)
    return tuple(names)


def date_numbers(column: str, day: date) -> dict[str, float]:
    """A date as the numeric columns of a date column: its year and its day of the year."""
    year, ordinal = numeric_columns([column])
    return {year: float(day.year), ordinal: float(day.timetuple().tm_yday)}


def canonical_columns(numeric: Iterable[str]) -> tuple[str, ...]:
    """The canonical columns behind these numeric inputs, without `as_of`."""
    wanted = set(numeric)
    return tuple(
        column.name for column in CONTRACT if wanted.intersection(numeric_columns([column.name]))
    )


def numeric_expressions(columns: Iterable[str]) -> dict[str, nw.Expr]:
    """Name of each numeric input -> its float64 expression."""
    expressions: dict[str, nw.Expr] = {}
    for name in columns:
        kind = "date" if name == AS_OF else COLUMNS[name].kind if name in COLUMNS else None
        if kind == "number":
            expressions[name] = nw.col(name).cast(nw.Float64)
        elif kind == "category":
            codes = COLUMNS[name].categories
            expressions[name] = nw.col(name).replace_strict(
                codes,
                [float(code) for code in range(len(codes))],
                default=None,
                return_dtype=nw.Float64,
            )
        elif kind == "date":
            year, day = _date_parts(name)
            expressions[year] = nw.col(name).dt.year().cast(nw.Float64)
            expressions[day] = nw.col(name).dt.ordinal_day().cast(nw.Float64)
    return {name: expressions[name] for name in numeric_columns(columns)}


def describe_numeric(name: str) -> tuple[str, str]:
    """Description and unit of a numeric column."""
    for source in (*canonical_columns([name]), AS_OF):
        if name in _date_parts(source):
            day = COLUMNS[source].description if source in COLUMNS else "Day of the snapshot"
            return (
                f"{day}: its {'year' if name == _date_parts(source)[0] else 'day of the year'}",
                "",
            )
    column = COLUMNS[name]
    if column.kind == "category":
        codes = ", ".join(f"{code} {word}" for code, word in enumerate(column.categories))
        return f"{column.description}, as a code: {codes}", "code"
    return column.description, column.unit


def _date_parts(name: str) -> list[str]:
    stem = name.removesuffix("_on")
    return [f"{stem}_year", f"{stem}_day"]
