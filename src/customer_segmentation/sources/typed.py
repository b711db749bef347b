"""Typed columns as text: whole numbers without a decimal point, dates without a time.

All cells of a column decide how it is written, so that an id does not depend on which rows are
read together.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.sources.limits import EXACT

_TEXT = {
    *(pa.string(), pa.large_string(), pa.string_view()),
    *(pa.binary(), pa.large_binary(), pa.binary_view()),
}


class TextColumn:
    """Writes one column of an Arrow type as text.

    If `must_look`, pass the whole column to `look` first; then `text` writes it.

    Args:
        kind: The column's type.

    Raises:
        TypeError: The type is not text, a number or a date.
    """

    def __init__(self, kind: pa.DataType) -> None:
        """Nothing is known about the cells yet."""
        self._kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        self._is_number = pa.types.is_floating(self._kind) or pa.types.is_decimal(self._kind)
        self._is_time = pa.types.is_timestamp(self._kind)
        self.is_text = self._kind in _TEXT
        self.must_look = self._is_number or self._is_time
        simple = pa.types.is_integer, pa.types.is_boolean, pa.types.is_date, pa.types.is_null
        if not (self.is_text or self.must_look or any(test(self._kind) for test in simple)):
            raise TypeError(str(kind))
        self._is_whole = self._is_day = self._is_second = self.must_look

    def look(self, column: pa.Array) -> None:
        """Learn from some of the cells how to write all."""
        column = _plain(column).drop_null()
        if self._is_number and self._is_whole:
            self._is_whole = _all(_is_whole(column))
        if self._is_time:
            self._is_day = self._is_day and _all(pc.equal(pc.floor_temporal(column), column))
            self._is_second = self._is_second and _all(
                pc.equal(pc.floor_temporal(column, unit="second"), column)
            )

    def text(self, column: pa.Array) -> pa.Array:
        """Cells as they would be written in a text file; null is ''."""
        column = _plain(column)
        if pa.types.is_boolean(self._kind):
            # As the contract writes flags.
            column = column.cast(pa.int8())
        elif pa.types.is_floating(self._kind):
            column = self._float_text(column)
        elif pa.types.is_decimal(self._kind):
            text = column.cast(pa.string())
            column = pc.replace_substring_regex(text, r"\.0*$", "") if self._is_whole else text
        elif self._is_time and self._is_day:
            naive = pc.local_timestamp(column) if self._kind.tz else column
            column = naive.cast(pa.date32())
        elif self._is_time and self._is_second:
            column = column.cast(pa.timestamp("s", self._kind.tz))
        elif pa.types.is_date64(self._kind):
            column = column.cast(pa.date32())
        return pc.fill_null(column.cast(pa.string()), "")

    def _float_text(self, column: pa.Array) -> pa.Array:
        is_whole = pc.fill_null(_is_whole(column), fill_value=False)
        whole = pc.if_else(is_whole, column, 0.0).cast(pa.int64()).cast(pa.string())
        if not self._is_whole:
            whole = pc.binary_join_element_wise(whole, ".0", "")
        return pc.if_else(is_whole, whole, column.cast(pa.string()))


def _plain(column: pa.Array) -> pa.Array:
    if pa.types.is_float16(column.type):
        # Arrow supports little of float16.
        return column.cast(pa.float32())
    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _all(flags: pa.Array) -> bool:
    return pc.all(flags).as_py() is not False


def _is_whole(column: pa.Array) -> pa.Array:
    if pa.types.is_decimal(column.type):
        return pc.match_substring_regex(column.cast(pa.string()), r"^-?\d+(\.0*)?$")
    return pc.and_(pc.equal(pc.floor(column), column), pc.less(pc.abs(column), float(EXACT)))
