"""From order lines to customers: one aggregation over the lines of a window."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any

import narwhals as nw

from customer_segmentation.customers.matrix import numeric_expressions
from customer_segmentation.schema.evaluate import on_frame
from customer_segmentation.schema.operations import where
from customer_segmentation.schema.orders import Aggregate
from customer_segmentation.schema.parts import AS_OF, KEY, SAMPLE_KEY
from customer_segmentation.schema.schema import Schema

_VALUE = "line__"
TIME = "time__of_line"
# Size of a sum, and steps of 1 that it is told in: wide enough for the error of adding in another
# order, and below a cent up to 10^10.
_STEPS = ((1e10, 1e3), (1e7, 1e6), (1e4, 1e9), (10.0, 1e12))


def aggregate_lines(lines: nw.LazyFrame[Any], schema: Schema) -> nw.LazyFrame[Any]:
    """One row a customer: key, the columns of the schema, `as_of` and `sample_key`.

    Args:
        lines: Valid lines of the window: the columns of a line, `as_of` and `sample_key`.
        schema: Of the customers; `schema.rows` is that of the lines.
    """
    rows, aggregates = _values(lines, schema), schema.aggregates
    # The first and the last day themselves are plain aggregates.
    of_day = {
        name: part.how
        for name, part in aggregates.items()
        if part.how in {"first", "last"} and part.name != schema.time
    }
    plain = {name: part for name, part in aggregates.items() if name not in of_day}
    customers = rows.group_by(KEY).agg(
        nw.col(AS_OF, SAMPLE_KEY).max(),
        **{name: _aggregated(name, part) for name, part in plain.items()},
    )
    for how in sorted({*of_day.values()}):
        day = nw.col(TIME).min() if how == "first" else nw.col(TIME).max()
        ends = rows.filter(nw.col(TIME) == day.over(KEY)).group_by(KEY)
        # Of several lines of a day the smallest value, whatever their order.
        names = [name for name, which in of_day.items() if which == how]
        found = ends.agg(**{name: nw.col(_VALUE + name).min() for name in names})
        customers = customers.join(found, on=KEY, how="left")
    # Afterwards: pandas computes anything but a plain aggregate group by group.
    made = {name: _settled(name, part) for name, part in aggregates.items()}
    return customers.with_columns(**made).select(KEY, *made, AS_OF, SAMPLE_KEY).sort(KEY)


def _values(lines: nw.LazyFrame[Any], schema: Schema) -> nw.LazyFrame[Any]:
    """What is aggregated of each line, its key and its time."""
    aggregates = schema.aggregates
    words = {
        _VALUE + name: nw.col(part.name)
        for name, part in aggregates.items()
        if part.kind != "number"
    }
    needed = [name for part in aggregates.values() for name in part.inputs]
    rows = with_features(lines.with_columns(**words), schema, needed, [*words])
    values = {
        _VALUE + name: part.formula(*map(nw.col, part.formula.inputs))
        if part.formula
        else nw.col(part.name or KEY)
        for name, part in aggregates.items()
        if part.kind == "number"
    }
    return rows.with_columns(**values).select(KEY, AS_OF, SAMPLE_KEY, TIME, *values, *words)


def with_features(
    lines: nw.LazyFrame[Any], schema: Schema, needed: Iterable[str], kept: Iterable[str] = ()
) -> nw.LazyFrame[Any]:
    """Lines as numbers, with the features of a line among those needed, and their `TIME`.

    Args:
        lines: As of `aggregate_lines`.
        schema: Of the customers.
        needed: Columns and features of a line.
        kept: Other columns to keep as they are.
    """
    of_lines = schema.rows
    present = [name for name in lines.collect_schema().names() if name in of_lines.columns]
    numbers = numeric_expressions(of_lines, [*present, AS_OF])
    # Dates and texts stay beside the numbers made of them.
    plain = [name for name in present if name not in numbers]
    time = nw.col(schema.time).alias(TIME)
    rows = lines.select(*plain, AS_OF, SAMPLE_KEY, time, *kept, **numbers)
    return on_frame(of_lines, rows, [name for name in needed if name in of_lines.features])


def settled_sum(value: nw.Expr) -> nw.Expr:
    """A sum to some 12 digits, as every engine gives it, in any order of the lines."""
    size = value.abs()
    finest = reduce(lambda fine, step: where(size < step[0], step[1], fine), _STEPS, 1.0)
    # Where all are the same, Polars would multiply by the inverse, which differs in the last bit.
    steps = value * 0.0 + finest
    return (value * steps + 0.5).floor() / steps


def _aggregated(name: str, part: Aggregate) -> nw.Expr:
    column = nw.col(_VALUE + name)
    if part.how == "count":
        return nw.len()
    if part.how == "distinct":
        return column.n_unique()
    if part.how in {"max", "last"}:
        return column.max()
    if part.how in {"min", "first"}:
        return column.min()
    return column.mean() if part.how == "mean" else column.sum()


def _settled(name: str, part: Aggregate) -> nw.Expr:
    """The aggregate as every engine gives it: whole numbers as floats, sums to some 12 digits."""
    value = nw.col(name)
    if part.how in {"count", "distinct"}:
        return value.cast(nw.Float64)
    if part.how not in {"sum", "mean"}:
        return value
    return settled_sum(value)
