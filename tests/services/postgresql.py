"""A real PostgreSQL on a free port of loopback, which can be killed and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from uuid import uuid4

import psycopg
import pytest

from tools.ports import free_port

_PROGRAMS = Path("/usr/lib/postgresql/15/bin")
_PLUGIN = Path("/usr/lib/postgresql/15/lib/wal2json.so")


@dataclass(frozen=True)
class PostgreSQL:
    """A server.

    Attributes:
        folder: Its own.
        port: Of loopback.
    """

    folder: Path
    port: int

    def url(self, database: str = "postgres") -> str:
        """The address of a database of its."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def run(self, program: str, *arguments: str) -> None:
        """A program of PostgreSQL's on its data."""
        as_owner = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        subprocess.run(  # noqa: S603 - our own
            [*as_owner, str(_PROGRAMS / program), "-D", str(self.folder / "data"), *arguments],
            check=True,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
        )

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
            " -F -c wal_level=logical"
        )
        self.run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def kill(self) -> None:
        """Have it end at once, as a crash would."""
        self.run("pg_ctl", "-m", "immediate", "stop")


@contextmanager
def started() -> Iterator[PostgreSQL]:
    """A server of one's own, gone afterwards."""
    # Not below pytest's folders, which other users may not enter.
    folder = Path(mkdtemp(prefix="tests-postgresql-"))
    if os.geteuid() == 0:
        owner = pwd.getpwnam("postgres")
        os.chown(folder, owner.pw_uid, owner.pw_gid)
    server = PostgreSQL(folder, free_port())
    server.run("initdb", "--auth=trust", "--no-sync", "--username=postgres")
    server.start()
    try:
        with psycopg.connect(server.url(), autocommit=True) as session:
            # Newer servers load only the plugins that are named.
            name = "output_plugin_libraries"
            if session.execute("SELECT 1 FROM pg_settings WHERE name = %s", (name,)).fetchone():
                session.execute("ALTER SYSTEM SET output_plugin_libraries = wal2json")
                session.execute("SELECT pg_reload_conf()")
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    """Start a server of one's own."""
    if not (_PROGRAMS / "initdb").exists():
        pytest.skip("no PostgreSQL 15 here, a server of the system: make services")
    with started() as server:
        yield server


@pytest.fixture
def shop(postgresql_server: PostgreSQL) -> Iterator[str]:
    """Make a database, and give its address."""
    name = f"shop_{uuid4().hex[:8]}"
    with psycopg.connect(postgresql_server.url(), autocommit=True) as session:
        session.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
    yield postgresql_server.url(name)
    with psycopg.connect(postgresql_server.url(), autocommit=True) as session:
        session.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots "
            "WHERE database = %s AND NOT temporary",
            (name,),
        )
        session.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


@pytest.fixture
def logged_shop(shop: str) -> str:
    """The same, where wal2json is there."""
    if not _PLUGIN.exists():
        pytest.skip("no wal2json here, of Debian's postgresql-15-wal2json: make services")
    return shop
