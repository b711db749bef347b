"""Prepare rows for a Delta table: rename columns as needed, and find the rows that changed."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

import narwhals as nw
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - its own convention

# Marks rows to delete.
IS_GONE = "is_gone__"
# Characters that Delta refuses in a column name, and the quote of Spark: headers of a source may
# contain any.
_REFUSED = " ,;{}()\n\t=`"
_SAFE = "".join(chr(code) for code in range(33, 127) if chr(code) not in f"{_REFUSED}%")


def quoted(rows: DataFrame) -> DataFrame:
    """The rows with percent-encoded column names, which Delta accepts."""
    return rows.toDF(*(quote(name, safe=_SAFE) for name in rows.columns))


def unquoted(rows: DataFrame) -> DataFrame:
    """The rows with their original column names."""
    return rows.toDF(*(unquote(name) for name in rows.columns))


def changed_rows(old: DataFrame, new: DataFrame, key: tuple[str, ...]) -> DataFrame:
    """The rows of `new` that are new or changed, and the removed rows of `old` as `IS_GONE`."""

    def as_struct(table: DataFrame, name: str) -> DataFrame:
        whole = F.struct(*(F.col(f"`{column}`") for column in new.columns)).alias(name)
        return table.select(*(F.col(f"`{column}`") for column in key), whole)

    both = as_struct(old, "old").join(as_struct(new, "new"), on=list(key), how="full_outer")
    changed = both.where(~F.col("old").eqNullSafe(F.col("new")))
    is_gone = F.col("new").isNull()
    return changed.select(
        F.when(is_gone, F.col("old")).otherwise(F.col("new")).alias("row"), is_gone.alias(IS_GONE)
    ).select("row.*", IS_GONE)


def as_spark(data: Any, spark: SparkSession) -> DataFrame:  # noqa: ANN401 - a table of any engine
    """The data as a Spark table; a small result in memory is converted."""
    frame = nw.from_native(data)
    if frame.implementation.is_spark_like():
        return data
    return spark.createDataFrame(frame.lazy().collect(backend="pyarrow").to_native())
