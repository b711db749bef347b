"""The records of JSON lines: one object per line, whose names are the headers."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any

from customer_segmentation.errors import UserError
from customer_segmentation.sources.content import Content
from customer_segmentation.sources.header import refuse_names
from customer_segmentation.sources.limits import (
    EXACT,
    LONGEST_CELL,
    LONGEST_ROW,
    MAX_COLUMNS,
    is_longer,
)
from customer_segmentation.sources.readers.document_cells import escaped


def names_of(content: Content) -> tuple[str, ...]:
    """All names of a JSON lines file in order of first appearance.

    Raises:
        UserError: A line is not a flat object or is too long, there are too many names, or one
            cannot be a column.
    """
    names: dict[str, None] = {}
    for number, record in records_of(content):
        if not record.keys() <= names.keys():
            names |= dict.fromkeys(record)
            if len(names) > MAX_COLUMNS:
                raise UserError(
                    f"{content.name}: line {number} brings more than {MAX_COLUMNS} names. "
                    "Give all lines the same."
                )
    refuse_names(content.name, names)
    return tuple(names)


def records_of(content: Content) -> Iterator[tuple[int, dict[str, str]]]:
    """The line number and cells of each line that is not blank.

    Raises:
        UserError: A line is not a flat object or is too long.
    """
    with content.text() as text:
        number = 0
        while line := text.readline(LONGEST_ROW):
            number += 1
            if not line.strip():
                continue
            try:
                record = decode_record(line.decode())
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


def _read(pairs: tuple[Any, ...], paths: Collection[str], above: str = "") -> Iterator[Any]:
    """What is at some paths; an object at one of them stays, to be refused."""
    for name, value in pairs:
        path = above + escaped(name)
        if path in paths:
            yield path, value
        elif isinstance(value, tuple):
            yield from _read(value, paths, path + ".")


def decode_record(line: str, paths: Collection[str] = ()) -> dict[str, str]:
    r"""An object's cells as text.

    Args:
        line: The object, as JSON.
        paths: If given, only these are read, of objects in it too: `address.city`. A name with a
            point, a bracket or a backslash of its own has a backslash before it.

    Raises:
        ValueError: It is not an object, a name is repeated, or a value is not a single cell.
    """
    pairs = _decoder.decode(line.strip())
    if not isinstance(pairs, tuple):
        raise ValueError("it is not an object")  # noqa: TRY004 - of the text, not of an argument
    pairs = tuple(_read(pairs, paths)) if paths else pairs
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
