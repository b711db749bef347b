"""JSON lines: one object per line, whose names are the headers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import pyarrow as pa

from customer_segmentation.errors import UserError
from customer_segmentation.sources.cells import Cells, batches_of
from customer_segmentation.sources.content import Content
from customer_segmentation.sources.header import refuse_names
from customer_segmentation.sources.limits import (
    EXACT,
    LONGEST_CELL,
    LONGEST_ROW,
    MAX_COLUMNS,
    is_longer,
)


def json_lines_cells(content: Content) -> Cells:
    """The table of a JSON lines file, with all names in order of first appearance.

    A cell is '' where a line lacks the name or has null; true and false are 1 and 0, as the
    contract writes flags; numbers stay as written, except that 7.0 becomes 7: JSON does not
    distinguish the two, and an id has no decimal point.

    Raises:
        UserError: A line is not a flat object or is too long, or there are too many names.
    """
    names: dict[str, None] = {}
    for number, record in _records(content):
        if not record.keys() <= names.keys():
            names |= dict.fromkeys(record)
            if len(names) > MAX_COLUMNS:
                raise UserError(
                    f"{content.name}: line {number} brings more than {MAX_COLUMNS} names. "
                    "Give all lines the same."
                )
    refuse_names(content.name, names)

    def batches(wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        rows = ([record.get(name, "") for name in wanted] for _, record in _records(content))
        return batches_of(rows, wanted, wanted)

    return Cells(tuple(names), batches)


def _records(content: Content) -> Iterator[tuple[int, dict[str, str]]]:
    """The line number and cells of each line that is not blank."""
    with content.text() as text:
        number = 0
        while line := text.readline(LONGEST_ROW):
            number += 1
            if not line.strip():
                continue
            try:
                record = _decode(line.decode())
            # Cutting a line that is too long may cut a character.
            except (ValueError, RecursionError) as error:
                raise UserError(
                    f"{content.name}: line {number} is no JSON object of text, numbers, true, "
                    f"false and null ({error}). Write one object a line, of at most {LONGEST_ROW} "
                    "bytes, with no list or object in it."
                ) from error
            for name, cell in record.items() if len(line) > LONGEST_CELL else ():
                if is_longer(cell, LONGEST_CELL):
                    raise UserError(
                        f"{content.name}: line {number}: {name[:60]!r} has more than "
                        f"{LONGEST_CELL} bytes. Shorten it."
                    )
            yield number, record


def _number(text: str) -> str:
    value = float(text)
    return str(int(value)) if value.is_integer() and abs(value) < EXACT else text


def _constant(text: str) -> str:
    raise ValueError(f"{text} is no number of JSON")


# Numbers stay as written; pairs show a name that is repeated.
_decoder = json.JSONDecoder(
    object_pairs_hook=tuple, parse_int=str, parse_float=_number, parse_constant=_constant
)
_WORDS = {None: "", True: "1", False: "0"}


def _decode(line: str) -> dict[str, str]:
    """An object's cells as text.

    Raises:
        ValueError: It is not an object, a name is repeated, or a value is not a single cell.
    """
    pairs = _decoder.decode(line.strip())
    if not isinstance(pairs, tuple):
        raise ValueError("it is not an object")  # noqa: TRY004 - of the text, not of an argument
    record = dict(pairs)
    if len(record) < len(pairs):
        raise ValueError("a name is repeated")
    # Usually all values are text already.
    if set(map(type, record.values())) - {str}:
        for name, value in record.items():
            if isinstance(value, list | tuple):
                raise ValueError(f"{name[:60]!r} holds a list or an object")  # noqa: TRY004 - as above
        record = {n: v if isinstance(v, str) else _WORDS[v] for n, v in record.items()}
    # Only an escape can write half a character or a NUL.
    if "\\u" in line:
        for name, cell in record.items():
            (name + cell).encode()
            if "\0" in name + cell:
                raise ValueError(f"{name[:60]!r} holds a NUL")
    return record
