"""A posted file as rows of text cells, some thousands at a time: one path for all formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from customer_segmentation.customers.quarantine import ROW_NUMBER
from customer_segmentation.datasets.limits import rows_at_once
from customer_segmentation.datasets.text_engines import load_polars
from customer_segmentation.datasets.text_header import refuse_names
from customer_segmentation.datasets.text_inspection import inspect_text
from customer_segmentation.errors import UserError
from customer_segmentation.serving.jobs.json_lines import json_chunks, json_header
from customer_segmentation.serving.jobs.table import Format

# What is to become of rows, each by itself.
Plan = Callable[[pl.LazyFrame], pl.LazyFrame]


@dataclass(frozen=True)
class Source:
    """A file that can be read.

    Attributes:
        headers: As sent.
        rows: How many there are.
        separator: Between the cells of text that is written of it.
        batches: Gives what a plan makes of the rows, in order and some at a time: of the cells of
            some headers, as text, and `row_number` from 1. Of others nothing is read.
    """

    headers: tuple[str, ...]
    rows: int
    separator: str
    batches: Callable[[Sequence[str], Plan], Iterator[pl.DataFrame]]


def open_source(path: Path, kind: Format) -> Source:
    """Look through a file.

    Raises:
        UserError: It is not what it was sent as, has no row, headers that cannot be columns, or
            more of something than is read.
    """
    return {"csv": _delimited, "parquet": _parquet, "ndjson": _json_lines}[kind](path)


def _delimited(path: Path) -> Source:
    found = inspect_text(str(path))

    def batches(headers: Sequence[str], plan: Plan) -> Iterator[pl.DataFrame]:
        # Not in one plan with the scan, which is a third faster and takes 1.1 GB.
        read = load_polars(found).select(*headers)
        chunks = read.collect_batches(chunk_size=rows_at_once(found.longest), lazy=True)
        return _planned(chunks, plan)

    return Source(found.headers, found.rows, found.delimiter, batches)


def _json_lines(path: Path) -> Source:
    headers, rows = json_header(path)
    _require(path, headers, rows)

    def batches(headers: Sequence[str], plan: Plan) -> Iterator[pl.DataFrame]:
        return _planned(json_chunks(path, headers), plan)

    return Source(headers, rows, ",", batches)


def _parquet(path: Path) -> Source:
    from customer_segmentation.serving.jobs.parquet import (  # noqa: PLC0415 - 0.1 s that other formats need not pay
        ParquetRows,
    )

    file = ParquetRows(path)
    _require(path, file.headers, file.rows)

    def batches(headers: Sequence[str], plan: Plan) -> Iterator[pl.DataFrame]:
        return _planned(file.chunks(headers), plan)

    return Source(file.headers, file.rows, ",", batches)


def _planned(chunks: Iterator[pl.DataFrame], plan: Plan) -> Iterator[pl.DataFrame]:
    before = 0
    for chunk in chunks:
        number = pl.int_range(before + 1, before + 1 + pl.len(), dtype=pl.Int64)
        yield plan(chunk.lazy().with_columns(number.alias(ROW_NUMBER))).collect()
        before += len(chunk)


def _require(path: Path, headers: Sequence[str], rows: int) -> None:
    refuse_names(str(path), [header.strip() for header in headers])
    # A description may say anything.
    if rows < 1:
        message = f"{path}: there is no row. Send the file with rows."
        raise UserError(message)
