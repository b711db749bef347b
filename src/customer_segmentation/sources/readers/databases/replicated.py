"""A table of PostgreSQL and a replication slot: what the server says of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from customer_segmentation.errors import UserError
from customer_segmentation.sources.readers.databases.wal import Row, filter_of, lsn, told

if TYPE_CHECKING:
    from psycopg import Connection

_TABLE = """
    SELECT c.oid, c.relkind, c.relreplident FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s
"""
_COLUMNS = """
    SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
    WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
# Of the primary key, or of the index that the table's replica identity names.
_IDENTITY = """
    SELECT a.attname FROM pg_index i
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
    WHERE i.indrelid = %s AND CASE WHEN %s THEN i.indisprimary ELSE i.indisreplident END
"""
_CHANGES = """
    SELECT data FROM pg_logical_slot_peek_changes(%s, NULL, NULL, 'format-version', '2',
    'include-lsn', '1', 'add-tables', %s)
"""
_FETCHED = 5_000


@dataclass(frozen=True)
class Replicated:
    """A table whose changes are read.

    Attributes:
        session: To its server.
        place: Its schema and name.
        oid: PostgreSQL's own number of it.
        identity: How its old rows are known: `d`, `f`, `i` or `n`.
        types: The columns that are read -> PostgreSQL's name of the type.
    """

    session: Connection[Any]
    place: tuple[str, str]
    oid: int
    identity: str
    types: Mapping[str, str]

    @classmethod
    def find(
        cls, session: Connection[Any], place: tuple[str, str], wanted: Sequence[str]
    ) -> Replicated:
        """The table of a name.

        Raises:
            UserError: There is none, it has parts or is a view, or lacks a column.
        """
        name = ".".join(place)
        found = session.execute(_TABLE, place).fetchone()
        if found is None:
            raise UserError(f"{name}: the database has no such table")
        oid, kind, identity = found
        if _plain(kind) != "r":
            raise UserError(
                f"{name} is no plain table, and the log tells changes of these only: read its "
                "partitions one by one, or use DatabaseReader"
            )
        types = dict(session.execute(_COLUMNS, (oid,)).fetchall())
        if missing := [column for column in wanted if column not in types]:
            raise UserError(f"{name} has no column {missing[0]!r}")
        read = {column: types[column] for column in wanted or types}
        return cls(session, place, oid, _plain(identity), read)

    @property
    def filter(self) -> str:
        """The table as wal2json wants it named."""
        return filter_of(*self.place)

    @property
    def shape(self) -> str:
        """Differs where the table was made anew or has other columns."""
        told_of = f"{self.oid} {sorted(self.types.items())}"
        return hashlib.sha256(told_of.encode()).hexdigest()[:16]

    def require_identity(self, key: Sequence[str]) -> None:
        """Refuse a table whose log would not say which row was changed or deleted.

        Raises:
            UserError: The key is not in its replica identity.
        """
        name = ".".join(self.place)
        if missing := [column for column in key if column not in self.types]:
            raise UserError(f"{name} has no column {missing[0]!r}, the key")
        if self.identity == "f":
            return
        found = self.session.execute(_IDENTITY, (self.oid, self.identity == "d")).fetchall()
        if self.identity == "n" or not {*key} <= {column for (column,) in found}:
            raise UserError(
                f"{name}: the log does not say of which {', '.join(key)} a deleted row was: make "
                f"it the primary key, or ALTER TABLE {name} REPLICA IDENTITY FULL"
            )

    def now(self, key: Row, columns: list[str]) -> Row:
        """The cells of a row as they are now, which the log left out; later changes follow."""
        from psycopg import sql  # noqa: PLC0415 - only where a database is a source

        query = sql.SQL("SELECT {} FROM {} WHERE {}").format(
            sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(n)) for n in columns),
            sql.Identifier(*self.place),
            sql.SQL(" AND ").join(
                sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
                for name, value in key.items()
            ),
        )
        found = self.session.execute(query).fetchone()
        # Gone by now, which a later change says.
        return dict(zip(columns, found or (None,) * len(columns), strict=True))


@dataclass(frozen=True)
class Slot:
    """A replication slot, from which the server keeps its log.

    Attributes:
        session: To its server.
        name: Of the slot.
    """

    session: Connection[Any]
    name: str

    def end(self) -> int | None:
        """Up to where the server may drop its log; None if there is no slot.

        Raises:
            UserError: It is not wal2json's, or lost what it was to keep.
        """
        found = self.session.execute(
            "SELECT plugin, wal_status, confirmed_flush_lsn FROM pg_replication_slots "
            "WHERE slot_name = %s",
            (self.name,),
        ).fetchone()
        if found is None:
            return None
        plugin, status, end = found
        if plugin != "wal2json":
            raise UserError(f"the replication slot {self.name!r} is of {plugin}: name another")
        if status == "lost":
            raise self.taken("the server no longer has what it was to keep")
        return lsn(end)

    def taken(self, why: str) -> UserError:
        """The error for a slot that cannot be read on from."""
        return UserError(
            f"the replication slot {self.name!r} is there, and {why}. If nobody else reads it, run "
            f"SELECT pg_drop_replication_slot('{self.name}'), and the next run reads the whole "
            "table; else name another `slot`"
        )

    def export(self, session: Connection[Any], name: str) -> tuple[int, str]:
        """Make a slot that goes with a session of replication; where it begins, and a snapshot."""
        from psycopg import sql  # noqa: PLC0415 - only where a database is a source

        command = sql.SQL(
            "CREATE_REPLICATION_SLOT {} TEMPORARY LOGICAL wal2json (SNAPSHOT 'export')"
        ).format(sql.Identifier(name))
        _, start, snapshot, _ = session.execute(command).fetchall()[0]
        return lsn(start), snapshot

    def keep(self, name: str) -> None:
        """Have this slot, which is not there, begin where another does."""
        self.session.execute(
            "SELECT pg_copy_logical_replication_slot(%s, %s, false)", (name, self.name)
        )

    def drop(self) -> None:
        """Let the server drop all that it keeps for this slot."""
        self.session.execute("SELECT pg_drop_replication_slot(%s)", (self.name,))

    def advance(self, end: int) -> None:
        """Let the server drop its log up to a place."""
        if end > (self.end() or 0):
            self.session.execute(
                "SELECT pg_replication_slot_advance(%s, %s)", (self.name, told(end))
            )

    @contextmanager
    def changes(self, table: str) -> Iterator[Iterator[str]]:
        """The records of wal2json, as the server reads them, some at a time."""
        with self.session.transaction(), self.session.cursor(f"changes_{uuid4().hex}") as found:
            found.itersize = _FETCHED
            found.execute(_CHANGES, (self.name, table))
            yield (record for (record,) in found)


def _plain(letter: str | bytes) -> str:
    return letter.decode() if isinstance(letter, bytes) else letter
