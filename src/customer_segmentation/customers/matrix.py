"""Canonical columns as numbers: the inputs of the features and of the scoring artifact.

A date becomes its year and its day of the year; a category becomes its code; null stays null.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import narwhals as nw

from customer_segmentation.schema.formula import date_parts
from customer_segmentation.schema.parts import AS_OF
from customer_segmentation.schema.schema import Schema


def date_numbers(column: str, day: date) -> dict[str, float]:
    """A date as the numeric columns of a date column: its year and its day of the year."""
    year, ordinal = date_parts(column)
    return {year: float(day.year), ordinal: float(day.timetuple().tm_yday)}


def numeric_expressions(schema: Schema, columns: Iterable[str]) -> dict[str, nw.Expr]:
    """Name of each numeric input -> its float64 expression."""
    expressions: dict[str, nw.Expr] = {}
    names = list(columns)
    for name in names:
        column = schema.columns.get(name)
        kind = "date" if name == AS_OF else column.kind if column else None
        if kind == "number":
            expressions[name] = nw.col(name).cast(nw.Float64)
        elif column and kind == "category":
            codes = column.categories
            expressions[name] = nw.col(name).replace_strict(
                codes,
                [float(code) for code in range(len(codes))],
                default=None,
                return_dtype=nw.Float64,
            )
        elif kind == "date":
            year, day = date_parts(name)
            expressions[year] = nw.col(name).dt.year().cast(nw.Float64)
            expressions[day] = nw.col(name).dt.ordinal_day().cast(nw.Float64)
    return {name: expressions[name] for name in schema.numeric_columns(names)}
