"""JSON lines as text cells: each line an object, whose names are the headers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import polars as pl

from customer_segmentation.datasets.limits import (
    LONGEST_CELL,
    LONGEST_ROW,
    MOST_BATCH,
    MOST_COLUMNS,
    MOST_ROWS,
    is_longer,
)
from customer_segmentation.errors import UserError

Cell = str | int | float | bool | None
_decode = msgspec.json.Decoder(dict[str, Cell]).decode


def json_header(path: Path) -> tuple[tuple[str, ...], int]:
    """All names, in the order in which they first stand, and the number of rows.

    Args:
        path: The file.

    Raises:
        UserError: A line is no flat object or too long, or there are too many names.
    """
    names: dict[str, None] = {}
    rows = 0
    for _, record in _records(path):
        rows += 1
        if not record.keys() <= names.keys():
            names |= dict.fromkeys(record)
            if len(names) > MOST_COLUMNS:
                message = (
                    f"{path}: row {rows} brings more than {MOST_COLUMNS} names. "
                    "Give all rows the same."
                )
                raise UserError(message)
    return tuple(names), rows


def json_chunks(path: Path, headers: Sequence[str]) -> Iterator[pl.DataFrame]:
    """These cells as text, some rows at a time; '' where a row has no such name, or null."""
    schema = dict.fromkeys(headers, pl.String)
    held: list[list[str]] = []
    size = 0
    for length, record in _records(path):
        held.append([_text(record.get(name)) for name in headers])
        size += length
        if len(held) == MOST_ROWS or size >= MOST_BATCH:
            yield pl.DataFrame(held, schema=schema, orient="row")
            held, size = [], 0
    if held:
        yield pl.DataFrame(held, schema=schema, orient="row")


def _records(path: Path) -> Iterator[tuple[int, dict[str, Cell]]]:
    """The length of each line and what it says."""
    with path.open("rb") as file:
        number = 0
        while line := file.readline(LONGEST_ROW):
            number += 1
            if not line.strip():
                continue
            try:
                record = _decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                message = (
                    f"{path}: line {number} is no JSON object of text, numbers, true, false and "
                    f"null ({error}). Write one object a line, of at most {LONGEST_ROW} bytes."
                )
                raise UserError(message) from error
            if len(line) > LONGEST_CELL:
                _refuse_long_cells(path, number, record)
            yield len(line), record


def _refuse_long_cells(path: Path, number: int, record: dict[str, Cell]) -> None:
    for name, cell in record.items():
        if isinstance(cell, str) and is_longer(cell, LONGEST_CELL):
            message = (
                f"{path}: line {number}: {name[:60]!r} has more than {LONGEST_CELL} bytes. "
                "Shorten it."
            )
            raise UserError(message)


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    # The contract writes flags as numbers; JSON does not tell 7.0 from 7, and a key has no point.
    is_whole = isinstance(cell, bool) or (isinstance(cell, float) and cell.is_integer())
    return str(int(cell)) if is_whole else str(cell)
