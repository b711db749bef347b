"""Arrivals of files: small ones together, a large one in pieces."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from customer_segmentation.sources.arrivals.parts import Arrival
from customer_segmentation.sources.folder.listing import named
from customer_segmentation.sources.folder.memory import Begun, Taken, position_of
from customer_segmentation.sources.folder.tables import FileTable
from customer_segmentation.sources.header import SOURCE_FILE
from customer_segmentation.sources.limits import MAX_BATCH, MAX_ROWS

# Files of one arrival, whose names its part records.
_MOST_FILES = 1_000
# Sentences of one arrival.
_MOST_NOTES = 20


@dataclass
class Batch:
    """Files that are read and not landed yet, in order; all tables have the same headers."""

    _taken: list[Taken] = field(default_factory=list)
    _tables: list[pa.Table] = field(default_factory=list)
    _notes: dict[str, list[str]] = field(default_factory=dict)
    _rows: int = 0
    _size: int = 0

    def add(
        self, taken: Taken, table: FileTable | None, notes: tuple[str, ...], landed: int = 0
    ) -> Iterator[Arrival]:
        """Take a file; gives what is to be landed now.

        Args:
            taken: What became of the file.
            table: What it holds; None where nothing of it is landed.
            notes: What a person should know of it, each after its name.
            landed: Rows of it that are landed already.
        """
        is_large = table and (table.rows - landed > MAX_ROWS or table.size > MAX_BATCH)
        if is_large or (table and not self._has_room(table)) or len(self._taken) == _MOST_FILES:
            yield from self.flushed()
        for note in notes:
            self._notes.setdefault(note, []).append(taken.name)
        if table is None:
            self._taken.append(taken)
        elif is_large:
            yield from self._pieces(taken, table, landed)
        else:
            self._taken.append(taken)
            self._tables += [cells for cells, _ in _rest(table, taken.name, landed)]
            self._rows, self._size = self._rows + table.rows, self._size + table.size

    def flushed(self) -> Iterator[Arrival]:
        """What is not landed yet, if there is any."""
        if self._taken:
            rows = pa.concat_tables(self._tables) if self._tables else pa.table({})
            yield Arrival(
                rows,
                position_of(self._taken, None),
                sha256=_sha256([each for each in self._taken if each.outcome == "landed"]),
                notes=self._told(),
            )
        self._taken, self._tables, self._rows, self._size = [], [], 0, 0

    def _has_room(self, table: FileTable) -> bool:
        if not self._tables:
            return True
        is_alike = self._tables[0].column_names[:-1] == [*table.headers]
        rows, size = self._rows + table.rows, self._size + table.size
        return is_alike and rows <= MAX_ROWS and size <= MAX_BATCH

    def _pieces(self, taken: Taken, table: FileTable, landed: int) -> Iterator[Arrival]:
        for cells, rows in _rest(table, taken.name, landed):
            is_last = rows == table.rows
            begun = Begun(taken.name, taken.sha256, rows)
            position = position_of([taken], None) if is_last else position_of([], begun)
            notes = self._told() if is_last else ()
            yield Arrival(cells, position, is_last=is_last, sha256=_sha256([taken]), notes=notes)

    def _told(self) -> tuple[str, ...]:
        told = [f"{named(names)}: {note}" for note, names in self._notes.items()]
        self._notes = {}
        if more := len(told) - _MOST_NOTES:
            told[_MOST_NOTES:] = [f"and {more:,} more such notes: see the log"] if more > 0 else []
        return tuple(told)


def closing(begun: Begun) -> Arrival:
    """The end of a file that is gone or was changed before all of it was landed."""
    note = (
        f"{named([begun.name])}: it was changed or removed before all of it was landed: its first "
        f"{begun.rows:,} rows are"
    )
    return Arrival(pa.table({}), position_of([], None), sha256=begun.sha256, notes=(note,))


def _rest(table: FileTable, name: str, landed: int) -> Iterator[tuple[pa.Table, int]]:
    """The rows after those that are landed, and how many are landed with them."""
    rows = 0
    for batch in table.batches():
        cells = batch.slice(max(0, landed - rows))
        rows += len(batch)
        if len(cells):
            files = pa.array([name] * len(cells), pa.string())
            yield cells.append_column(SOURCE_FILE, files), rows


def _sha256(taken: list[Taken]) -> str:
    if len(taken) == 1:
        return taken[0].sha256
    return hashlib.sha256("\n".join(each.sha256 for each in taken).encode()).hexdigest()
