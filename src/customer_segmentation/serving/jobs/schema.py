"""The table of jobs in SQLite or PostgreSQL, by whose own clock all times are."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Engine,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    create_engine,
    event,
    func,
    make_url,
    select,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.functions import FunctionElement

_BUSY_SECONDS = 20.0
# Any number, the same in all processes: one at a time makes the table.
_MAKING = 7_315_201

JOBS = Table(
    "jobs",
    MetaData(),
    Column("id", String(32), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("idempotency_key", String(255)),
    Column("sha256", String(64), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("parameters", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("ended_at", Float),
    Column("rows", BigInteger),
    Column("rows_done", BigInteger, nullable=False),
    Column("rows_rejected", BigInteger, nullable=False),
    Column("artifact_version", String(64)),
    Column("message", Text),
    # The one who works on it, and whose results are the job's once it is done.
    Column("attempt", String(32)),
    Column("attempts", Integer, nullable=False),
    Column("lease_until", Float),
    UniqueConstraint("owner", "idempotency_key"),
    Index("jobs_by_state", "state", "created_at"),
)


class DatabaseTime(FunctionElement[float]):
    """Seconds since 1970 by the database's clock."""

    type = Float()
    inherit_cache = True


@compiles(DatabaseTime, "sqlite")
def _sqlite_time(*_: object, **__: object) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(DatabaseTime, "postgresql")
def _postgresql_time(*_: object, **__: object) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


def make_table(engine: Engine) -> None:
    """Have the database hold the table; many processes may ask at once."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_MAKING)))
        connection.execute(CreateTable(JOBS, if_not_exists=True))
        for index in JOBS.indexes:
            connection.execute(CreateIndex(index, if_not_exists=True))


def engine_of(url: str) -> Engine:
    """Connections to SQLite, whose file is made, or to another database.

    Args:
        url: As SQLAlchemy writes it.
    """
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, pool_size=2)
    Path(make_url(url).database or "").parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _: object) -> None:
        # The driver would begin by itself, and wait for no lock that it takes later.
        connection.isolation_level = None
        for setting in ("journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {setting}").close()

    @event.listens_for(engine, "begin")
    def begun(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        connection.execute(text("BEGIN IMMEDIATE"))

    return engine
