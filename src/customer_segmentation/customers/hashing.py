"""The SHA-256 of text, the same on every engine: Narwhals has none."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import narwhals as nw

if TYPE_CHECKING:
    import polars as pl


def hashed(rows: nw.LazyFrame[Any], name: str) -> nw.LazyFrame[Any]:
    """The rows with a column of text as the SHA-256 of its UTF-8, in hex; missing stays missing."""
    if rows.implementation.is_polars():
        return _by_polars(rows, name)
    if rows.implementation.is_spark_like():
        return _by_spark(rows, name)
    table = rows.collect()
    # Spelled out, since pandas has more than one thing that is missing.
    missing = table[name].is_null().to_list()
    values = zip(table[name].to_list(), missing, strict=True)
    hashes = [None if is_missing else _digest(text) for text, is_missing in values]
    series = nw.new_series(name, hashes, nw.String, backend=table.implementation)
    return table.with_columns(series).lazy()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _by_polars(rows: nw.LazyFrame[Any], name: str) -> nw.LazyFrame[Any]:
    import polars as pl  # noqa: PLC0415 - only where the catalog chose it

    def digests(texts: pl.Series) -> pl.Series:
        found = [None if text is None else _digest(text) for text in texts]
        return pl.Series(texts.name, found, dtype=pl.String)

    column = pl.col(name).map_batches(digests, return_dtype=pl.String, is_elementwise=True)
    return nw.from_native(nw.to_native(rows).with_columns(column))


def _by_spark(rows: nw.LazyFrame[Any], name: str) -> nw.LazyFrame[Any]:
    from pyspark.sql import functions as F  # noqa: N812, PLC0415 - its own convention; as above

    return nw.from_native(nw.to_native(rows).withColumn(name, F.sha2(F.col(f"`{name}`"), 256)))
