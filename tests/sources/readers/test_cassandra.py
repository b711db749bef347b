"""Tables of a real Cassandra: whole, by token ranges and pages, or what an index finds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.dataset import ArrivingSource
from customer_segmentation.sources.arrivals.parts import Arrival, Parts, Position, land_arrivals
from customer_segmentation.sources.readers import cassandra
from customer_segmentation.sources.readers.cassandra import CassandraReader
from tests.services.cassandra.server import PASSWORD, USER, CassandraServer
from tests.sources.readers.sample import (
    canonical,
    nested_schema,
    sample_canonical,
    sample_documents,
)
from tools.ports import free_port

CUSTOMERS = 500
_NUMBERS = count()


@pytest.fixture
def table(cassandra_server: CassandraServer) -> Iterator[str]:
    """The name of a table that is not there yet."""
    cassandra_server.keyspace("shop")
    return f"customers{next(_NUMBERS)}"


@pytest.fixture
def run(cassandra_server: CassandraServer) -> Any:
    return cassandra_server.session.execute


@pytest.fixture
def options(cassandra_server: CassandraServer, table: str) -> dict[str, Any]:
    return {
        "hosts": "127.0.0.1",
        "port": cassandra_server.port,
        "user": USER,
        "password": PASSWORD,
        "keyspace": "shop",
        "table": table,
    }


def read(options: dict[str, Any], since: Position | None = None) -> list[Arrival]:
    return list(CassandraReader(**options).read(since))


def ids(arrivals: list[Arrival]) -> list[str]:
    return sorted(cell for arrival in arrivals for cell in arrival.rows["id"].to_pylist())


def test_the_samples_customers_come_out_as_those_of_the_file(
    cassandra_server: CassandraServer,
    table: str,
    options: dict[str, Any],
    tmp_path: Path,
    customers_block: dict[str, Any],
) -> None:
    documents = sample_documents(CUSTOMERS)
    session = cassandra_server.session
    session.execute('CREATE TYPE IF NOT EXISTS shop.means ("Income" int)')
    kinds = {int: "int", str: "text", dict: "map<text, int>"}
    columns = ", ".join(
        f'"{name}" {kinds.get(type(value), "timestamp")}'
        for name, value in documents[0].items()
        if name != "means"
    )
    session.execute(f'CREATE TABLE shop.{table} ({columns}, means shop.means, PRIMARY KEY ("ID"))')
    names = ", ".join(f'"{name}"' for name in documents[0])
    marks = ", ".join("?" * len(documents[0]))
    insert = session.prepare(f"INSERT INTO shop.{table} ({names}) VALUES ({marks})")  # noqa: S608
    waiting = [
        session.execute_async(
            insert,
            [(v["Income"],) if n == "means" else v for n, v in document.items()],
        )
        for document in documents
    ]
    for each in waiting:
        each.result()
    schema = nested_schema(customers_block)
    parts = str(tmp_path / "parts")
    source = ArrivingSource(
        reader={"type": "cassandra.CassandraReader", **options},
        parts=parts,
        landing=str(tmp_path / "landed.parquet"),
        key="ID",
        engine="pandas",
    )

    assert canonical(source.load(), schema).equals(sample_canonical(tmp_path, schema, CUSTOMERS))
    source.load()
    assert len(Parts(parts).all()) == 1
    session.execute(f'DELETE FROM shop.{table} WHERE "ID" = 9365')  # noqa: S608
    assert "9365" not in source.load()["ID"].to_list()


def test_types_of_cassandra_are_cells(run: Any, table: str, options: dict[str, Any]) -> None:
    run("CREATE TYPE IF NOT EXISTS shop.address (city text, zip int)")
    run(
        f'CREATE TABLE shop.{table} (id bigint PRIMARY KEY, "Name" text, a frozen<address>, '
        "m map<text, int>, s set<text>, l list<frozen<address>>, d date, t time, u uuid, "
        "b boolean, n decimal, at timestamp, bytes blob)"
    )
    run(
        f'INSERT INTO shop.{table} (id, "Name", a, m, s, l, d, t, u, b, n, at, bytes) VALUES (1, '  # noqa: S608
        "'Ann', {city: 'Bonn', zip: 5}, {'x': 1, 'y.z': 2}, {'q', 'p'}, [{city: 'Ulm', zip: 7}], "
        "'2013-02-03', '10:11:12', 9b2e5f8e-0000-1000-8000-000000000001, true, 12.50, "
        "'2013-02-03 04:05:06+0000', 0x0102)"
    )
    (arrival,) = read(options | {"as_json": ["s", "l"]})

    assert {name: cells[0] for name, cells in arrival.rows.to_pydict().items()} == {
        "id": "1",
        "Name": "Ann",
        "a.city": "Bonn",
        "a.zip": "5",
        "m.x": "1",
        r"m.y\.z": "2",
        "s": '["p","q"]',
        "l": '[{"city":"Ulm","zip":7}]',
        "d": "2013-02-03",
        "t": "10:11:12.000000000",
        "u": "9b2e5f8e-0000-1000-8000-000000000001",
        "b": "1",
        "n": "12.50",
        "at": "2013-02-03 04:05:06",
        "bytes": "AQI=",
    }
    (chosen,) = read(options | {"columns": ["Name", "a.city", "l[0].zip", r"m.y\.z"]})
    assert chosen.rows.to_pydict() == {
        "Name": ["Ann"],
        "a.city": ["Bonn"],
        "l[0].zip": ["7"],
        r"m.y\.z": ["2"],
    }
    with pytest.raises(UserError, match="document id=1: 'l' holds a list"):
        read(options)


@pytest.fixture
def dated(run: Any, table: str) -> None:
    run(f"CREATE TABLE shop.{table} (id int, part int, at timestamp, PRIMARY KEY (part, id))")
    run(f"CREATE INDEX ON shop.{table} (at) USING 'sai'")
    until = time.monotonic() + 20
    built = f"SELECT is_queryable FROM system_views.sai_column_indexes WHERE table_name = '{table}' ALLOW FILTERING"  # noqa: S608, E501
    while time.monotonic() < until and not all(row[0] for row in run(built)):
        time.sleep(0.1)


@pytest.mark.usefixtures("dated")
def test_with_a_cursor_only_what_was_written_since_is_read(
    run: Any, table: str, options: dict[str, Any]
) -> None:
    def put(number: int, at: str) -> None:
        run(f"INSERT INTO shop.{table} (id, part, at) VALUES ({number}, {number % 3}, {at})")  # noqa: S608

    options |= {"cursor": "at", "columns": ["id"], "settle_seconds": 0}
    for number in range(5):
        put(number, "'2020-01-01'")
    put(5, "null")
    first = read(options)
    assert (ids(first), first[-1].is_whole) == (["0", "1", "2", "3", "4", "5"], True)
    position = first[-1].position
    assert read(options, position) == []

    put(6, "toTimestamp(now())")
    put(2, "toTimestamp(now())")
    assert read(options | {"settle_seconds": 600}, position) == []
    time.sleep(0.01)
    second = read(options, position)

    assert (ids(second), second[-1].is_whole) == (["2", "6"], False)
    assert read(options, second[-1].position) == []


@pytest.mark.usefixtures("dated")
def test_reads_that_are_broken_off_lose_and_double_nothing(
    run: Any,
    table: str,
    options: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run(f"INSERT INTO shop.{table} (id, part, at) VALUES (-1, 0, '2020-01-01')")  # noqa: S608
    monkeypatch.setattr(cassandra, "_PAGE", 7)
    monkeypatch.setattr("customer_segmentation.sources.readers.documents.MAX_ROWS", 10)
    reader = CassandraReader(**options, cursor="at", columns=["id"], settle_seconds=0, ranges=3)
    parts = Parts(str(tmp_path))
    land_arrivals(reader, parts)
    for number in range(95):
        run(
            f"INSERT INTO shop.{table} (id, part, at) "  # noqa: S608
            f"VALUES ({number}, {number // 5}, toTimestamp(now()))"
        )
    time.sleep(0.01)
    broken = reader.read(parts.position())
    for _ in range(4):
        parts.append(reader.name, next(broken))
    broken.close()

    land_arrivals(reader, parts)

    rows = [cell for part in parts.complete() for cell in parts.rows(part)["id"].to_pylist()]
    # Rows of the partition at which it broke off are read again: the key tells them apart.
    assert {*map(int, rows)} == {*range(-1, 95)}
    assert len(rows) <= 96 + 5
    assert land_arrivals(reader, parts) == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"password": "geheim"}, "the server refuses this user"),
        ({"keyspace": "store"}, "there is no keyspace 'store'"),
        ({"table": "nothing"}, "the keyspace has no table 'nothing'"),
        ({"columns": ["id", "street.name"]}, "it has no column 'street', but part, id, at"),
        ({"deleted": "gone"}, "it has no column 'gone', but part, id, at"),
        ({"cursor": "id"}, "the cursor 'id' is no column of type timestamp with an index"),
        ({"consistency": "MOST"}, "consistency: there is no 'MOST'"),
        ({"tls": "nothing.pem"}, "tls: nothing.pem is no file of certificates"),
    ],
)
@pytest.mark.usefixtures("dated")
def test_what_is_wrong_is_told_in_one_message(
    options: dict[str, Any], wrong: dict[str, Any], told: str
) -> None:
    with pytest.raises(UserError) as refused:
        read(options | wrong)

    assert told in refused.value.message
    assert "geheim" not in refused.value.message


def test_a_server_that_is_not_there_is_told() -> None:
    port = free_port()
    options = {"hosts": ["127.0.0.1"], "port": port, "keyspace": "shop", "table": "customers"}

    with pytest.raises(UserError, match=f"no node of 127.0.0.1 answers on port {port}"):
        read(options)


def test_a_host_of_no_address_is_told() -> None:
    options = {"hosts": "no.such.invalid", "keyspace": "shop", "table": "customers"}

    with pytest.raises(UserError, match=r"no node of no.such.invalid answers"):
        read(options)


def test_no_ranges_are_refused() -> None:
    with pytest.raises(UserError, match="ranges: 0 are none"):
        CassandraReader(hosts="127.0.0.1", keyspace="shop", table="customers", ranges=0)


def test_token_ranges_meet_and_cover_all_tokens() -> None:
    reader = CassandraReader(hosts="127.0.0.1", keyspace="shop", table="customers", ranges=7)
    ranges = list(reader._token_ranges(-(1 << 63)))

    assert ranges[0][0] == -(1 << 63)
    assert ranges[-1][1] == (1 << 63) - 1
    assert all(one[1] == following[0] for one, following in pairwise(ranges))
    assert next(iter(reader._token_ranges(5)))[0] == 5
