"""Ways to a database: ADBC, which streams Arrow, and SQLAlchemy, which knows most databases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Protocol, Self

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import (
    ColumnElement,
    Connection,
    NullPool,
    Select,
    create_engine,
    false,
    literal,
    literal_column,
)
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.exc import SQLAlchemyError

from customer_segmentation.errors import UserError
from customer_segmentation.sources.readers.databases.asked import Asked
from customer_segmentation.sources.readers.databases.urls import Address
from customer_segmentation.sources.typed import as_text, can_be_text

_POSTGRESQL = "adbc_driver_postgresql"
# PostgreSQL's name of each type that ADBC gives as Arrow has it, and its text as this project
# writes it. Others PostgreSQL itself writes: ADBC gives money as whole cents, say.
_PLAIN = {
    *("int2", "int4", "int8", "float4", "float8", "numeric", "bool", "date"),
    *("timestamp", "timestamptz", "text", "varchar", "bpchar", "name"),
}
# What ADBC makes of PostgreSQL's infinity and -infinity, which it moves to another epoch.
_ENDLESS = {
    pa.int64(): (-9_222_425_352_054_775_809, -9_222_425_352_054_775_808),
    pa.int32(): (-2_147_472_692, -2_147_472_691),
}
_BATCH_ROWS = 10_000
# PostgreSQL's driver sends batches of this size.
_BATCH_BYTES = 4 << 20


class Way(Protocol):
    """An open connection, which reads in one transaction.

    Attributes:
        has_times: Whether times come as times, so that a text is none.
    """

    has_times: bool

    def literal(self, value: Any) -> ColumnElement[Any]:  # noqa: ANN401 - as the cursor has it
        """A value in SQL: a whole number, a time or a text."""

    def kinds(self, asked: Asked) -> Mapping[str, bool]:
        """The columns -> whether the database itself must write them as text."""

    def batches(self, rows: Select[Any]) -> Iterator[pa.RecordBatch]:
        """The rows, as typed as they come, in batches of bounded size."""


@contextmanager
def connect(address: Address, driver: str = "", snapshot: str = "") -> Iterator[Way]:
    """A connection, closed afterwards.

    Args:
        address: Of the database.
        driver: The module or library of an ADBC driver; PostgreSQL needs none named, and what has
            none goes through SQLAlchemy.
        snapshot: To read PostgreSQL's data as it was at an exported snapshot.

    Raises:
        UserError: The database does not answer, refuses what is asked, or goes away meanwhile.
    """
    import adbc_driver_manager  # noqa: PLC0415 - only where a database is a source

    try:
        if driver or address.is_postgresql:
            with _Adbc(address, driver or _POSTGRESQL) as way:
                if snapshot:
                    way.join(snapshot)
                yield way
        else:
            with create_engine(address.url, poolclass=NullPool).connect() as connection:
                yield _SqlAlchemy(connection)
    except (adbc_driver_manager.Error, SQLAlchemyError, pa.ArrowException, OSError) as error:
        raise UserError(
            f"{address.shown}: {address.redacted(error)}. What was landed stays: "
            "mend it, and run again"
        ) from None
    except ImportError as error:
        raise UserError(f"{address.shown}: {error}: install the driver of that database") from error


class _Adbc:
    """A connection through ADBC, without parameters: PostgreSQL streams only such queries."""

    def __init__(self, address: Address, driver: str) -> None:
        self.has_times = driver == _POSTGRESQL
        self._is_postgresql = driver == _POSTGRESQL
        self._driver, self._address = driver, address
        # With named parameters a % in a name stays one.
        self._dialect = PGDialect(paramstyle="named")  # type: ignore[no-untyped-call]

    def __enter__(self) -> Self:
        from adbc_driver_manager import dbapi  # noqa: PLC0415 - only where a database is a source

        if self._is_postgresql:
            import adbc_driver_postgresql.dbapi as postgresql  # type: ignore[import-untyped]  # noqa: PLC0415 - as above

            self._connection = postgresql.connect(self._address.libpq)
        else:
            uri = self._address.url.render_as_string(hide_password=False)
            self._connection = dbapi.connect(driver=self._driver, db_kwargs={"uri": uri})
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def join(self, snapshot: str) -> None:
        """Read as PostgreSQL's data was at an exported snapshot."""
        with self._connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute(f"SET TRANSACTION SNAPSHOT {_quoted(snapshot)}")

    def literal(self, value: Any) -> ColumnElement[Any]:  # noqa: ANN401 - of the cursor
        written = value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
        return literal_column(written if isinstance(value, int) else _quoted(written))

    def kinds(self, asked: Asked) -> Mapping[str, bool]:
        with self._connection.cursor() as cursor:
            schema = cursor.adbc_execute_schema(self._sql(asked.everything()))
        return {field.name: self._must_write(field) for field in schema}

    def batches(self, rows: Select[Any]) -> Iterator[pa.RecordBatch]:
        with self._connection.cursor() as cursor:
            if self._is_postgresql:
                option = {"adbc.postgresql.batch_size_hint_bytes": str(_BATCH_BYTES)}
                cursor.adbc_statement.set_options(**option)
            cursor.execute(self._sql(rows))
            for batch in cursor.fetch_record_batch():
                yield pa.RecordBatch.from_arrays(
                    list(map(_plain, batch.columns)), batch.schema.names
                )

    def _sql(self, rows: Select[Any]) -> str:
        return str(rows.compile(dialect=self._dialect))

    def _must_write(self, field: pa.Field) -> bool:
        told = (field.metadata or {}).get(b"POSTGRESQL:type", b"").decode()
        return told not in _PLAIN if self._is_postgresql else not can_be_text(field.type)


