"""Tables of Cassandra: whole, by token ranges and pages, or what an index finds beyond a cursor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from customer_segmentation.sources.arrivals.parts import Arrival, Position
from customer_segmentation.sources.readers.cassandra_session import Access
from customer_segmentation.sources.readers.documents import Cells, Columns, Flattening, tables
from customer_segmentation.sources.readers.failures import failure
from customer_segmentation.sources.readers.whole_loads import whole_load

if TYPE_CHECKING:
    from cassandra.cluster import Session
    from cassandra.metadata import TableMetadata

_PAGE = 5_000
# Of Cassandra's default partitioner, whose tokens lie above the least and up to the greatest.
_MURMUR3 = "Murmur3Partitioner"
_LEAST, _GREATEST = -(1 << 63), (1 << 63) - 1
_OWN = "landed__token"
# In the position: which cursor; up to when it is read; and of a time that is being read, until
# when, and up to which token.
_CURSOR, _READ_TO, _READING_TO, _TOKEN_READ = "cursor", "read_to", "reading_to", "token"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CassandraReader:
    """Reads a table.

    Without a cursor it is read whole: rows that are gone are gone. With one, the first load is
    whole, and each later one is the rows whose cursor lies in the time since: deletions, and rows
    without a cursor, are seen by whole loads only.

    Args:
        hosts: Some of the nodes, as a list or with commas between.
        keyspace: Its name.
        table: Its name.
        columns: As of `Flattening`; the first name of a path is a column of the table.
        as_json: As of `Flattening`.
        deleted: As of `Flattening`.
        cursor: A column of type timestamp, set to now whenever a row is written, with an index of
            the kind `sai`, so that the server finds the rows.
        settle_seconds: What was written in the last seconds waits for the next time, since another
            writer may still be about to write something older.
        port: Of all nodes.
        user: Of a server that asks for one.
        password: Best from a setting; never shown.
        datacenter: Whose nodes are asked; without it, that of the first node that answers.
        consistency: How many replicas are asked.
        tls: A file of the certificates that the server's is signed by; '' speaks without TLS.
        ranges: In how many pieces the tokens are read, one after the other.
    """

    def __init__(  # noqa: PLR0913 - the catalog's names
        self,
        *,
        hosts: str | Sequence[str],
        keyspace: str,
        table: str,
        columns: Columns = (),
        as_json: Sequence[str] = (),
        deleted: str = "",
        cursor: str = "",
        settle_seconds: float = 10.0,
        port: int = 9042,
        user: str = "",
        password: str = "",
        datacenter: str = "",
        consistency: str = "LOCAL_QUORUM",
        tls: str = "",
        ranges: int = 16,
    ) -> None:
        """Nothing is connected to yet.

        Raises:
            UserError: `columns`, `as_json` or `deleted` are no paths, or there are no ranges.
        """
        self.name = f"cassandra:{keyspace}.{table}"
        nodes = tuple(hosts.split(",")) if isinstance(hosts, str) else tuple(hosts)
        self._access = Access(self.name, nodes, port, user, password, datacenter, consistency, tls)
        self._keyspace, self._table = keyspace, table
        self._flattening = Flattening(columns, as_json, deleted, _plain)
        self._cursor, self._settle = cursor, timedelta(seconds=settle_seconds)
        if ranges < 1:
            raise failure(self.name, f"ranges: {ranges} are none: set 1 or more")
        self._ranges = ranges

    def read(self, since: Position | None) -> Iterator[Arrival]:
        """All rows, or those of the time since the position.

        Raises:
            UserError: No node answers, the user is refused, or the table is not there or not as it
                is said to be.
        """
        with self._access.session() as session:
            table = self._metadata(session)
            if not self._cursor:
                rows = (cells for _, cells in self._rows(session, table, _LEAST))
                yield from whole_load(self.name, rows, self._flattening, since)
                return
            self._require_index(table)
            settled = _milliseconds(datetime.now(UTC) - self._settle)
            if since is None or since.get(_CURSOR) != self._cursor:
                told = {_CURSOR: self._cursor, _READ_TO: settled}
                rows = (cells for _, cells in self._rows(session, table, _LEAST))
                yield from whole_load(self.name, rows, self._flattening, None, told)
                return
            read_to = since[_READ_TO]
            if until := since.get(_READING_TO):
                yield from self._since(session, table, read_to, until, since[_TOKEN_READ])
                read_to = until
            if settled > read_to:
                yield from self._since(session, table, read_to, settled, _LEAST)

    def _since(
        self, session: Session, table: TableMetadata, after: int, until: int, token: int
    ) -> Iterator[Arrival]:
        """The rows whose cursor lies in a time, from a token on."""
        held: Arrival | None = None
        rows = self._rows(session, table, token, (after, until))
        for done, piece in tables(rows, self._flattening.headers):
            if held:
                yield held
            told = {_READ_TO: after, _READING_TO: until, _TOKEN_READ: done}
            held = Arrival(piece, {_CURSOR: self._cursor, **told})
        if held:
            yield Arrival(held.rows, {_CURSOR: self._cursor, _READ_TO: until})

    def _rows(
        self,
        session: Session,
        table: TableMetadata,
        above: int,
        time: tuple[int, int] | None = None,
    ) -> Iterator[tuple[int, Cells]]:
        """Rows in the order of their tokens, each with the last token before its own."""
        from cassandra.query import SimpleStatement  # noqa: PLC0415 - only where it is read

        keys = [column.name for column in table.partition_key]
        ids = [*keys, *(column.name for column in table.clustering_key)]
        token = f"token({', '.join(map(_quoted, keys))})"
        read = [*dict.fromkeys((*(self._flattening.tops or table.columns), *ids))]
        hidden = {*ids} - {*self._flattening.tops} if self._flattening.headers else set()
        # Names of ours and of the table only, quoted.
        start = (
            f"SELECT {', '.join(map(_quoted, read))}, {token} AS {_OWN} "  # noqa: S608
            f"FROM {_quoted(self._keyspace)}.{_quoted(self._table)}"
        )
        limits = [f"{_quoted(self._cursor)} > %s", f"{_quoted(self._cursor)} <= %s"] if time else []
        is_murmur = session.cluster.metadata.partitioner.endswith(_MURMUR3)
        before = last = above
        for low, high in self._token_ranges(above) if is_murmur else [(None, None)]:
            where = [*([f"{token} > %s", f"{token} <= %s"] if is_murmur else []), *limits]
            values = (*((low, high) if is_murmur else ()), *(time or ()))
            query = start + (" WHERE " + " AND ".join(where) if where else "")
            statement = SimpleStatement(query, fetch_size=_PAGE)
            for row in session.execute(statement, values or None):
                if (own := row.pop(_OWN)) != last:
                    before, last = last, own
                key = ", ".join(f"{name}={row[name]}" for name in ids)
                for name in hidden:
                    del row[name]
                yield before, self._flattening.cells(row, key)

    def _token_ranges(self, above: int) -> Iterable[tuple[int, int]]:
        step = (_GREATEST - _LEAST) // self._ranges
        borders = [*(_LEAST + step * place for place in range(self._ranges)), _GREATEST]
        for low, high in pairwise(borders):
            if high > above:
                yield max(low, above), high

    def _metadata(self, session: Session) -> TableMetadata:
        """Of the table, if it is there with all columns that are read.

        Raises:
            UserError: It is not.
        """
        keyspace = session.cluster.metadata.keyspaces.get(self._keyspace)
        if keyspace is None:
            raise failure(self.name, f"there is no keyspace {self._keyspace!r}: check `keyspace`")
        table: TableMetadata | None = keyspace.tables.get(self._table) or keyspace.views.get(
            self._table
        )
        if table is None:
            raise failure(self.name, f"the keyspace has no table {self._table!r}: check `table`")
        if missing := [name for name in self._flattening.asked if name not in table.columns]:
            has = ", ".join(table.columns)
            raise failure(self.name, f"it has no column {missing[0]!r}, but {has}")
        return table

    def _require_index(self, table: TableMetadata) -> None:
        column = table.columns.get(self._cursor)
        indexes = getattr(table, "indexes", {}).values()
        found = {
            _unquoted(index.index_options.get("target", ""))
            for index in indexes
            if str(index.index_options.get("class_name", ""))
            .lower()
            .endswith(("sai", "storageattachedindex"))
        }
        if column is None or column.cql_type != "timestamp" or self._cursor not in found:
            raise failure(
                self.name,
                f"the cursor {self._cursor!r} is no column of type timestamp with an index: make "
                f"one (CREATE INDEX ON {self._keyspace}.{self._table} ({self._cursor}) USING "
                "'sai'), or leave the cursor out, which reads the whole table each time",
            )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def _plain(value: Any) -> Any:  # noqa: ANN401 - of any type
    """Cassandra's dates, sets, maps and types of one's own as Python has them."""
    if type(value).__module__ == "cassandra.util":
        from cassandra import util  # noqa: PLC0415 - as above

        if isinstance(value, util.SortedSet):
            return list(value)
        if isinstance(value, util.Date | util.Time | util.Duration):
            return str(value)
        return dict(value.items()) if isinstance(value, Mapping) else value
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return value._asdict()
    return value
