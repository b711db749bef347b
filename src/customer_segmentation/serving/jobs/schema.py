"""The table of jobs in SQLite or PostgreSQL. All times are of the database's clock."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from customer_segmentation.serving.idempotency import LONGEST_IDEMPOTENCY_KEY

_BUSY_SECONDS = 20.0
_TURN_SECONDS = 0.01
_OWNERS_FOLDER, _OWNERS_FILE = 0o700, 0o600
# The key of the lock under which a process creates the table.
_MAKING = 7_315_201

JOBS = sa.Table(
    "jobs",
    sa.MetaData(),
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("owner", sa.String(64), nullable=False),
    sa.Column("idempotency_key", sa.String(LONGEST_IDEMPOTENCY_KEY)),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("parameters", sa.JSON, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, default="queued"),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float),
    sa.Column("ended_at", sa.Float),
    sa.Column("rows", sa.BigInteger),
    sa.Column("rows_done", sa.BigInteger, nullable=False, default=0),
    sa.Column("rows_rejected", sa.BigInteger, nullable=False, default=0),
    sa.Column("artifact_version", sa.String(64)),
    sa.Column("message", sa.Text),
    # The current attempt, whose results are the job's once it is done.
    sa.Column("attempt", sa.String(32)),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("lease_until", sa.Float),
    # Bytes of its files, as last reported.
    sa.Column("kept_bytes", sa.BigInteger, nullable=False, server_default="0"),
    sa.UniqueConstraint("owner", "idempotency_key"),
    sa.Index("jobs_by_state", "state", "created_at"),
)


class DatabaseTime(FunctionElement[float]):
    """Seconds since 1970 by the database's clock."""

    type = sa.Float()
    inherit_cache = True


@compiles(DatabaseTime, "sqlite")
def _sqlite_time(*_: object, **__: object) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(DatabaseTime, "postgresql")
def _postgresql_time(*_: object, **__: object) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"


def make_table(engine: sa.Engine) -> None:
    """Create the table if needed; safe for concurrent processes."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MAKING)))
        JOBS.metadata.create_all(connection)
        # Added to tables of an older version.
        if all(each["name"] != "kept_bytes" for each in sa.inspect(connection).get_columns("jobs")):
            added = "ALTER TABLE jobs ADD COLUMN kept_bytes BIGINT NOT NULL DEFAULT 0"
            connection.execute(sa.text(added))


def engine_of(url: str) -> sa.Engine:
    """An engine for SQLite, whose file only its owner can read, or for another database.

    Args:
        url: SQLAlchemy's.
    """
    if sa.make_url(url).get_backend_name() != "sqlite":
        return sa.create_engine(url, pool_pre_ping=True, pool_size=2)
    _make_file(Path(sa.make_url(url).database or ""))
    settings = {"timeout": _BUSY_SECONDS}
    engine = sa.create_engine(url, connect_args=settings, json_deserializer=_decoded)

    @sa.event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _: object) -> None:
        # The driver would begin transactions itself, without waiting for later locks.
        connection.isolation_level = None
        # Damaged text must only cost its own row.
        connection.text_factory = lambda raw: raw.decode(errors="replace")
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = FULL").close()

    @sa.event.listens_for(engine, "begin")
    def begun(connection: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        connection.execute(sa.text("BEGIN IMMEDIATE"))

    return engine


def _use_wal(connection: sqlite3.Connection) -> None:
    """Set the journal of a file; of several processes that open a new one, each gets its turn.

    SQLite does not wait for its lock here: two that both read the new file would wait for ever.
    """
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(_TURN_SECONDS)
        else:
            return


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
