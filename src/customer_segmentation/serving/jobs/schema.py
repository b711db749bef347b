"""The table of jobs in SQLite or PostgreSQL. All times are of the database's clock."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import suppress
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
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.sql.functions import FunctionElement

LONGEST_IDEMPOTENCY_KEY = 255
_BUSY_SECONDS = 20.0
_OWNERS_FOLDER, _OWNERS_FILE = 0o700, 0o600
# The key of the lock under which a process creates the table.
_MAKING = 7_315_201

JOBS = Table(
    "jobs",
    MetaData(),
    Column("id", String(32), primary_key=True),
    Column("owner", String(64), nullable=False),
    Column("idempotency_key", String(LONGEST_IDEMPOTENCY_KEY)),
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
    # The current attempt, whose results are the job's once it is done.
    Column("attempt", String(32)),
    Column("attempts", Integer, nullable=False),
    Column("lease_until", Float),
    # Bytes of its files, as last reported.
    Column("kept_bytes", BigInteger, nullable=False, server_default="0"),
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
    """Create the table if needed; safe for concurrent processes."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(_MAKING)))
        connection.execute(CreateTable(JOBS, if_not_exists=True))
        for index in JOBS.indexes:
            connection.execute(CreateIndex(index, if_not_exists=True))
        # Added to tables of an older version.
        if all(each["name"] != "kept_bytes" for each in inspect(connection).get_columns("jobs")):
            added = "ALTER TABLE jobs ADD COLUMN kept_bytes BIGINT NOT NULL DEFAULT 0"
            connection.execute(text(added))


def engine_of(url: str) -> Engine:
    """An engine for SQLite, whose file only its owner can read, or for another database.

    Args:
        url: SQLAlchemy's.
    """
    if make_url(url).get_backend_name() != "sqlite":
        return create_engine(url, pool_pre_ping=True, pool_size=2)
    _make_file(Path(make_url(url).database or ""))
    settings = {"timeout": _BUSY_SECONDS}
    engine = create_engine(url, connect_args=settings, json_deserializer=_decoded)

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _: object) -> None:
        # The driver would begin transactions itself, without waiting for later locks.
        connection.isolation_level = None
        # Damaged text must only cost its own row.
        connection.text_factory = lambda raw: raw.decode(errors="replace")
        for setting in ("journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {setting}").close()

    @event.listens_for(engine, "begin")
    def begun(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        connection.execute(text("BEGIN IMMEDIATE"))

    return engine


def make_folder(path: Path) -> None:
    """Create a folder for its owner alone; an existing one keeps its mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=_OWNERS_FOLDER, exist_ok=True)


def _make_file(path: Path) -> None:
    """Create a file for its owner alone; SQLite gives its journals the same mode."""
    make_folder(path.parent)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, _OWNERS_FILE))
    # A file of an older version, which may belong to another user.
    with suppress(PermissionError):
        path.chmod(_OWNERS_FILE)


def _decoded(text: str) -> object:
    """Decoded JSON; None if damaged, which no valid job has."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError, TypeError):
        return None
