"""Tables of databases, read whole or by what changed, each against a real server or file."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import (
    Arrival,
    Parts,
    land_arrivals,
    text_table,
)
from customer_segmentation.sources.readers.databases import (
    DatabaseReader,
    PostgresChangesReader,
    drivers,
)
from tests.sources.readers.tables import execute, standing

CUSTOMERS = """
    CREATE TABLE customers (id bigint PRIMARY KEY, name text, changed timestamptz, gone boolean);
    INSERT INTO customers VALUES
    (1, 'Ada', '2024-01-01 10:00:00.000001+00', false), (2, NULL, '2024-01-01 11:00+00', NULL)
"""
BY_CHANGE: dict[str, Any] = {
    "table": "customers",
    "mode": "incremental",
    "cursor": "changed",
    "key": "id",
    "columns": ["id", "name"],
}


def test_types_are_kept_to_the_last_digit(shop: str) -> None:
    execute(
        shop,
        """
        CREATE TYPE mood AS ENUM ('calm');
        CREATE TABLE typed (
            big bigint, exact numeric, money_ money, whole numeric(12, 2), small real, wide float8,
            flag boolean, day date, local timestamp, moment timestamptz, id uuid, mood mood,
            document jsonb, padded char(3), bytes bytea, hour time, list int[], nothing text
        );
        INSERT INTO typed VALUES (
            9223372036854775807, 123456789012345678901234567890.123456789, 12.5, 58138.00, 0.1, 0.1,
            true, '2012-09-24', '2012-09-24 10:00:00.123456', '2012-09-24 10:00:00.5+02',
            '0b7e1a5c-58a9-4e0e-a9a0-0123456789ab', 'calm', '{"a": 1}', 'ab', '\\xdead', '10:30',
            '{1,2}', NULL
        )
        """,
    )
    reader = DatabaseReader(url=shop, table="typed")
    (arrival,) = reader.read(None)
    assert arrival.rows.to_pylist() == [
        {
            "big": "9223372036854775807",
            "exact": "123456789012345678901234567890.123456789",
            "money_": "$12.50",
            "whole": "58138",
            "small": "0.1",
            "wide": "0.1",
            "flag": "1",
            "day": "2012-09-24",
            "local": "2012-09-24 10:00:00.123456",
            "moment": "2012-09-24 08:00:00.500000Z",
            "id": "0b7e1a5c-58a9-4e0e-a9a0-0123456789ab",
            "mood": "calm",
            "document": '{"a": 1}',
            "padded": "ab ",
            "bytes": "\\xdead",
            "hour": "10:30:00",
            "list": "{1,2}",
            "nothing": "",
        }
    ]


def test_infinite_times_are_told_as_such(shop: str) -> None:
    query = """
        SELECT t::timestamp AS local, t::timestamptz AS moment, t::date AS day
        FROM unnest('{infinity,2024-01-01,-infinity,NULL}'::text[]) t
    """
    (arrival,) = DatabaseReader(url=shop, query=query).read(None)
    for cells in arrival.rows.to_pydict().values():
        assert cells == ["infinity", "2024-01-01", "-infinity", ""]


def test_a_full_load_lands_when_any_row_differs_and_only_then(shop: str, tmp_path: Path) -> None:
    execute(shop, CUSTOMERS)
    parts = Parts(str(tmp_path))
    reader = DatabaseReader(url=shop, table="public.customers", columns=["id", "name"])
    assert [part.rows for part in land_arrivals(reader, parts)] == [2]
    # The same rows in another order.
    execute(shop, "DELETE FROM customers WHERE id = 1; INSERT INTO customers VALUES (1, 'Ada')")
    assert land_arrivals(reader, parts) == []
    execute(shop, "UPDATE customers SET name = 'Bo' WHERE id = 2; DELETE FROM customers WHERE id=1")
    assert [part.rows for part in land_arrivals(reader, parts)] == [1]
    assert standing(parts, ()) == [("2", "Bo")]
    execute(shop, "DELETE FROM customers")
    assert [part.rows for part in land_arrivals(reader, parts)] == [0]
    assert land_arrivals(reader, parts) == []
    with pytest.raises(UserError, match="removed again"):
        standing(parts, ())


def test_changes_are_read_by_the_cursor_and_a_rerun_lands_nothing(
    shop: str, tmp_path: Path
) -> None:
    execute(shop, CUSTOMERS)
    parts = Parts(str(tmp_path))
    reader = DatabaseReader(url=shop, **BY_CHANGE)
    assert landed(reader, parts) == [2]
    assert landed(reader, parts) == []
    execute(
        shop,
        """
        UPDATE customers SET name = 'Bo', changed = '2024-01-01 11:00:00.000001+00' WHERE id = 2;
        INSERT INTO customers VALUES (3, 'Cy', '2024-01-01 11:00:00.000001+00', false)
        """,
    )
    assert landed(reader, parts) == [2]
    assert standing(parts, ["id"]) == [("1", "Ada"), ("2", "Bo"), ("3", "Cy")]


def test_a_row_that_is_committed_late_is_read_within_the_overlap(shop: str, tmp_path: Path) -> None:
    execute(shop, CUSTOMERS)
    parts = Parts(str(tmp_path))
    reader = DatabaseReader(url=shop, overlap=60, **BY_CHANGE)
    with psycopg.connect(shop) as slow:
        slow.execute("INSERT INTO customers VALUES (3, 'Late', '2024-01-01 10:59:30+00', false)")
        assert landed(reader, parts) == [2]
    assert landed(reader, parts) == [1]
    assert landed(reader, parts) == []
    assert standing(parts, ["id"]) == [("1", "Ada"), ("2", ""), ("3", "Late")]


def test_rows_of_one_moment_are_all_read_whichever_came_first(shop: str, tmp_path: Path) -> None:
    execute(shop, CUSTOMERS)
    parts = Parts(str(tmp_path))
    reader = DatabaseReader(url=shop, overlap=0, **BY_CHANGE)
    assert landed(reader, parts) == [2]
    execute(shop, "INSERT INTO customers VALUES (0, 'Di', '2024-01-01 11:00+00', false)")
    assert landed(reader, parts) == [1]
    assert landed(reader, parts) == []


def test_a_row_that_is_marked_as_deleted_is_removed_and_may_come_back(
    shop: str, tmp_path: Path
) -> None:
    execute(shop, CUSTOMERS)
    parts = Parts(str(tmp_path))
    reader = DatabaseReader(url=shop, deleted="gone", **BY_CHANGE)
    landed(reader, parts)
    execute(shop, "UPDATE customers SET gone = true, changed = now() WHERE id = 1")
    assert landed(reader, parts) == [1]
    assert standing(parts, ["id"]) == [("2", "")]
    execute(shop, "UPDATE customers SET gone = false, changed = now() WHERE id = 1")
    landed(reader, parts)
    assert standing(parts, ["id"]) == [("2", ""), ("1", "Ada")]


def test_a_row_that_changes_back_at_the_same_moment_is_landed_again(
    shop: str, tmp_path: Path
) -> None:
    execute(shop, CUSTOMERS)
    parts = Parts(str(tmp_path))
    reader = DatabaseReader(url=shop, **BY_CHANGE)
    landed(reader, parts)
    # Within the overlap, though its cursor is older than the last.
    execute(shop, "UPDATE customers SET changed = '2024-01-01 10:59:00+00' WHERE id = 1")
    execute(shop, "UPDATE customers SET name = 'Bo' WHERE id = 1")
    landed(reader, parts)
    execute(shop, "UPDATE customers SET name = 'Ada' WHERE id = 1")
    landed(reader, parts)
    assert standing(parts, ["id"]) == [("2", ""), ("1", "Ada")]


def test_rows_without_a_cursor_are_refused_and_none_is_landed(shop: str, tmp_path: Path) -> None:
    execute(shop, CUSTOMERS)
    execute(shop, "INSERT INTO customers VALUES (3, 'Never', NULL, false)")
    parts = Parts(str(tmp_path))
    with pytest.raises(UserError, match="1 rows have no changed or id, and would never be read"):
        landed(DatabaseReader(url=shop, **BY_CHANGE), parts)
    assert parts.all() == []


@pytest.mark.parametrize(
    "value", ["'a'::text", "1::numeric", "1.5::double precision", "true", "'{1}'::int[]"]
)
def test_a_cursor_that_is_no_time_or_whole_number_is_refused(
    shop: str, tmp_path: Path, value: str
) -> None:
    query = f"SELECT 1 AS id, {value} AS c"
    reader = DatabaseReader(url=shop, query=query, mode="incremental", cursor="c", key="id")
    with pytest.raises(UserError, match="as `cursor`"):
        landed(reader, Parts(str(tmp_path)))


def test_names_cannot_add_to_the_query(shop: str) -> None:
    odd = 'a"; DROP TABLE customers; --% :b'
    execute(shop, CUSTOMERS)
    quoted = odd.replace('"', '""')
    execute(
        shop,
        f'CREATE TABLE "Odd%s:t" AS SELECT 1 AS "{quoted}", 2 AS "x.y"',
    )
    (arrival,) = DatabaseReader(url=shop, table="Odd%s:t", columns=["x.y", odd]).read(None)
    assert arrival.rows.to_pylist() == [{"x.y": "2", odd: "1"}]
    with pytest.raises(UserError, match="does not exist"):
        list(DatabaseReader(url=shop, table='customers"; --').read(None))
    assert execute(shop, "SELECT count(*) FROM customers") == [(2,)]


def test_a_query_is_read_as_it_is_written(shop: str) -> None:
    execute(shop, CUSTOMERS)
    query = (
        "SELECT id::text AS id, 'at :x 10:30 100%' AS what, changed FROM customers WHERE id < 2;"
    )
    reader = DatabaseReader(
        url=shop, query=query, mode="incremental", cursor="changed", key="id", columns=["what"]
    )
    (arrival,) = reader.read(None)
    assert arrival.rows.to_pylist() == [{"what": "at :x 10:30 100%", "id": "1"}]


def test_only_the_listed_columns_are_asked_for(shop: str) -> None:
    # Reading the other would fail.
    execute(
        shop,
        "CREATE TABLE t AS SELECT 1 AS id;"
        "CREATE VIEW v AS SELECT id, 1 / (id - 1) AS broken FROM t",
    )
    (arrival,) = DatabaseReader(url=shop, table="v", columns=["id"]).read(None)
    assert arrival.rows.to_pylist() == [{"id": "1"}]


def test_pieces_are_bounded_and_a_full_load_stands_only_when_it_has_ended(
    shop: str, tmp_path: Path
) -> None:
    execute(
        shop,
        "CREATE TABLE t AS SELECT g AS id, repeat('x', 500) AS t FROM generate_series(1, 120000) g",
    )
    parts = Parts(str(tmp_path))
    reader = DatabaseReader(url=shop, table="t", key="id")
    arrivals = reader.read(None)
    first = next(arrivals)
    assert len(first.rows) < 70_000
    parts.append(reader.name, first, begins=True)
    arrivals.close()
    assert (parts.complete(), parts.position()) == ([], None)
    assert sum(part.rows for part in land_arrivals(reader, parts)) == 120_000
    assert sum(part.rows for part in parts.complete()) == 120_000


def test_a_cell_that_no_file_may_have_is_refused_with_what_to_do(shop: str, tmp_path: Path) -> None:
    execute(shop, "CREATE TABLE t AS SELECT 1 AS id, repeat('x', 70000) AS note")
    parts = Parts(str(tmp_path))
    with pytest.raises(UserError, match="note has a cell of more than 65536 bytes"):
        landed(DatabaseReader(url=shop, table="t"), parts)
    assert parts.all() == []
    assert landed(DatabaseReader(url=shop, table="t", columns=["id"]), parts) == [1]


def test_sqlite_is_read_through_sqlalchemy(tmp_path: Path) -> None:
    file = tmp_path / "shop.db"
    with sqlite3.connect(file) as session:
        session.executescript(
            """
            CREATE TABLE customers (id INTEGER, spend, changed TEXT);
            INSERT INTO customers VALUES
            (1, 2.5, '2024-01-01 10:00:00'), (2, 'much', '2024-01-01 10:00:00'),
            (3, 7, '2024-01-02 10:00:00'), (9223372036854775807, NULL, '2024-01-02 10:00:00')
            """
        )
    parts = Parts(str(tmp_path / "parts"))
    reader = DatabaseReader(
        url=f"sqlite:///{file}", table="customers", mode="incremental", cursor="changed", key="id"
    )
    assert landed(reader, parts) == [4]
    assert landed(reader, parts) == []
    with sqlite3.connect(file) as session:
        session.execute("INSERT INTO customers VALUES (4, 1, '2024-01-02 10:00:00')")
    assert landed(reader, parts) == [1]
    session.close()
    assert [row[:2] for row in standing(parts, ["id"])] == [
        ("1", "2.5"),
        ("2", "much"),
        ("3", "7"),
        ("9223372036854775807", ""),
        ("4", "1"),
    ]


def test_a_named_adbc_driver_is_used(shop: str, tmp_path: Path) -> None:
    import adbc_driver_postgresql  # noqa: PLC0415 - its library is what is named

    execute(shop, "CREATE TABLE t (id int, name text); INSERT INTO t VALUES (7, 'Ada')")
    library = adbc_driver_postgresql._driver_path()
    parts = Parts(str(tmp_path))
    reader = DatabaseReader(
        url=shop, table="t", driver=library, mode="incremental", cursor="id", key="id"
    )
    assert landed(reader, parts) == [1]
    execute(shop, "INSERT INTO t VALUES (8, 'Bo')")
    assert landed(reader, parts) == [1]
    assert standing(parts, ["id"]) == [("7", "Ada"), ("8", "Bo")]


def test_a_password_is_shown_nowhere(shop: str, tmp_path: Path) -> None:
    execute(shop, CUSTOMERS)
    secret = "p@ss/w:rd"  # noqa: S105 - the test's own
    url = shop.replace("postgres@", "postgres:p%40ss%2Fw%3Ard@", 1)
    reader = DatabaseReader(url=url, table="customers")
    parts = Parts(str(tmp_path))
    (part,) = land_arrivals(reader, parts)
    told = f"{reader.name} {part} {(tmp_path / '00000001.parquet').read_bytes()!r}"
    assert "p%40ss" not in told
    assert secret not in told
    # libpq repeats what it cannot read, and MySQL's way is none that is installed.
    wrong = DatabaseReader(url=f"{url}?sslmode=p%40ss%2Fw%3Ard", table="none")
    with pytest.raises(UserError) as caught:
        list(wrong.read(None))
    assert "p%40ss" not in caught.value.message
    assert secret not in caught.value.message


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, "either `table` or `query`"),
        ({"table": "t", "query": "SELECT 1"}, "either `table` or `query`"),
        ({"table": "t", "mode": "all"}, "neither full nor incremental"),
        ({"table": "t", "mode": "incremental", "cursor": "c"}, "needs `cursor` and `key`"),
        ({"table": "t", "cursor": "c"}, "go with mode incremental only"),
        (BY_CHANGE | {"overlap": -1}, "below 0"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        DatabaseReader(url="sqlite://", **arguments)


@pytest.mark.parametrize(
    ("values", "cells"),
    [
        ((2**64 - 1, 1, None), ["18446744073709551615", "1", None]),
        # A cursor of these is a whole number.
        ((Decimal(9), Decimal("10.00"), None), [9, 10, None]),
        ((Decimal(9), Decimal("10.50")), ["9", "10.50"]),
        ((Decimal(10) ** 30, Decimal("NaN")), [f"1{'0' * 30}", "NaN"]),
        ((Decimal(10) ** 30,), [f"1{'0' * 30}"]),
    ],
)
def test_numbers_of_other_drivers_are_as_they_are(
    values: tuple[Any, ...], cells: list[Any]
) -> None:
    assert drivers._array(values).to_pylist() == cells


def test_parts_of_another_reading_are_refused(shop: str, tmp_path: Path) -> None:
    execute(shop, CUSTOMERS)
    parts = Parts(str(tmp_path))
    landed(DatabaseReader(url=shop, **BY_CHANGE), parts)
    with pytest.raises(UserError, match="its parts are of another reading"):
        landed(DatabaseReader(url=shop, table="customers"), parts)
    parts.append("files", Arrival(text_table({"id": ["1"]}), {"files": []}))
    others = PostgresChangesReader(url=shop, table="customers", slot="s", key="id")
    for reader in (DatabaseReader(url=shop, **BY_CHANGE), others):
        with pytest.raises(UserError, match="its parts are of another reading"):
            land_arrivals(reader, parts)


def test_an_address_is_asked_for_only_when_it_is_read() -> None:
    reader = DatabaseReader(url="", table="customers")
    with pytest.raises(UserError, match="set `url`"):
        list(reader.read(None))
    with pytest.raises(UserError, match="no address of a database") as caught:
        DatabaseReader(url="secret@@:", table="customers")
    assert "secret" not in caught.value.message


def landed(reader: DatabaseReader, parts: Parts) -> list[int]:
    """How many rows each new part has."""
    return [part.rows for part in land_arrivals(reader, parts)]
