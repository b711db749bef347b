"""The server or the reader ends in the middle of a reading: nothing is lost, nothing is doubled."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import Parts, Reader, land_arrivals
from customer_segmentation.sources.readers.databases import (
    DatabaseReader,
    PostgresChangesReader,
    changes,
    pieces,
)
from tests.services.postgresql import PostgreSQL
from tests.sources.readers.tables import execute, standing

KILLS = int(os.environ.get("SEGMENTATION_KILLS", "20"))
TABLE = """
    CREATE TABLE customers (
        id int PRIMARY KEY, version int NOT NULL, filling text, changed timestamptz NOT NULL
    );
    INSERT INTO customers
    SELECT g, 0, repeat('x', 100), now() + g * interval '1 ms' FROM generate_series(1, {}) g
"""
# A process that lands what there is, again and again.
LANDING = """
import sys, time
from pathlib import Path
from tests.sources.readers.test_kills import reader_of
from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import Parts, land_arrivals
kind, url, place = sys.argv[1:]
while True:
    try:
        land_arrivals(reader_of(kind, url), Parts(place))
    except UserError as error:
        print(error.message, flush=True)
    time.sleep(0.05)
"""
KINDS = ["cursor", "log"]


def reader_of(kind: str, url: str) -> Reader:
    columns = ["id", "version", "filling"]
    if kind == "log":
        return PostgresChangesReader(
            url=url, table="customers", slot=f"s_{url[-8:]}", key="id", columns=columns
        )
    return DatabaseReader(
        url=url, table="customers", mode="incremental", cursor="changed", key="id", columns=columns
    )


def all_landed(parts: Parts) -> list[tuple[Any, ...]]:
    """Every row of every part that stands, with its version."""
    tables = [parts.rows(part, ["id", "version"]) for part in parts.complete()]
    return [(row["id"], row["version"]) for row in pa.concat_tables(tables).to_pylist()]


def now_in(url: str) -> list[tuple[str, str]]:
    return sorted(execute(url, "SELECT id::text, version::text FROM customers"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_ends_in_the_middle_leaves_what_is_landed_and_is_read_on(
    logged_shop: str,
    postgresql_server: PostgreSQL,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    for module in (pieces, changes):
        monkeypatch.setattr(module, "MAX_ROWS", 5_000)
    execute(logged_shop, TABLE.format(10 if kind == "log" else 200_000))
    parts, reader = Parts(str(tmp_path)), reader_of(kind, logged_shop)
    if kind == "log":
        land_arrivals(reader, parts)
        execute(
            logged_shop,
            "INSERT INTO customers SELECT g, 0, repeat('x', 100), now() "
            "FROM generate_series(11, 40000) g",
        )
    arrivals = reader.read(parts.position())
    parts.append(reader.name, next(arrivals))
    postgresql_server.kill()
    try:
        with pytest.raises(UserError, match="What was landed stays: mend it"):  # noqa: PT012 - any of them
            for arrival in arrivals:
                parts.append(reader.name, arrival)
        with pytest.raises(UserError, match="onnection"):
            next(reader.read(parts.position()))
    finally:
        postgresql_server.start()
    assert len(all_landed(parts)) < len(now_in(logged_shop))
    land_arrivals(reader, parts)
    assert sorted(all_landed(parts)) == now_in(logged_shop)
    assert land_arrivals(reader, parts) == []


@contextmanager
def writing(url: str) -> Iterator[None]:
    """Customers are added and changed all the time, in transactions of several sizes."""
    done = threading.Event()

    def write() -> None:
        chance, last = random.Random(7), 1_000_000  # noqa: S311 - no secret
        while not done.is_set():
            with suppress(psycopg.Error), psycopg.connect(url, connect_timeout=2) as session:
                while not done.is_set():
                    last += 100
                    session.execute(
                        "INSERT INTO customers SELECT g, 0, 'new', clock_timestamp() "
                        "FROM generate_series(%s::int, %s::int) g",
                        (last, last + 99),
                    )
                    session.execute(
                        "UPDATE customers SET version = version + 1, changed = clock_timestamp() "
                        "WHERE id %% 997 = %s",
                        (chance.randrange(997),),
                    )
                    if chance.random() < 0.8:
                        session.commit()
                    else:
                        session.rollback()
                    time.sleep(chance.random() / 50)
            time.sleep(0.1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        done.set()
        writer.join()


@pytest.mark.faults
@pytest.mark.parametrize("kind", KINDS)
def test_kills_of_the_server_and_of_the_reader_at_any_moment_lose_and_double_nothing(
    logged_shop: str, postgresql_server: PostgreSQL, tmp_path: Path, kind: str
) -> None:
    execute(logged_shop, TABLE.format(200_000))
    chance = random.Random(11)  # noqa: S311 - no secret
    place = tmp_path / "parts"
    with writing(logged_shop):
        for _ in range(KILLS):
            reader = subprocess.Popen(  # noqa: S603 - our own
                [sys.executable, "-c", LANDING, kind, logged_shop, str(place)],
                stdout=subprocess.DEVNULL,
            )
            time.sleep(1 + 2 * chance.random())
            if is_server := chance.random() < 0.5:
                postgresql_server.kill()
                time.sleep(chance.random())
            reader.kill()
            reader.wait()
            if is_server:
                postgresql_server.start()
    parts, last = Parts(str(place)), reader_of(kind, logged_shop)
    while land_arrivals(last, parts):
        pass
    found = [row[:2] for row in standing(parts, ["id"])]
    assert sorted(found) == now_in(logged_shop)
    every = all_landed(parts)
    assert len(every) == len({*every})
