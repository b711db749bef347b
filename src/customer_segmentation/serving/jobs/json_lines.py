"""JSON lines as text cells: each line an object, whose names are the headers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import polars as pl

from customer_segmentation.errors import UserError

_LONGEST_LINE = 1 << 20
Cell = str | int | float | bool | None
_decode = msgspec.json.Decoder(dict[str, Cell]).decode


def json_header(path: Path, most: int) -> tuple[tuple[str, ...], int]:
    """All names, in the order in which they first stand, and the number of rows.

    Args:
        path: The file.
        most: Names that a file may have.

    Raises:
        UserError: A line is no flat object, or there are too many names.
    """
    names: dict[str, None] = {}
    rows = 0
    for record in _records(path):
        rows += 1
        if not record.keys() <= names.keys():
            names |= dict.fromkeys(record)
            if len(names) > most:
                message = (
                    f"{path}: row {rows} brings more than {most} names. Give all rows the same."
                )
                raise UserError(message)
    return tuple(names), rows


def json_chunks(path: Path, headers: tuple[str, ...], rows: int) -> Iterator[pl.DataFrame]:
    """The cells as text, so many rows at a time; '' where a row has no such name, or null."""
    schema = dict.fromkeys(headers, pl.String)
    held: list[list[str]] = []
    for record in _records(path):
        held.append([_text(record.get(name)) for name in headers])
        if len(held) == rows:
            yield pl.DataFrame(held, schema=schema, orient="row")
            held = []
    if held:
        yield pl.DataFrame(held, schema=schema, orient="row")


def _records(path: Path) -> Iterator[dict[str, Cell]]:
    with path.open("rb") as file:
        number = 0
        while line := file.readline(_LONGEST_LINE):
            number += 1
            if not line.strip():
                continue
            try:
                yield _decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                message = (
                    f"{path}: line {number} is no JSON object of text, numbers, true, false and "
                    f"null ({error}). Write one object a line, of at most {_LONGEST_LINE} bytes."
                )
                raise UserError(message) from error


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    # The contract writes flags as numbers; JSON does not tell 7.0 from 7, and a key has no point.
    is_whole = isinstance(cell, bool) or (isinstance(cell, float) and cell.is_integer())
    return str(int(cell)) if is_whole else str(cell)
