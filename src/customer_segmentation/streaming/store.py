"""The file that holds the state: one SQLite database, changed by one process at a time.

A commit is whole or did not happen, whatever is killed. What the last one changed is kept as it was
before, so that it can be taken back.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from customer_segmentation.errors import UserError

# Its name in the folder of a stream.
STATE_FILE = "customers.sqlite"
REBUILD = "run `kedro stream rebuild`"
# Of the columns, beside the key, the count, the lines and the texts.
ANSWER = ("digest", "segment", "segment_name", "segment_id", "artifact_version", "answered")
_BUSY_SECONDS = 0.5
_PAGE = 8_192
# Beyond, the log is written into the file; a page that changes often is then written once.
_LOG_PAGES = 8_192
_CACHE_KIB = 131_072

_KINDS = {
    "count": pa.int64(),
    "segment": pa.string(),
    "segment_name": pa.string(),
    "segment_id": pa.int64(),
    "artifact_version": pa.string(),
}
# What SQLite keeps beside a file.
BESIDE = ("-wal", "-shm", "-journal")
_NAMED = "SELECT ?, value FROM about WHERE name = ?"

Row = tuple[Any, ...]
Meta = dict[str, Any]


@contextmanager
def held(place: Path) -> Iterator[sqlite3.Connection | None]:
    """A state that no other process uses meanwhile; None where there is none.

    Raises:
        UserError: Another process keeps it.
    """
    if not place.exists():
        yield None
        return
    file = sqlite3.connect(place, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        file.execute("PRAGMA locking_mode = EXCLUSIVE")
        file.execute("BEGIN IMMEDIATE")
        file.execute("COMMIT")
    except sqlite3.OperationalError as error:
        file.close()
        raise UserError(f"{place}: a stream runs on this state: stop it first") from error
    except sqlite3.DatabaseError:
        # What is no state is nobody's.
        file.close()
        yield None
        return
    try:
        yield file
    finally:
        file.close()


def put_in_place(half: Path, place: Path, old: sqlite3.Connection | None) -> None:
    """Let a whole state take the place of the old one, which is held."""
    if old:
        # SQLite would take the old one's log for the new one's.
        old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for ending in BESIDE:
        place.with_name(place.name + ending).unlink(missing_ok=True)
    half.replace(place)


class Store:
    """Customers by key, and what is known of the whole.

    Args:
        place: The file; made if it is not there.
        texts: How many texts a line has.
        made_by: What the state depends on; of another one it is refused.
        meta: Of a new file.

    Raises:
        UserError: Another process has it open, or it was made by another schema.
    """

    def __init__(self, place: Path, texts: int, made_by: str, meta: Meta) -> None:
        self.place = place
        place.parent.mkdir(parents=True, exist_ok=True)
        self._columns = ["count", "lines", *(f"text_{n}" for n in range(texts)), *ANSWER]
        self._texts = texts
        self._file = sqlite3.connect(place, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            self._open(made_by, meta)
        except sqlite3.OperationalError as error:
            self._file.close()
            if "locked" in str(error):
                message = f"{place}: another process keeps this state: run the stream once"
                raise UserError(message) from error
            raise UserError(f"{place}: {error}") from error
        except sqlite3.DatabaseError as error:
            self._file.close()
            raise UserError(f"{place}: it is no state of a stream ({error}): {REBUILD}") from error
        except UserError:
            self._file.close()
            raise

    def _open(self, made_by: str, meta: Meta) -> None:
        run = self._file.execute
        # Held until it is closed: a second process is refused at once.
        run("PRAGMA locking_mode = EXCLUSIVE")
        run(f"PRAGMA page_size = {_PAGE}")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
        run(f"PRAGMA cache_size = -{_CACHE_KIB}")
        run("PRAGMA temp_store = MEMORY")
        run("CREATE TEMP TABLE wanted (key TEXT)")
        run("BEGIN IMMEDIATE")
        columns = ", ".join(self._columns)
        run("CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value TEXT)")
        found = run("SELECT value FROM about WHERE name = 'made_by'").fetchone()
        if found is None:
            run(f"CREATE TABLE customers (key TEXT PRIMARY KEY, {columns})")
            run("INSERT INTO about VALUES ('made_by', ?), ('meta', ?)", (made_by, json.dumps(meta)))
        elif found[0] != made_by:
            run("ROLLBACK")
            raise UserError(
                f"{self.place}: it was made by another schema or other rules: {REBUILD}"
            )
        run("COMMIT")

    @property
    def meta(self) -> Meta:
        """What is known of the whole."""
        found: Meta = json.loads(self._about("meta") or "{}")
        return found

    @property
    def meta_before(self) -> Meta | None:
        """The same before the last commit; None if that cannot be taken back."""
        text = self._about("meta_before")
        return json.loads(text) if text else None

    def _about(self, name: str) -> Any:  # noqa: ANN401 - text or bytes
        found = self._file.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return found[0] if found else None

    def rows(self, keys: Sequence[str]) -> list[Row]:
        """The rows of these customers that are there."""
        columns = ", ".join(f"c.{name}" for name in ("key", *self._columns))
        query = f"SELECT {columns} FROM wanted AS w CROSS JOIN customers AS c ON c.key = w.key"  # noqa: S608 - our own names
        run = self._file.execute
        # No list within the query, such as JSON: SQLite would end a text at its first NUL.
        run("BEGIN")
        self._file.executemany("INSERT INTO wanted VALUES (?)", ((key,) for key in keys))
        found = run(query).fetchall()
        run("DELETE FROM wanted")
        run("COMMIT")
        return found

    def after(self, key: str, count: int) -> list[Row]:
        """So many customers' rows, in the order of their keys, after one."""
        columns = ", ".join(("key", *self._columns))
        query = f"SELECT {columns} FROM customers WHERE key > ? ORDER BY key LIMIT ?"  # noqa: S608 - as above
        return self._file.execute(query, (key, count)).fetchall()

    def count(self) -> int:
        """How many customers there are."""
        return int(self._file.execute("SELECT count(*) FROM customers").fetchone()[0])

    def has_answers(self) -> bool:
        """Whether any customer was ever answered."""
        query = "SELECT 1 FROM customers WHERE segment IS NOT NULL LIMIT 1"
        return self._file.execute(query).fetchone() is not None

    def has_answers_but_by(self, artifact_version: str) -> bool:
        """Whether the last answer of any customer is by another model."""
        query = (
            "SELECT 1 FROM customers WHERE segment IS NOT NULL AND artifact_version <> ? LIMIT 1"
        )
        return self._file.execute(query, (artifact_version,)).fetchone() is not None

    def commit(
        self,
        meta: Mapping[str, Any],
        changed: Iterable[Row],
        gone: Iterable[str],
        before: Sequence[Row],
    ) -> None:
        """Change customers; all of it, or nothing.

        Args:
            meta: What is known of the whole from now on.
            changed: Rows to put.
            gone: Keys of the rows to remove.
            before: The rows of all these customers as they were, of those who were there.

        Raises:
            UserError: There is no room on the disk.
        """
        marks = ", ".join("?" * (len(self._columns) + 1))
        run, many = self._file.execute, self._file.executemany
        put = [*changed]
        new = {row[0] for row in put}.difference(row[0] for row in before)
        try:
            run("BEGIN IMMEDIATE")
            run(f"INSERT OR REPLACE INTO about {_NAMED}", ("meta_before", "meta"))
            run("INSERT OR REPLACE INTO about VALUES ('meta', ?)", (json.dumps(meta),))
            run("INSERT OR REPLACE INTO about VALUES ('undo', ?)", (self._as_bytes(before, new),))
            many("DELETE FROM customers WHERE key = ?", ((key,) for key in gone))
            # In their place: a row that is replaced moves to the end.
            changes = ", ".join(f"{name} = excluded.{name}" for name in self._columns)
            many(
                f"INSERT INTO customers VALUES ({marks}) ON CONFLICT (key) DO UPDATE SET {changes}",  # noqa: S608 - as above
                put,
            )
            run("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            raise UserError(f"{self.place}: the state cannot be written ({error})") from error

    def undo(self) -> None:
        """Take the last commit back."""
        run, marks = self._file.execute, ", ".join("?" * (len(self._columns) + 1))
        kept = pa.ipc.open_stream(self._about("undo")).read_all()
        rows = zip(*(column.to_pylist() for column in kept.columns), strict=True)
        run("BEGIN IMMEDIATE")
        for key, *row in rows:
            run("DELETE FROM customers WHERE key = ?", (key,))
            if row[0] is not None:
                run(f"INSERT INTO customers VALUES ({marks})", (key, *row))  # noqa: S608 - as above
        run(f"INSERT OR REPLACE INTO about {_NAMED}", ("meta", "meta_before"))
        run("DELETE FROM about WHERE name IN ('meta_before', 'undo')")
        run("COMMIT")

    def _as_bytes(self, rows: Sequence[Row], new: Iterable[str]) -> bytes:
        """Rows as they were, and keys that had none: one cell is faster than many rows."""
        nothing = (None,) * len(self._columns)
        every = [*rows, *((key, *nothing) for key in new)]
        columns = zip(*every, strict=True) if every else ((),) * (len(self._columns) + 1)
        kinds = (pa.string(), *(_KINDS.get(name, pa.large_binary()) for name in self._columns))
        arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
        table = pa.table(arrays, names=["key", *self._columns])
        written = pa.BufferOutputStream()
        with pa.ipc.new_stream(written, table.schema) as stream:
            stream.write_table(table)
        found: bytes = written.getvalue().to_pybytes()
        return found

    def close(self) -> None:
        """Write the log into the file and let go of it."""
        self._file.close()

    def _roll_back(self) -> None:
        if self._file.in_transaction:
            self._file.execute("ROLLBACK")
