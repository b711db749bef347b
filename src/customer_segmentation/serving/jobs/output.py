"""Write result tables in batches: as Parquet, and in the text format that was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
from pyarrow import parquet

from customer_segmentation.serving.jobs.files import sync
from customer_segmentation.serving.jobs.table import Format
from customer_segmentation.serving.spreadsheet import disarmed

# Appends rows to a table; the first batch may be empty and defines the columns.
Write = Callable[[pl.DataFrame], None]


@contextmanager
def tables(folder: Path, kind: Format, separator: str) -> Iterator[tuple[Write, Write]]:
    """Write results and rejected rows; both are durable after the `with` block.

    Args:
        folder: Of the attempt.
        kind: The format that was sent.
        separator: Of CSV.
    """
    folder.mkdir(mode=0o700)
    made = [_table(folder / name, kind, separator) for name in ("results", "rejected")]
    with made[0] as results, made[1] as rejected:
        yield results, rejected
    sync(folder)
    sync(folder.parent)


@contextmanager
def _table(stem: Path, kind: Format, separator: str) -> Iterator[Write]:
    """Write one table, in Parquet and, unless Parquet was sent, as text."""
    paths = [stem.with_suffix(f".{suffix}") for suffix in dict.fromkeys(("parquet", kind))]
    writer: parquet.ParquetWriter | None = None

    def write(rows: pl.DataFrame) -> None:
        nonlocal writer
        table: pa.Table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        is_first = writer is None
        if writer is None:
            writer = parquet.ParquetWriter(paths[0], table.schema, compression="zstd")
            opened.enter_context(writer)
        writer.write_table(table)
        if text and kind == "csv":
            disarmed(rows).write_csv(text, include_header=is_first, separator=separator)
        elif text:
            rows.write_ndjson(text)

    with ExitStack() as opened:
        text = None if kind == "parquet" else opened.enter_context(paths[1].open("xb"))
        yield write
    for path in paths:
        sync(path)
