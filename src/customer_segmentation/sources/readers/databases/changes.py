"""A table of PostgreSQL as a source, read from its log of changes by wal2json."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import Arrival, Position
from customer_segmentation.sources.limits import MAX_ROWS
from customer_segmentation.sources.readers.databases.asked import Asked
from customer_segmentation.sources.readers.databases.drivers import connect
from customer_segmentation.sources.readers.databases.pieces import cells, refuse_long, whole_pieces
from customer_segmentation.sources.readers.databases.replicated import Replicated, Slot
from customer_segmentation.sources.readers.databases.urls import Address
from customer_segmentation.sources.readers.databases.wal import (
    Row,
    Transaction,
    joined,
    lsn,
    rows_of,
    told,
    transactions,
)

if TYPE_CHECKING:
    from psycopg import Connection

# So much of the log that is none of this table's is passed over without a part that says so.
_PASSED_OVER = 16 << 20


class PostgresChangesReader:
    """Reads a table of PostgreSQL once, then every change of it in the order of the commits.

    Updates, deletions and changed keys are seen, however late they are committed. The server needs
    `wal_level=logical` and wal2json, the user the right to replicate. The slot keeps the server's
    log until it is read: drop it when the source is given up.

    Args:
        url: The address; a setting, since it has a password.
        table: The table, after its schema unless that is `public`.
        slot: The name of the replication slot that the first reading makes; nobody else's.
        key: The columns by which a row is known; in the table's replica identity, as the primary
            key is.
        columns: Those to read; none for all.

    Attributes:
        name: The address without user and password, and the table.

    Raises:
        UserError: An argument is missing, or the address is not PostgreSQL's.
    """

    def __init__(
        self,
        *,
        url: str,
        table: str,
        slot: str,
        key: str | Sequence[str],
        columns: Sequence[str] = (),
    ) -> None:
        """Nothing is connected to yet."""
        self._key = (key,) if isinstance(key, str) else tuple(key)
        if not (table and slot and self._key and all(self._key)):
            raise UserError("PostgresChangesReader: set `table`, `slot` and `key`")
        if url and not Address(url).is_postgresql:
            raise UserError("PostgresChangesReader: `url` is not of PostgreSQL")
        schema, _, name = table.rpartition(".")
        self._url, self._slot = url, slot
        self._place = (schema or "public", name)
        wanted = tuple(dict.fromkeys((*columns, *self._key))) if columns else ()
        self._asked = Asked(".".join(self._place), columns=wanted, key=self._key)
        self.name = f"{Address(url).shown}/{table}" if url else table

    def read(self, since: Position | None) -> Iterator[Arrival]:
        """The whole table at first, then what changed.

        Where the slot is gone, or the table has other columns or was made anew, the whole table is
        read again, and the part says so.

        Raises:
            UserError: The server does not answer or cannot tell the changes, or another reader
                uses the slot.
        """
        if since and not {"lsn", "shape"} <= since.keys():
            raise UserError(
                f"{self.name}: its parts are of another reading. Name another folder as `parts`"
            )
        address = Address(self._url)
        with _session(address) as session:
            table = Replicated.find(session, self._place, self._asked.columns)
            table.require_identity(self._key)
            slot = Slot(session, self._slot)
            end = slot.end()
            if since is None:
                if end is not None:
                    raise slot.taken("nothing of it is landed here")
                yield from self._whole(address, table, slot)
            elif end is None:
                yield from self._whole(address, table, slot, "the slot was gone")
            elif end > lsn(since["lsn"]):
                raise slot.taken("it was read further than what is landed here")
            elif since["shape"] != table.shape:
                # What is read whole needs no log; a load that breaks off finds no slot again.
                slot.drop()
                yield from self._whole(address, table, slot, "the table's columns have changed")
            else:
                yield from self._changes(address, table, slot, since)

    def _whole(
        self, address: Address, table: Replicated, slot: Slot, why: str = ""
    ) -> Iterator[Arrival]:
        notes = (f"{self.name} was read whole again, since {why}",) if why else ()
        with _session(address, is_replication=True) as session:
            temporary = f"{self._slot[:50]}_{uuid4().hex[:8]}"
            start, snapshot = slot.export(session, temporary)
            position = {"lsn": told(start), "shape": table.shape}
            with connect(address, snapshot=snapshot) as way:
                kinds = way.kinds(self._asked)
                found = whole_pieces(way, self._asked, kinds)
                held = cells(next(found), kinds, self._asked, self.name)
                for piece in found:
                    yield Arrival(held, position, is_whole=True, is_last=False, notes=notes)
                    held = cells(piece, kinds, self._asked, self.name)
                yield Arrival(held, position, is_whole=True, notes=notes)
                # Once that is landed: a slot without a load would be taken for somebody else's,
                # and a load without a slot is read again.
                slot.keep(temporary)

    def _changes(
        self, address: Address, table: Replicated, slot: Slot, since: Position
    ) -> Iterator[Arrival]:
        # What is landed lasts: the server may drop its log of it.
        slot.advance(lsn(since["lsn"]))
        position, end = dict(since), lsn(since["lsn"])
        is_cut = False

        def now(row: Row, columns: list[str]) -> Row:
            return table.now({name: row[name] for name in self._key}, columns)

        with slot.changes(table.filter) as records:
            found = transactions(records, self._key, table.types, MAX_ROWS)
            new = (piece for piece in found if piece.end > lsn(since["lsn"]))
            for piece in joined(new, MAX_ROWS):
                events = piece.events[_landed(since, piece) :]
                emptied = [n for n, event in enumerate(events) if not event.change]
                if is_cut := bool(emptied) and not piece.is_last:
                    break
                events = events[emptied[-1] + 1 if emptied else 0 :]
                is_end = piece.is_last and bool(piece.events or piece.before)
                if events or emptied or is_end:
                    rows = rows_of(events, table.types, now)
                    refuse_long(dict(zip(rows.column_names, rows.columns, strict=True)), self.name)
                    position = _position(since, position, piece)
                    yield Arrival(rows, position, is_whole=bool(emptied), is_last=piece.is_last)
                end = piece.end if piece.is_last else end
        if is_cut:
            # A whole load of the log's could not be gone on with, if it broke off.
            slot.drop()
            yield from self._whole(address, table, slot, "a large transaction emptied it")
            return
        if end - lsn(position["lsn"]) > _PASSED_OVER:
            position = {"lsn": told(end), "shape": table.shape}
            yield Arrival(rows_of([], table.types, now), position)
        slot.advance(lsn(position["lsn"]))


def _landed(since: Position, piece: Transaction) -> int:
    """How many changes of a piece were landed before the reading broke off."""
    is_open = since.get("in") == told(piece.end)
    return max(0, since["done"] - piece.before) if is_open else 0


def _position(since: Position, before: Position, piece: Transaction) -> dict[str, Any]:
    if piece.is_last:
        return {"lsn": told(piece.end), "shape": since["shape"]}
    done = piece.before + len(piece.events)
    return {
        "lsn": before["lsn"],
        "shape": since["shape"],
        "in": told(piece.end),
        "done": done,
    }


@contextmanager
def _session(address: Address, *, is_replication: bool = False) -> Iterator[Connection[Any]]:
    """A session that writes times as this project reads them."""
    import psycopg  # noqa: PLC0415 - only where a database is a source

    try:
        options = {"replication": "database"} if is_replication else {}
        conninfo = psycopg.conninfo.make_conninfo(address.libpq, **options)
        with psycopg.connect(conninfo, autocommit=True) as session:
            session.execute("SET timezone TO 'UTC'")
            session.execute("SET datestyle TO 'ISO'")
            yield session
    except psycopg.Error as error:
        raise UserError(
            f"{address.shown}: {address.redacted(error)}. What was landed stays: "
            "mend it, and run again"
        ) from None
