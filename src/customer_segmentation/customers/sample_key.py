"""A number derived from a customer's id, the same on every engine, for drawing samples."""

from __future__ import annotations

import hashlib
from typing import Any

import narwhals as nw

from customer_segmentation.schema.cells import stripped, without_fraction
from customer_segmentation.schema.parts import SAMPLE_KEY

_BITS = 31
_RANGE = 2**_BITS
# Multipliers below 2^31 keep every product below 2^63, where integers are exact on all engines.
_MULTIPLIER = 1_103_515_245
# The range divided by the golden ratio, so that neighbouring seeds give distant numbers.
_SEED_STEP = 1_327_217_885
_HEX_DIGITS = 8


def with_sample_key(
    frame: nw.LazyFrame[Any], ids: str, *, from_float: bool = False
) -> nw.LazyFrame[Any]:
    """The table with `sample_key`: the first 31 bits of the SHA-256 of each trimmed id's UTF-8.

    Narwhals has no SHA-256, so each engine has its own implementation.

    Args:
        frame: A table of any engine.
        ids: The column of ids, as text.
        from_float: Whether an id such as 12345.0 is 12345.
    """
    text = without_fraction(stripped(ids)) if from_float else stripped(ids)
    trimmed = frame.with_columns(text.alias(SAMPLE_KEY))
    if frame.implementation.is_polars():
        return _hashed_by_polars(trimmed)
    if frame.implementation.is_spark_like():
        return _hashed_by_spark(trimmed)
    return _hashed_in_memory(trimmed)


def uniform_number(seed: int) -> nw.Expr:
    """A deterministic number in [0, 1) for each row of a table with a `sample_key` column."""
    product = nw.col(SAMPLE_KEY) * _MULTIPLIER + seed * _SEED_STEP
    # `%` is missing on pyarrow-backed pandas.
    return (product - (product // _RANGE) * _RANGE).cast(nw.Float64) / float(_RANGE)


def _key(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) >> (32 - _BITS)


def _hashed_in_memory(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    table = frame.collect()
    keys = [_key(text) for text in table[SAMPLE_KEY].to_list()]
    series = nw.new_series(SAMPLE_KEY, keys, nw.Int64, backend=table.implementation)
    return table.with_columns(series).lazy()


def _hashed_by_polars(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    import polars as pl  # noqa: PLC0415 - only where the catalog chose it

    def keys(texts: pl.Series) -> pl.Series:
        # Lines of an order have the same id.
        ids = texts.unique()
        hashed = texts.replace_strict(ids, [_key(text) for text in ids], return_dtype=pl.Int64)
        # Without rows Polars forgets the type.
        return hashed.cast(pl.Int64)

    hashed = pl.col(SAMPLE_KEY).map_batches(keys, return_dtype=pl.Int64, is_elementwise=True)
    return nw.from_native(nw.to_native(frame).with_columns(hashed))


def _hashed_by_spark(frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    from pyspark.sql import functions as F  # noqa: N812, PLC0415 - its own convention; as above

    digits = F.substring(F.sha2(SAMPLE_KEY, 256), 1, _HEX_DIGITS)
    number = F.conv(digits, 16, 10).cast("long")
    hashed = F.shiftrightunsigned(number, 32 - _BITS)
    return nw.from_native(nw.to_native(frame).withColumn(SAMPLE_KEY, hashed))
