"""The online store in a file of SQLite: the default, for one machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from customer_segmentation.feature_store.online import StoreDownError

_CHUNK = 10_000
# SQLite takes 32,766 parameters.
_KEYS = 10_000
_SECONDS = 10.0


class SqliteStore:
    """Values by key in one table.

    Args:
        path: The file; it is made by the first write.
        seconds: How long to wait for whoever locks it.
    """

    def __init__(self, path: str, seconds: float = _SECONDS) -> None:
        self.name = path
        self._path = Path(path)
        self._seconds = seconds
        self._file = 0
        self._opened: sqlite3.Connection | None = None

    def get(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values of keys, in order."""
        try:
            file = self._path.stat().st_ino
        except FileNotFoundError:
            return [None] * len(keys)
        if self._opened and file != self._file:
            # Another file has its name by now.
            self._opened.close()
            self._opened = None
        found: dict[str, bytes] = {}
        with self._connected() as database:
            for start in range(0, len(keys), _KEYS):
                some = keys[start : start + _KEYS]
                places = ", ".join("?" * len(some))
                rows = database.execute(
                    f"SELECT key, value FROM rows WHERE key IN ({places})",  # noqa: S608 - question marks
                    some,
                )
                found.update(rows)
        return [found.get(key) for key in keys]

    def prepare(self) -> None:
        """Nothing to do."""

    async def read(self, keys: Sequence[str]) -> list[bytes | None]:
        """As `get`, at once: it takes less time than to ask a thread."""
        return self.get(keys)

    async def end(self) -> None:
        """Close the file."""
        self.close()

    def put(self, values: Iterable[tuple[str, bytes]]) -> None:
        """Write values."""
        with self._connected() as database:
            database.execute("BEGIN IMMEDIATE")
            database.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?)", values)
            database.execute("COMMIT")

    def remove(self, keys: Iterable[str]) -> None:
        """Remove keys."""
        with self._connected() as database:
            database.execute("BEGIN IMMEDIATE")
            database.executemany("DELETE FROM rows WHERE key = ?", ((key,) for key in keys))
            database.execute("COMMIT")

    def scan(self, prefix: str) -> Iterator[list[tuple[str, bytes]]]:
        """Every key that begins so, with its value, some at a time."""
        last, end = prefix, prefix[:-1] + chr(ord(prefix[-1]) + 1)
        while True:
            with self._connected() as database:
                rows = database.execute(
                    "SELECT key, value FROM rows WHERE key > ? AND key < ? ORDER BY key LIMIT ?",
                    (last, end, _CHUNK),
                ).fetchall()
            if not rows:
                return
            yield rows
            last = rows[-1][0]

    def purge(self) -> None:
        """Rewrite the file without what was removed or replaced, which it still holds."""
        if self._path.exists():
            with self._connected() as database:
                database.execute("VACUUM")

    def close(self) -> None:
        """Close the file, and leave no log of it beside it."""
        if self._opened:
            with self._connected() as database:
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._opened.close()
            self._opened = None

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            if self._opened is None:
                self._opened = self._open()
            yield self._opened
        except (sqlite3.Error, OSError) as error:
            if self._opened and self._opened.in_transaction:
                self._opened.rollback()
            message = f"the online store {self.name} cannot be used ({error})"
            raise StoreDownError(message) from error

    def _open(self) -> sqlite3.Connection:
        if not self._path.exists():
            self._make()
        self._file = self._path.stat().st_ino
        # The server reads from several threads, one at a time.
        database = sqlite3.connect(
            self._path, timeout=self._seconds, isolation_level=None, check_same_thread=False
        )
        # Nothing is damaged by a power cut; the last writes may be lost, up to the next checkpoint.
        database.execute("PRAGMA synchronous = NORMAL")
        return database

    def _make(self) -> None:
        """Make an empty file, which appears whole: its journal cannot be set while others read."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        making = self._path.with_name(f".{self._path.name}")
        # What a killed run left, and the log of a file that was removed.
        for left in (making, *(Path(f"{self._path}{end}") for end in ("-wal", "-shm"))):
            left.unlink(missing_ok=True)
        with closing(sqlite3.connect(making, isolation_level=None)) as database:
            # Of some fifteen customers: with smaller pages, filling takes three times as long.
            database.execute("PRAGMA page_size = 16384")
            # Readers go on while a run writes.
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(
                "CREATE TABLE rows (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID"
            )
        making.replace(self._path)
