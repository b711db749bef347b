"""An inspected text source as a table of pandas or of Polars."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TYPE_CHECKING

from customer_segmentation.customers.quarantine import ROW_NUMBER, SOURCE_HASH, SOURCE_NAME
from customer_segmentation.datasets.limits import MOST_BATCH, MOST_ROWS, rows_at_once
from customer_segmentation.datasets.text_inspection import TextInspection, TextPart
from customer_segmentation.datasets.text_rows import csv_rows, fitted
from customer_segmentation.errors import UserError

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

# What Python needs of a cell beside its text.
_CELL_BYTES = 64


def load_pandas(source: TextInspection) -> pd.DataFrame:
    """All rows in memory.

    Raises:
        UserError: The files were changed since they were inspected.
    """
    import pandas as pd  # noqa: PLC0415 - 0.5 s that commands which read no data need not pay

    chunks = [chunk for part in source.parts for chunk in read_chunks(source, part, part.rows)]
    table = pd.concat(chunks, ignore_index=True) if len(chunks) > 1 else chunks[0]
    if len(table) != source.rows:
        message = f"{source.name}: it was changed while it was read. Run again."
        raise UserError(message)
    row_numbers = table.pop(ROW_NUMBER)
    table[SOURCE_NAME] = source.name
    table[SOURCE_HASH] = source.sha256
    table[ROW_NUMBER] = row_numbers
    return table


def read_chunks(
    source: TextInspection, part: TextPart, rows: int | None = None
) -> Iterator[pd.DataFrame]:
    """The cells of one file and their row numbers, so many rows at a time, or as memory allows.

    What this gives is what every engine gives.
    """
    rows = rows or rows_at_once(source.longest)
    if source.is_irregular or source.has_blank_lines_between:
        chunks = _csv_chunks(source, part, rows)
    else:
        chunks = _pandas_chunks(source, part, rows)
    first = part.rows_before + 1
    for chunk in chunks:
        chunk[ROW_NUMBER] = range(first, first + len(chunk))
        first += len(chunk)
        yield chunk


def _pandas_chunks(source: TextInspection, part: TextPart, rows: int) -> Iterator[pd.DataFrame]:
    import pandas as pd  # noqa: PLC0415 - as above

    if not part.rows:
        return
    with (
        part.file.open() as content,
        pd.read_csv(
            content,
            sep=source.delimiter,
            names=list(source.headers),
            # Cells beyond the header's hold nothing.
            usecols=range(len(source.headers)),
            header=0,
            index_col=False,
            skiprows=part.header_lines - 1,
            # Only blank lines follow.
            nrows=part.rows,
            # It loses the spaces at the start of a row that crosses its buffers.
            skip_blank_lines=False,
            dtype=str,
            na_filter=False,
            quoting=csv.QUOTE_MINIMAL if source.has_quoted_cells else csv.QUOTE_NONE,
            chunksize=rows,
        ) as chunks,
    ):
        yield from chunks


def _csv_chunks(source: TextInspection, part: TextPart, rows: int) -> Iterator[pd.DataFrame]:
    import pandas as pd  # noqa: PLC0415 - as above

    for chunk in _csv_cells(source, part, rows):
        yield pd.DataFrame(chunk, columns=list(source.headers), dtype=object)


def _csv_cells(source: TextInspection, part: TextPart, rows: int) -> Iterator[list[list[str]]]:
    """So many rows at a time, or fewer that take as much memory as a batch may."""
    columns = len(source.headers)
    cells = csv_rows(part.file.open(), part.file.name, source.delimiter, part.header_lines)
    chunk: list[list[str]] = []
    size = 0
    for _, row in cells:
        chunk.append(fitted(row, columns))
        size += _CELL_BYTES * columns + sum(map(len, row))
        if len(chunk) == rows or size >= MOST_BATCH:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def load_polars(source: TextInspection) -> pl.LazyFrame:
    """A scan: rows are read when they are asked for, and need not fit in memory."""
    import polars as pl  # noqa: PLC0415 - only where an environment names this engine

    if source.is_irregular or source.has_blank_lines_between:
        rows = _polars_chunks(source)
    else:
        rows = pl.concat([_scan(source, part) for part in source.parts if part.rows])
    return rows.select(
        *source.headers,
        pl.lit(source.name).alias(SOURCE_NAME),
        pl.lit(source.sha256).alias(SOURCE_HASH),
        ROW_NUMBER,
    )


def _scan(source: TextInspection, part: TextPart) -> pl.LazyFrame:
    import polars as pl  # noqa: PLC0415 - as above

    file = part.file
    is_local = "file" in file.filesystem.protocol
    return pl.scan_csv(
        # What a bucket needs, Polars takes from the environment.
        file.path if is_local else file.filesystem.unstrip_protocol(file.path),
        has_header=True,
        schema=dict.fromkeys(source.headers, pl.String),
        separator=source.delimiter,
        quote_char='"' if source.has_quoted_cells else None,
        skip_lines=part.header_lines - 1,
        # Only blank lines follow.
        n_rows=part.rows,
        empty_string_is_null=False,
        missing_columns="insert",
        extra_columns="ignore",
        row_index_name=ROW_NUMBER,
        glob=False,
    ).with_columns(pl.col(ROW_NUMBER).cast(pl.Int64) + (part.rows_before + 1))


def _polars_chunks(source: TextInspection) -> pl.LazyFrame:
    import polars as pl  # noqa: PLC0415 - as above
    from polars.io.plugins import register_io_source  # noqa: PLC0415 - as above

    schema = pl.Schema({**dict.fromkeys(source.headers, pl.String), ROW_NUMBER: pl.Int64})

    def frames(
        columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        wanted = schema.names() if columns is None else columns
        left = source.rows if n_rows is None else n_rows
        for part in source.parts:
            first = part.rows_before + 1
            # Not by `read_chunks`: a worker that answers the API has no pandas.
            for chunk in _csv_cells(source, part, batch_size or MOST_ROWS):
                if not left:
                    return
                texts = dict.fromkeys(source.headers, pl.String)
                frame = pl.DataFrame(chunk, schema=texts, orient="row").head(left)
                numbers = pl.int_range(first, first + len(frame), dtype=pl.Int64, eager=True)
                frame = frame.with_columns(numbers.alias(ROW_NUMBER))
                first += len(frame)
                left -= len(frame)
                yield (frame if predicate is None else frame.filter(predicate)).select(wanted)

    return register_io_source(frames, schema=schema)
