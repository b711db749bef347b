"""Nested documents as rows of text: a column is a path, such as `address.city`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import pyarrow as pa

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import CHANGE, PUT, REMOVED, text_table
from customer_segmentation.sources.header import refuse_names
from customer_segmentation.sources.limits import LONGEST_CELL, MAX_BATCH, MAX_ROWS, is_longer
from customer_segmentation.sources.readers.document_cells import (
    MISSING,
    NESTED,
    SINGLE,
    Plain,
    Step,
    cell,
    escaped,
    json_text,
    parsed_path,
    same,
    value_at,
)

Cells = dict[str, str]
Columns = Sequence[str] | Mapping[str, str]
_Mark = TypeVar("_Mark")

# What Python needs for a cell besides its text.
_CELL_BYTES = 64
_DONT = ("", "0", "false")


@dataclass(frozen=True)
class Flattening:
    """Which cells a document becomes.

    Attributes:
        columns: Paths that are read, which are the headers too, or a path by its header; without
            any, every single value is read, by its path.
        as_json: Headers of lists and objects that are kept whole, as JSON text.
        deleted: Path of a value that, unless it is missing, empty, false or 0, says that the row
            is removed.
        plain: For the values of the database's own types.
    """

    columns: Columns = ()
    as_json: Sequence[str] = ()
    deleted: str = ""
    plain: Plain = same

    def __post_init__(self) -> None:
        """Refuse what is no list of paths.

        Raises:
            UserError: Of a configuration that cannot be.
        """
        for name in ("columns", "as_json"):
            given = getattr(self, name)
            # Kedro gives lists, and a single text is a mistake, not a list of letters.
            texts = [*given.values(), *given] if isinstance(given, Mapping) else given
            if isinstance(given, str) or not all(isinstance(text, str) for text in texts):
                raise UserError(f"{name}: {given!r} is no list of paths")
        refuse_names("columns", (*self.headers, CHANGE))
        if self.headers and (unread := sorted({*self.as_json} - {*self.headers})):
            raise UserError(f"as_json: {unread} are not among the columns: name them there too")
        # A wrong path is refused now, and not where it is first read.
        _ = self._paths, self._deleted

    @cached_property
    def headers(self) -> tuple[str, ...]:
        """Of the columns that are named."""
        return tuple(self.columns)

    @cached_property
    def _paths(self) -> dict[str, tuple[Step, ...]]:
        paths = self.columns if isinstance(self.columns, Mapping) else {p: p for p in self.columns}
        return {header: parsed_path(path) for header, path in paths.items()}

    @cached_property
    def _deleted(self) -> tuple[Step, ...]:
        return parsed_path(self.deleted) if self.deleted else ()

    @property
    def asked(self) -> tuple[str, ...]:
        """The first names of all paths that are named."""
        paths = (*self._paths.values(), self._deleted)
        return tuple(dict.fromkeys(str(steps[0]) for steps in paths if steps))

    @property
    def tops(self) -> tuple[str, ...]:
        """The first names of all paths that are read; none where everything is."""
        return self.asked if self.headers else ()

    def cells(self, document: Mapping[str, Any], key: str) -> Cells:
        """The cells that a document has, by path, and whether it is removed, as `CHANGE`.

        Args:
            document: As read.
            key: Of the document, for people.

        Raises:
            UserError: It holds a list or an object where a single value is read, or a value that
                is no text, number, date or flag.
        """
        try:
            cells = self._chosen(document) if self.headers else self._leaves(document)
            if self.deleted:
                told = cell(value_at(document, self._deleted, self.plain), self.plain)
                if told.lower() not in _DONT:
                    cells[CHANGE] = REMOVED
        except ValueError as error:
            raise UserError(f"document {key}: {error}") from error
        return cells

    def _chosen(self, document: Mapping[str, Any]) -> Cells:
        cells = {}
        for header, steps in self._paths.items():
            value = value_at(document, steps, self.plain)
            if value is not MISSING:
                cells[header] = self._cell(header, value)
        return cells

    def _leaves(self, document: Mapping[str, Any]) -> Cells:
        cells: Cells = {}
        # Not recursion: documents may be nested deeper than Python's stack.
        waiting = [("", document)]
        while waiting:
            above, value = waiting.pop()
            if type(value) not in SINGLE and self._is_object(above, value := self.plain(value)):
                before = f"{above}." if above else ""
                inner = [(before + escaped(str(name)), each) for name, each in value.items()]
                waiting += reversed(inner)
            else:
                cells[above] = self._cell(above, value)
        if CHANGE in cells:
            raise ValueError(f"{CHANGE!r} is a name that ingestion adds")
        return cells

    def _is_object(self, path: str, value: Any) -> bool:  # noqa: ANN401 - of any type
        return isinstance(value, Mapping) and path not in self.as_json

    def _cell(self, path: str, value: Any) -> str:  # noqa: ANN401 - of any type
        # Most are: their text is short.
        if type(value) is int:
            return str(value)
        value = self.plain(value)
        try:
            if path in self.as_json and isinstance(value, NESTED):
                text = json_text(value, self.plain)
            else:
                text = cell(value, self.plain)
        except ValueError as error:
            raise ValueError(f"{path!r} {error}") from error
        if is_longer(text, LONGEST_CELL):
            raise ValueError(f"{path!r} has more than {LONGEST_CELL} bytes")
        return text


def tables(
    rows: Iterable[tuple[_Mark, Cells]], columns: Sequence[str] = ()
) -> Iterator[tuple[_Mark, pa.Table]]:
    """Rows as tables of bounded size, each with the mark of its last row.

    Args:
        rows: Each with whatever says how far its source is read with it.
        columns: Of all tables; without any, those that the rows of a table have.
    """
    held: list[tuple[_Mark, Cells]] = []
    size = 0
    for mark, cells in rows:
        held.append((mark, cells))
        size += _CELL_BYTES * len(cells) + sum(map(len, cells.values()))
        if len(held) == MAX_ROWS or size >= MAX_BATCH:
            yield mark, table([each for _, each in held], columns)
            held, size = [], 0
    if held:
        yield held[-1][0], table([each for _, each in held], columns)


def table(rows: Sequence[Cells], columns: Sequence[str] = ()) -> pa.Table:
    """Rows as one table: '' where a row lacks a column, and `CHANGE` where one is removed."""
    filled = {name for cells in rows for name, text in cells.items() if text}
    headers = list(columns) or named(dict.fromkeys(n for cells in rows for n in cells), filled)
    refuse_names("columns", headers)
    made = {header: [cells.get(header, "") for cells in rows] for header in headers}
    if any(CHANGE in cells for cells in rows):
        made[CHANGE] = [cells.get(CHANGE, PUT) for cells in rows]
    return text_table(made)


def named(names: Iterable[str], filled: AbstractSet[str]) -> list[str]:
    """The columns among names: not an object that is missing wherever nothing in it is.

    Args:
        names: Of the cells that any row has.
        filled: Those with a cell that is not ''.
    """
    names = [name for name in names if name != CHANGE]
    above = {name[: match.start()] for name in names for match in re.finditer(r"\.", name)}
    return [name for name in names if name in filled or name not in above]
