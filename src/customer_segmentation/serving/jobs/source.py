"""A posted file as rows of text cells, some thousands at a time: one path for all formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from customer_segmentation.customers.quarantine import ROW_NUMBER
from customer_segmentation.datasets.text_engines import load_polars
from customer_segmentation.datasets.text_header import refuse_names
from customer_segmentation.datasets.text_inspection import inspect_text
from customer_segmentation.errors import UserError
from customer_segmentation.serving.jobs.files import Format
from customer_segmentation.serving.jobs.json_lines import json_chunks, json_header

if TYPE_CHECKING:
    import pyarrow as pa

# What is to become of rows, each by itself.
Plan = Callable[[pl.LazyFrame], pl.LazyFrame]
CHUNK_ROWS = 50_000
_MOST_COLUMNS = 1_000


@dataclass(frozen=True)
class Source:
    """A file that can be read.

    Attributes:
        headers: As sent.
        rows: How many there are.
        separator: Between the cells of text that is written of it.
        batches: Gives what a plan makes of the rows (cells as text, and `row_number` from 1), in
            order, some `CHUNK_ROWS` at a time.
    """

    headers: tuple[str, ...]
    rows: int
    separator: str
    batches: Callable[[Plan], Iterator[pl.DataFrame]]


def open_source(path: Path, kind: Format) -> Source:
    """Look through a file.

    Raises:
        UserError: It is not what it was sent as, has no row, or headers that cannot be columns.
    """
    opened = {"csv": _delimited, "parquet": _parquet, "ndjson": _json_lines}[kind](path)
    if len(opened.headers) > _MOST_COLUMNS:
        message = f"{path}: it has {len(opened.headers)} columns, more than {_MOST_COLUMNS}. "
        raise UserError(message + "Send those of the contract.")
    return opened


def _delimited(path: Path) -> Source:
    found = inspect_text(str(path))

    def batches(plan: Plan) -> Iterator[pl.DataFrame]:
        # Not in one plan with the scan, which is a third faster and takes 1.1 GB.
        read = load_polars(found).select(*found.headers, ROW_NUMBER)
        chunks = read.collect_batches(chunk_size=CHUNK_ROWS, lazy=True)
        return _planned((chunk.drop(ROW_NUMBER) for chunk in chunks), plan)

    return Source(found.headers, found.rows, found.delimiter, batches)


def _json_lines(path: Path) -> Source:
    headers, rows = json_header(path, _MOST_COLUMNS)
    _require(path, headers, rows)

    def batches(plan: Plan) -> Iterator[pl.DataFrame]:
        return _planned(json_chunks(path, headers, CHUNK_ROWS), plan)

    return Source(headers, rows, ",", batches)


def _parquet(path: Path) -> Source:
    import pyarrow as pa  # noqa: PLC0415 - 0.1 s that other formats need not pay
    from pyarrow import parquet  # noqa: PLC0415 - as above

    try:
        # Pages are read as they are needed, however large their group.
        file = parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    except (pa.ArrowException, OSError) as error:
        message = f"{path}: it is no Parquet file ({error}). Send Parquet, or another media type."
        raise UserError(message) from error
    headers = tuple(file.schema_arrow.names)
    rows = file.metadata.num_rows
    _require(path, headers, rows)
    texts = [_as_text(path, field) for field in file.schema_arrow]

    def chunks() -> Iterator[pl.DataFrame]:
        try:
            for batch in file.iter_batches(batch_size=CHUNK_ROWS, use_threads=False):
                yield pl.DataFrame(pl.from_arrow(batch)).select(texts)
        except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
            message = f"{path}: its data cannot be read ({error}). Write the file again."
            raise UserError(message) from error

    return Source(headers, rows, ",", lambda plan: _planned(chunks(), plan))


def _planned(chunks: Iterator[pl.DataFrame], plan: Plan) -> Iterator[pl.DataFrame]:
    before = 0
    for chunk in chunks:
        number = pl.int_range(before + 1, before + 1 + pl.len(), dtype=pl.Int64)
        yield plan(chunk.lazy().with_columns(number.alias(ROW_NUMBER))).collect()
        before += len(chunk)


def _as_text(path: Path, field: pa.Field) -> pl.Expr:
    """A cell as it would be written in a text file; null is ''."""
    kind = pl.DataFrame(pl.from_arrow(_empty(field))).dtypes[0]
    column = pl.col(field.name)
    if kind.is_nested() or kind in (pl.Object, pl.Duration, pl.Time):
        message = f"{path}: column {field.name!r} holds {field.type}. Give text, numbers or dates."
        raise UserError(message)
    if kind == pl.Boolean:
        # As the contract writes flags.
        column = column.cast(pl.Int8)
    if kind == pl.Datetime:
        # A day, unless there is a time of day, which is no day.
        is_day = column.dt.time() == pl.time(0, 0, 0)
        column = (
            pl.when(is_day).then(column.dt.strftime("%Y-%m-%d")).otherwise(column.cast(pl.String))
        )
    return column.cast(pl.String).fill_null("").alias(field.name)


def _empty(field: pa.Field) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415 - as above

    return pa.schema([field]).empty_table()


def _require(path: Path, headers: Sequence[str], rows: int) -> None:
    refuse_names(str(path), [header.strip() for header in headers])
    if not rows:
        message = f"{path}: there is no row. Send the file with rows."
        raise UserError(message)
