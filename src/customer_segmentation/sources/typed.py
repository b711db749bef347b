"""Typed cells as text, each by itself: whole numbers without a point, midnight as a day."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.sources.limits import EXACT

_TEXT = {
    *(pa.string(), pa.large_string(), pa.string_view()),
    *(pa.binary(), pa.large_binary(), pa.binary_view()),
}
_IS_TYPED = (
    *(pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean),
    *(pa.types.is_date, pa.types.is_timestamp, pa.types.is_null),
)


def is_text(kind: pa.DataType) -> bool:
    """Whether cells of an Arrow type are text."""
    return (kind.value_type if pa.types.is_dictionary(kind) else kind) in _TEXT


def can_be_text(kind: pa.DataType) -> bool:
    """Whether cells of an Arrow type can be written as text: numbers, dates and text."""
    values = kind.value_type if pa.types.is_dictionary(kind) else kind
    return values in _TEXT or any(is_of(values) for is_of in _IS_TYPED)


def as_text(column: pa.Array) -> pa.Array:
    """Cells as they would be written in a text file; null is ''."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if pa.types.is_boolean(kind):
        # As the contract writes flags.
        column = column.cast(pa.int8())
    elif pa.types.is_floating(kind):
        # Arrow supports little of float16.
        column = _float_text(column.cast(pa.float32()) if pa.types.is_float16(kind) else column)
    elif pa.types.is_decimal(kind):
        column = pc.replace_substring_regex(column.cast(pa.string()), r"\.0*$", "")
    elif pa.types.is_timestamp(kind):
        column = _time_text(column)
    elif pa.types.is_date64(kind):
        column = column.cast(pa.date32())
    return pc.fill_null(column.cast(pa.string()), "")


def _float_text(column: pa.Array) -> pa.Array:
    is_whole = pc.and_(
        pc.equal(pc.floor(column), column), pc.less(pc.abs(column), float(EXACT))
    ).fill_null(fill_value=False)
    whole = pc.if_else(is_whole, column, 0.0).cast(pa.int64())
    return pc.if_else(is_whole, whole.cast(pa.string()), column.cast(pa.string()))


def _time_text(column: pa.Array) -> pa.Array:
    is_day = pc.equal(pc.floor_temporal(column), column)
    local = pc.local_timestamp(column) if column.type.tz else column
    day = local.cast(pa.date32(), safe=False).cast(pa.string())
    if pc.all(is_day).as_py() is not False:
        return day
    moment = pc.replace_substring_regex(column.cast(pa.string()), r"\.0+(\D.*)?$", r"\1")
    return pc.if_else(is_day, day, moment)
