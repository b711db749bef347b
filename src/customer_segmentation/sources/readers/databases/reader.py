"""A table or query of a database as a source: whole, or what changed since the last time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, get_args

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import Arrival, Position, Repeats
from customer_segmentation.sources.header import refuse_names
from customer_segmentation.sources.readers.databases.asked import Asked
from customer_segmentation.sources.readers.databases.cursors import Cursor
from customer_segmentation.sources.readers.databases.drivers import Way, connect
from customer_segmentation.sources.readers.databases.pieces import cells, pieces, whole_pieces
from customer_segmentation.sources.readers.databases.urls import Address
from customer_segmentation.sources.readers.databases.whole import Whole
from customer_segmentation.sources.scratch import scratch_folder

Mode = Literal["full", "incremental"]
# How late a change may be committed, if nothing else is said: docs/sources.md.
_OVERLAP = 300.0


class DatabaseReader:
    """Reads a table or query of any database that ADBC or SQLAlchemy knows.

    Args:
        url: Its address; a setting, since it has a password.
        table: The table, after its schema if it has one.
        query: Instead, a SELECT; its columns have names, none of them twice.
        columns: Those to read; none for all.
        mode: `full` reads all each time, and lands it if any row differs. `incremental` reads the
            rows whose cursor is not below the last one that was landed, less the overlap, and
            lands those that differ. It does not see rows that are gone: for these a column says
            that they are deleted, or `PostgresChangesReader` is used.
        cursor: For `incremental`: the column that grows with each change, of whole numbers or
            times; of texts that sort like times where a database has no times.
        key: The columns by which a row is known; needed for `incremental`.
        deleted: A column that says whether a row is deleted: anything but null, false, 0, no and
            ''.
        overlap: For `incremental`: by how much a row that is committed late may be below the
            cursor; seconds for times, else in its own unit.
        driver: The module or library of an ADBC driver; PostgreSQL needs none named.

    Attributes:
        name: The address without user and password, and the table.

    Raises:
        UserError: An argument is missing, or does not go with the others.
    """

    def __init__(  # noqa: PLR0913 - the catalog's names
        self,
        *,
        url: str,
        table: str = "",
        query: str = "",
        columns: Sequence[str] = (),
        mode: Mode = "full",
        cursor: str = "",
        key: str | Sequence[str] = (),
        deleted: str = "",
        overlap: float | None = None,
        driver: str = "",
    ) -> None:
        """Nothing is connected to yet."""
        keys = (key,) if isinstance(key, str) else tuple(key)
        if mode not in get_args(Mode):
            raise UserError(f"DatabaseReader: mode: {mode!r} is neither full nor incremental")
        if bool(table) == bool(query):
            raise UserError("DatabaseReader: set either `table` or `query`")
        if mode == "incremental" and not (cursor and keys):
            raise UserError("DatabaseReader: mode incremental needs `cursor` and `key`")
        if mode == "full" and (cursor or overlap):
            raise UserError("DatabaseReader: `cursor` and `overlap` go with mode incremental only")
        if overlap is not None and overlap < 0:
            raise UserError(f"DatabaseReader: overlap: {overlap} is below 0")
        self._url, self._driver, self._mode = url, driver, mode
        self._overlap = overlap
        wanted = tuple(dict.fromkeys((*columns, *keys))) if columns else ()
        self._asked = Asked(table, query, wanted, cursor, keys, deleted)
        what = table or "query"
        self.name = f"{Address(url).shown}/{what}" if url else what
        # A position belongs to what was asked, and not to where the database is.
        asked = f"{mode} {table or hashlib.sha256(query.encode()).hexdigest()[:16]}"
        self._of = " ".join(filter(None, (asked, cursor, *keys)))

    def read(self, since: Position | None) -> Iterator[Arrival]:
        """The rows: of a full load all or none, else those that changed.

        Raises:
            UserError: The database does not answer, or the table is not what it is said to be.
        """
        if since and (read := since.get("of", "another kind of source")) != self._of:
            raise UserError(
                f"{self.name}: its parts are of another reading ({read}, not {self._of}). "
                "Name another folder as `parts`"
            )
        with connect(Address(self._url), self._driver) as way:
            kinds = way.kinds(self._asked)
            refuse_names(self.name, kinds)
            if self._mode == "full":
                yield from self._whole(way, kinds, since)
            else:
                yield from self._changed(way, kinds, since)

    def _whole(
        self, way: Way, kinds: Mapping[str, bool], since: Position | None
    ) -> Iterator[Arrival]:
        with scratch_folder("whole-load") as folder:
            found = (
                cells(piece, kinds, self._asked, self.name)
                for piece in whole_pieces(way, self._asked, kinds)
            )
            whole = Whole(folder / "rows.arrow", found)
            if since and since["content"] == whole.content:
                return
            position = {"of": self._of, "content": whole.content}
            for rows, is_last in whole.pieces():
                yield Arrival(rows, position, is_whole=True, is_last=is_last)

    def _changed(
        self, way: Way, kinds: Mapping[str, bool], since: Position | None
    ) -> Iterator[Arrival]:
        self._refuse_nulls(way)
        last = Cursor.read(since["cursor"]) if since else None
        start = last.before(self._overlap_of(last)) if last else None
        repeats = Repeats(
            self._asked.key, lambda position: not _is_before(Cursor.read(position["cursor"]), start)
        )
        for table in pieces(way, self._asked, kinds, start):
            cursor = Cursor.of(table[self._asked.cursor][-1].as_py(), self._asked.cursor)
            if way.has_times and isinstance(cursor.value, str):
                raise UserError(
                    f"{self.name}: {self._asked.cursor} is text here, which may sort in another "
                    "way: name a column of times or whole numbers as `cursor`"
                )
            # Of rows that came late, the cursor is below the last.
            last = cursor if last is None or cursor.is_after(last) else last
            position = {"of": self._of, "cursor": last.told}
            rows = cells(table, kinds, self._asked, self.name)
            yield Arrival(rows, position, repeats=repeats if since else None)

    def _overlap_of(self, last: Cursor) -> float:
        if isinstance(last.value, str) and self._overlap:
            raise UserError(
                f"{self.name}: {self._asked.cursor} is text, which has no overlap: leave `overlap` "
                "out"
            )
        return _OVERLAP if self._overlap is None else self._overlap

    def _refuse_nulls(self, way: Way) -> None:
        missing = next(way.batches(self._asked.without())).column(0)[0].as_py()
        if int(missing):
            names = " or ".join((self._asked.cursor, *self._asked.key))
            raise UserError(
                f"{self.name}: {int(missing):,} rows have no {names}, and would never be read. "
                "Fill it in, or leave them out by a `query`"
            )


def _is_before(cursor: Cursor, start: Cursor | None) -> bool:
    return start is not None and start.is_after(cursor)
