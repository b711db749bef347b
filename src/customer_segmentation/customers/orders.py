"""From order lines to customers: one aggregation over the lines of a window."""

from __future__ import annotations

from typing import Any

import narwhals as nw

from customer_segmentation.customers.matrix import numeric_expressions
from customer_segmentation.schema.evaluate import on_frame
from customer_segmentation.schema.orders import Aggregate
from customer_segmentation.schema.parts import AS_OF, KEY, SAMPLE_KEY
from customer_segmentation.schema.schema import Schema

_VALUE = "line__"


def aggregate_lines(lines: nw.LazyFrame[Any], schema: Schema) -> nw.LazyFrame[Any]:
    """One row a customer: key, the columns of the schema, `as_of` and `sample_key`.

    Args:
        lines: Valid lines of the window: the columns of a line, `as_of` and `sample_key`.
        schema: Of the customers; `schema.rows` is that of the lines.
    """
    of_lines = schema.rows
    present = [name for name in lines.collect_schema().names() if name in of_lines.columns]
    numbers = numeric_expressions(of_lines, [*present, AS_OF])
    # Dates and texts stay beside the numbers made of them.
    kept = [name for name in present if name not in numbers]
    rows = lines.select(*kept, AS_OF, SAMPLE_KEY, **numbers)
    aggregates = schema.aggregates
    needed = [name for part in aggregates.values() for name in part.inputs]
    rows = on_frame(of_lines, rows, [name for name in needed if name in of_lines.features])
    values = {
        _VALUE + name: part.formula(*map(nw.col, part.formula.inputs))
        for name, part in aggregates.items()
        if part.formula
    }
    rows = rows.with_columns(**values)
    customers = rows.group_by(KEY).agg(
        nw.col(AS_OF, SAMPLE_KEY).max(),
        **{name: _aggregated(name, part) for name, part in aggregates.items()},
    )
    # Afterwards: pandas computes anything but a plain aggregate group by group.
    counted = [name for name, part in aggregates.items() if part.how in {"count", "distinct"}]
    counts = {name: nw.col(name).cast(nw.Float64) for name in counted}
    customers = customers.with_columns(**counts) if counts else customers
    return customers.select(KEY, *aggregates, AS_OF, SAMPLE_KEY).sort(KEY)


def _aggregated(name: str, part: Aggregate) -> nw.Expr:
    column = nw.col(_VALUE + name) if part.formula else nw.col(part.column or KEY)
    if part.how == "count":
        return nw.len()
    if part.how == "distinct":
        return column.n_unique()
    if part.how in {"first", "min"}:
        return column.min()
    if part.how in {"last", "max"}:
        return column.max()
    return column.mean() if part.how == "mean" else column.sum()
