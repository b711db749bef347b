"""Of rows that tell of the same line or customer, the one that stands.

The highest version stands; rows with the same version and the same values are repeats; if their
values differ, none stands, since nobody can say which is right. A batch, a stream on one machine
and a stream on Spark all ask here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import narwhals as nw

from customer_segmentation.schema.parts import KEY, Column
from customer_segmentation.schema.schema import Schema

# Verdicts on a row. Prefixed, since the headers of a source may be any text.
IS_REPEAT = "checked__is_repeat"
IS_REPLACED = "checked__is_replaced"
IS_CONFLICT = "checked__is_conflict"
IS_REMOVED = "checked__is_removed"
_NEWEST, _VALUES = "checked__is_newest", "checked__values"
_BETWEEN = "\x1f"


def shared_id(schema: Schema) -> str:
    """The reason of rows with the same id and version, and different values."""
    return f"{', '.join(schema.events.id) or KEY}: appears with different values"


def with_standing(
    rows: nw.LazyFrame[Any],
    identity: Sequence[str],
    version: str,
    values: Mapping[str, nw.Expr],
    order: str,
) -> nw.LazyFrame[Any]:
    """The rows, and whether each is a repeat, replaced by a later version, or in a conflict.

    Args:
        rows: Of which nothing is missing in `identity` and `version`.
        identity: The columns that rows of the same line or customer share.
        version: The column of which the highest stands; '' for none.
        values: What rows of the same version must agree in (`compared`).
        order: A column of whole numbers, unique: of repeats the lowest is kept.
    """
    text = nw.concat_str(*values.values(), separator=_BETWEEN) if values else nw.lit("")
    newest = nw.col(version) == nw.col(version).max().over(*identity) if version else None
    rows = rows.with_columns(
        text.alias(_VALUES), (nw.lit(value=True) if newest is None else newest).alias(_NEWEST)
    )
    groups = (*identity, _NEWEST)
    is_first = nw.col(order) == nw.col(order).min().over(*groups, _VALUES)
    # Text compares the same way on every engine, and needs no count of distinct values.
    differ = nw.col(_VALUES).min().over(*groups) != nw.col(_VALUES).max().over(*groups)
    newest = nw.col(_NEWEST)
    return rows.with_columns(
        (newest & ~is_first).alias(IS_REPEAT),
        (~newest).alias(IS_REPLACED),
        (newest & differ).alias(IS_CONFLICT),
    ).drop(_VALUES, _NEWEST)


def compared(columns: Iterable[Column], schema: Schema, prefix: str = "") -> dict[str, nw.Expr]:
    """Each value of a row as text, to be compared with another row's.

    Args:
        columns: Of a row.
        schema: Says which of them is the flag that takes a row back.
        prefix: Of the columns' names.
    """
    found = {}
    for column in columns:
        value = nw.col(prefix + column.name)
        if column.kind == "number":
            # Minus zero is zero.
            value = value + 0.0
        if column.name == schema.events.removed:
            value = value.fill_null(0.0)
        found[column.name] = value.cast(nw.String).fill_null("")
    return found
