"""Lines of many customers as one table, and each customer's as bytes.

Numbers, days and codes of a line have a fixed size; texts stand apart, one after the other, with
their lengths among the numbers. So a thousand customers are read by one copy, not line by line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.streaming.reading import LINE

# When it arrived, as a number that grows: of records without a version the last stands.
ARRIVED = "event__arrived"
# Of two lines with the same id and version and different values, neither counts.
IS_APART = "event__is_apart"
_NO_DAY, _NO_CODE, _NO_TEXT = np.iinfo(np.int32).min, -1, -1

# Key, how many lines, then the bytes: the fixed part, and each text.
Packed = tuple[Any, ...]


class Packing:
    """How the lines of a schema's customers are kept.

    Args:
        schema: Of the customers.
    """

    def __init__(self, schema: Schema) -> None:
        columns = schema.rows.columns.values()
        self.numbers = [c.name for c in columns if c.kind == "number"]
        self.dates = [c.name for c in columns if c.kind == "date"]
        self.categories = {c.name: [*c.categories] for c in columns if c.kind == "category"}
        self.texts = [c.name for c in columns if c.kind == "text"]
        self.has_arrived = not schema.orders and not schema.events.version
        has_line = schema.orders and not schema.events.id
        # Whole numbers that are never missing.
        self.whole = [ARRIVED] if self.has_arrived else [LINE] if has_line else []

    @cached_property
    def line(self) -> np.dtype[Any]:
        """The fixed part of a line."""
        fields = [(name, "<f8") for name in self.numbers]
        fields += [(name, "<i8") for name in self.whole]
        fields += [(name, "<i4") for name in (*self.dates, *self.texts)]
        fields += [(name, "<i2") for name in self.categories]
        return np.dtype([*fields, (IS_APART, "?")])

    @cached_property
    def columns(self) -> list[str]:
        """Of the tables that are packed, beside the key."""
        of_lines = (*self.numbers, *self.whole, *self.dates, *self.categories, *self.texts)
        return [*of_lines, IS_APART]

    def unpacked(self, rows: Sequence[Packed]) -> pl.DataFrame:
        """The lines of customers, in their order, with the key."""
        counts = np.fromiter((row[1] for row in rows), np.int64, len(rows))
        fixed = np.frombuffer(b"".join(row[2] for row in rows), self.line)
        keys = pl.Series(KEY, [row[0] for row in rows], pl.String)
        found = [keys.gather(np.repeat(np.arange(len(rows)), counts))]
        plain = (*self.numbers, *self.whole)
        found += [pl.Series(name, np.ascontiguousarray(fixed[name])) for name in plain]
        for name in self.dates:
            days = pl.Series(name, np.ascontiguousarray(fixed[name]))
            days = days.set(days == _NO_DAY, None) if (fixed[name] == _NO_DAY).any() else days
            found.append(days.cast(pl.Date).cast(pl.Datetime("us")))
        for name, words in self.categories.items():
            known = pl.Series(name, [*words, None], pl.String)
            codes = np.where(fixed[name] == _NO_CODE, len(words), fixed[name])
            found.append(known.gather(codes.astype(np.uint32)))
        for place, name in enumerate(self.texts):
            found.append(_texts(name, fixed[name], b"".join(row[3 + place] for row in rows)))
        found.append(pl.Series(IS_APART, np.ascontiguousarray(fixed[IS_APART])))
        # NaN is no value that a line may have.
        return pl.DataFrame(found).with_columns(pl.col(self.numbers).fill_nan(None))

    def packed(self, lines: pl.DataFrame) -> Iterator[Packed]:
        """Each customer's lines as bytes.

        Args:
            lines: `columns` and the key, each customer's lines together.
        """
        if lines.is_empty():
            return
        fixed = np.empty(len(lines), self.line)
        for name in self.numbers:
            fixed[name] = lines[name].fill_null(np.nan).to_numpy()
        for name in self.whole:
            fixed[name] = lines[name].to_numpy()
        for name in self.dates:
            fixed[name] = lines[name].cast(pl.Date).cast(pl.Int32).fill_null(_NO_DAY).to_numpy()
        for name, words in self.categories.items():
            codes = lines[name].replace_strict(
                words, [*range(len(words))], default=_NO_CODE, return_dtype=pl.Int16
            )
            fixed[name] = codes.to_numpy()
        sent: list[tuple[NDArray[np.int64], memoryview]] = []
        for name in self.texts:
            lengths = lines[name].str.len_bytes().cast(pl.Int32).fill_null(_NO_TEXT).to_numpy()
            fixed[name] = lengths
            sent.append(_bytes(lines[name]))
        fixed[IS_APART] = lines[IS_APART].to_numpy()
        runs = lines[KEY].rle().struct
        counts = runs.field("len").to_numpy().astype(np.int64)
        ends = np.cumsum(counts)
        starts = ends - counts
        size, whole = self.line.itemsize, memoryview(fixed.tobytes())
        spans = zip(starts.tolist(), ends.tolist(), strict=True)
        slices = [
            zip(offsets[starts].tolist(), offsets[ends].tolist(), strict=True)
            for offsets, _ in sent
        ]
        keys = runs.field("value").to_list()
        for key, count, (start, end), *texts in zip(
            keys, counts.tolist(), spans, *slices, strict=True
        ):
            parts = (bytes(data[a:b]) for (a, b), (_, data) in zip(texts, sent, strict=True))
            yield key, count, bytes(whole[start * size : end * size]), *parts


def _texts(name: str, lengths: NDArray[np.int32], data: bytes) -> pl.Series:
    """Texts of these lengths, one after the other; null where the length is -1."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(np.maximum(lengths, 0), out=offsets[1:])
    array = pa.LargeStringArray.from_buffers(
        len(lengths), pa.py_buffer(offsets), pa.py_buffer(data)
    )
    texts = pl.Series(name, array)
    is_missing = lengths == _NO_TEXT
    return texts.set(pl.Series(is_missing), None) if is_missing.any() else texts


def _bytes(texts: pl.Series) -> tuple[NDArray[np.int64], memoryview]:
    """The offsets of texts and all their bytes."""
    array = texts.fill_null("").to_arrow(compat_level=pl.CompatLevel.oldest())
    array = array.cast(pa.large_string())
    _, offsets, data = array.buffers()
    places = np.frombuffer(offsets, np.int64, len(array) + 1, array.offset * 8)
    return places, memoryview(data if data is not None else b"")
