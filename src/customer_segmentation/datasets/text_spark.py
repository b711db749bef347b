"""An inspected text source as a Spark table: read where it lies, never collected."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from customer_segmentation.customers.quarantine import ROW_NUMBER, SOURCE_HASH, SOURCE_NAME
from customer_segmentation.datasets.text_engines import read_chunks
from customer_segmentation.datasets.text_inspection import TextInspection, TextPart
from customer_segmentation.datasets.text_rows import blank_characters
from customer_segmentation.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    from pyspark.sql import DataFrame, SparkSession

_RESPLIT = (
    "The files were split in another way than when their rows were numbered. Set "
    "spark.sql.files.minPartitionNum, so that it does not follow the number of cores, and run "
    "again."
)


def load_spark(source: TextInspection) -> DataFrame:
    """A plan: each task reads a block of lines, or a whole file where a row may be several lines.

    In the latter case the workers need this package, and fsspec's way to the files.

    Raises:
        UserError: A header has a sign that Spark reads as its own, or the files were changed since
            they were inspected.
    """
    unusable = [header for header in source.headers if "." in header or "`" in header]
    if unusable:
        message = (
            f"{source.name}: Spark takes the `.` and the backtick in {unusable} for signs of its "
            "own. Rename these columns, or run dev or staging."
        )
        raise UserError(message)
    from kedro_datasets._utils.spark_utils import (  # noqa: PLC0415 - only where an environment names this engine
        get_spark_with_remote_support,
    )
    from pyspark.sql import functions as f  # noqa: PLC0415 - as above

    session = get_spark_with_remote_support()
    if source.is_irregular or source.has_line_ends_in_cells:
        rows = _rows_of_files(source, session)
    else:
        rows = _rows_of_lines(source, session)
    cells = [
        # A row that ends early has nothing in its last cells.
        f.coalesce(_cell(position), f.lit("")).alias(header)
        for position, header in enumerate(source.headers)
    ]
    name, sha256 = f.lit(source.name).alias(SOURCE_NAME), f.lit(source.sha256).alias(SOURCE_HASH)
    return rows.select(*cells, name, sha256, ROW_NUMBER)


def _cell(position: int) -> str:
    return f"cell_{position}"


def _schema(source: TextInspection) -> str:
    # Headers as sent may be no names for Spark.
    return ", ".join(f"{_cell(position)} string" for position in range(len(source.headers)))


def _rows_of_files(source: TextInspection, session: SparkSession) -> DataFrame:
    def read(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            for position in batch["position"]:
                for chunk in read_chunks(source, source.parts[position]):
                    yield chunk.set_axis([*cells, ROW_NUMBER], axis=1)

    cells = [_cell(position) for position in range(len(source.headers))]
    positions = [(position,) for position in range(len(source.parts))]
    files = session.createDataFrame(positions, "position int")
    return files.mapInPandas(read, f"{_schema(source)}, {ROW_NUMBER} long")


def _rows_of_lines(source: TextInspection, session: SparkSession) -> DataFrame:
    """One row a line. `line` rises within a block; from each block's first, rows are numbered."""
    from pyspark.sql import functions as f  # noqa: PLC0415 - as above

    blank = f.lit(blank_characters(source.delimiter))
    lines = (
        session.read.text([_spark_path(part) for part in source.parts])
        .select(
            "value",
            f.col("_metadata.file_path").alias("path"),
            f.col("_metadata.file_block_start").alias("start"),
        )
        .filter(f.btrim("value", blank) != "")
        .withColumn("line", f.monotonically_increasing_id())
    )
    blocks = f.broadcast(_numbered_blocks(source, lines, session))
    quote = '"' if source.has_quoted_cells else ""
    options = {"sep": source.delimiter, "quote": quote, "escape": quote}
    # It would take a byte-order mark off every line.
    after_empty_cell = f.concat(f.lit(source.delimiter), "value")
    is_numbered = f.col("line").between(f.col("first"), f.col("first") + f.col("lines") - 1)
    row_number = f.col("row_number_of_first") + f.col("line") - f.col("first")
    return (
        lines.join(blocks, ["path", "start"], "left")
        .filter(~f.col("line").eqNullSafe(f.col("line_of_header")))
        .select(
            f.from_csv(after_empty_cell, f"empty string, {_schema(source)}", options).alias(
                "cells"
            ),
            # Nothing but a loud end may come of rows that are numbered wrongly.
            f.when(is_numbered, row_number)
            .otherwise(f.raise_error(f.lit(_RESPLIT)))
            .alias(ROW_NUMBER),
        )
        .select("cells.*", ROW_NUMBER)
    )


def _numbered_blocks(source: TextInspection, lines: DataFrame, session: SparkSession) -> DataFrame:
    """One row a block: its first line, how many it has, and the number of its first row."""
    from pyspark.sql import functions as f  # noqa: PLC0415 - as above

    counted = (
        lines.groupBy("path", "start")
        .agg(f.min("line").alias("first"), f.count("*").alias("lines"))
        .collect()
    )
    parts = {part.file.path.lstrip("/"): part for part in source.parts}
    numbered: list[tuple[str, int, int, int, int, int | None]] = []
    found = 0
    for path, blocks in groupby(sorted(counted), lambda block: str(block["path"])):
        # The header is the file's first line, and no row.
        line_of_header = None
        row_number = before = parts[_location(path)].rows_before
        for _, start, first, count in blocks:
            line_of_header = first if row_number == before else None
            numbered.append((path, start, first, count, row_number, line_of_header))
            row_number += count
        found += row_number - before - 1
    if found != source.rows:
        message = f"{source.name}: it was changed while it was read. Run again."
        raise UserError(message)
    return session.createDataFrame(
        numbered,
        "path string, start long, first long, lines long, row_number_of_first long, "
        "line_of_header long",
    )


def _spark_path(part: TextPart) -> str:
    from kedro_datasets._utils.databricks_utils import (  # noqa: PLC0415 - as above
        to_spark_path,
    )

    protocol = part.file.filesystem.protocol
    path = to_spark_path(protocol if isinstance(protocol, str) else protocol[0], part.file.path)
    # Else Spark would take a name for a pattern.
    return re.sub(r"([\\{}\[\]*?])", r"\\\1", path)


def _location(url: str) -> str:
    """The path that a file system of fsspec has for a file of Spark's."""
    parsed = urlsplit(url)
    return (parsed.netloc + unquote(parsed.path)).lstrip("/")