def _plain(column: pa.Array) -> pa.Array:
    """PostgreSQL's numeric, exact to any size, as text; and its infinite times, which are none."""
    kind = column.type
    if isinstance(column, pa.ExtensionArray):
        return pc.replace_substring_regex(column.storage.cast(pa.string()), r"\.0+$", "")
    if pa.types.is_timestamp(kind) or pa.types.is_date32(kind):
        numbers = column.view(pa.int64() if pa.types.is_timestamp(kind) else pa.int32())
        endless = _ENDLESS[numbers.type]
        if pc.any(pc.is_in(numbers, pa.array(endless, numbers.type))).as_py():
            times = as_text(
                pc.if_else(pc.is_in(numbers, pa.array(endless, numbers.type)), None, column)
            )
            for number, text in zip(endless, ("infinity", "-infinity"), strict=True):
                times = pc.if_else(pc.fill_null(pc.equal(numbers, number), False), text, times)  # noqa: FBT003 - the value
            return times
    return column


class _SqlAlchemy:
    """A connection through SQLAlchemy, of any database that it has a driver for."""

    has_times = False

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def literal(self, value: Any) -> ColumnElement[Any]:  # noqa: ANN401 - of the cursor
        return literal(value)

    def kinds(self, asked: Asked) -> Mapping[str, bool]:
        return dict.fromkeys(
            self._connection.execute(asked.everything().where(false())).keys(), False
        )

    def batches(self, rows: Select[Any]) -> Iterator[pa.RecordBatch]:
        found = self._connection.execution_options(yield_per=_BATCH_ROWS).execute(rows)
        names = list(found.keys())
        for partition in found.partitions():
            columns = zip(*partition, strict=True)
            yield pa.RecordBatch.from_arrays(list(map(_array, columns)), names)


def _array(values: tuple[Any, ...]) -> pa.Array:
    """Python's values in Arrow, each by itself: as text where they are of several kinds."""
    kinds = {type(value) for value in values} - {type(None)}
    if str in kinds and any("\0" in value for value in values if isinstance(value, str)):
        raise UserError("a text of the database holds a NUL, which no file may: mend it there")
    if kinds == {Decimal} and all(map(_is_whole, values)):
        # As text they would not sort as a cursor must.
        values = tuple(None if value is None else int(value) for value in values)
        kinds = {int}
    if kinds <= {int} or kinds in ({float}, {bool}, {str}, {date}, {datetime}):
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, OverflowError):
            # Whole numbers beyond 64 bits.
            return pa.array(list(map(_text, values)), pa.string())
    return pa.array(list(map(_text, values)), pa.string())


def _is_whole(value: Decimal | None) -> bool:
    return value is None or (value.is_finite() and value == value.to_integral_value())


def _text(value: Any) -> str | None:  # noqa: ANN401 - any driver's
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, Decimal):
        written = f"{value:f}"
        return (
            written.rstrip("0").rstrip(".") if set(written.partition(".")[2]) == {"0"} else written
        )
    if type(value) is int:
        # Of any size.
        return str(value)
    if isinstance(value, bool | float | date | datetime):
        return str(as_text(pa.array([value]))[0])
    return value.isoformat() if isinstance(value, time) else str(value)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
