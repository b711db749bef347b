"""PostgreSQL's own log of changes, read through wal2json from a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import Parts, land_arrivals
from customer_segmentation.sources.readers.databases import PostgresChangesReader, changes
from tests.sources.readers.tables import execute, standing

CUSTOMERS = """
    CREATE TABLE customers (id text PRIMARY KEY, name text, spend numeric);
    INSERT INTO customers VALUES ('a', 'Ada', 1.50), ('b', NULL, 2.00)
"""


def reader_of(url: str, **changed: Any) -> PostgresChangesReader:
    arguments = {"url": url, "table": "customers", "slot": f"s_{url[-8:]}", "key": "id"}
    return PostgresChangesReader(**arguments | changed)


def landed(reader: PostgresChangesReader, parts: Parts) -> list[int]:
    return [part.rows for part in land_arrivals(reader, parts)]


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(str(tmp_path / "parts"))


def test_the_table_is_read_once_and_then_each_change(logged_shop: str, parts: Parts) -> None:
    execute(logged_shop, CUSTOMERS)
    reader = reader_of(logged_shop)
    assert landed(reader, parts) == [2]
    assert landed(reader, parts) == []
    execute(
        logged_shop,
        """
        INSERT INTO customers VALUES ('c', 'Cy', 3);
        UPDATE customers SET spend = spend + 1 WHERE id = 'a';
        DELETE FROM customers WHERE id = 'b'
        """,
    )
    assert landed(reader, parts) == [3]
    assert landed(reader, parts) == []
    assert standing(parts, ["id"]) == [("c", "Cy", "3"), ("a", "Ada", "2.50")]


def test_what_is_rolled_back_is_never_landed_and_what_is_late_is(
    logged_shop: str, parts: Parts
) -> None:
    execute(logged_shop, CUSTOMERS)
    reader = reader_of(logged_shop)
    with psycopg.connect(logged_shop) as late, psycopg.connect(logged_shop) as undone:
        undone.execute("INSERT INTO customers VALUES ('z', 'No', 0)")
        undone.rollback()
        landed(reader, parts)
        late.execute("INSERT INTO customers VALUES ('l', 'Late', 0)")
        execute(logged_shop, "INSERT INTO customers VALUES ('m', 'More', 0)")
        assert landed(reader, parts) == [1]
    assert landed(reader, parts) == [1]
    assert [row[0] for row in standing(parts, ["id"])] == ["a", "b", "m", "l"]


def test_a_changed_key_takes_the_old_row_away(logged_shop: str, parts: Parts) -> None:
    execute(logged_shop, CUSTOMERS)
    reader = reader_of(logged_shop)
    landed(reader, parts)
    execute(logged_shop, "UPDATE customers SET id = 'n' WHERE id = 'a'")
    landed(reader, parts)
    assert standing(parts, ["id"]) == [("b", "", "2"), ("n", "Ada", "1.50")]


def test_an_emptied_table_is_empty_and_filled_again_at_once(logged_shop: str, parts: Parts) -> None:
    execute(logged_shop, CUSTOMERS)
    reader = reader_of(logged_shop)
    landed(reader, parts)
    execute(
        logged_shop,
        """
        BEGIN; INSERT INTO customers VALUES ('x', 'Gone', 0); TRUNCATE customers;
        INSERT INTO customers VALUES ('b', 'Bo', 9); COMMIT;
        INSERT INTO customers VALUES ('d', 'Di', 8)
        """,
    )
    assert landed(reader, parts) == [1, 1]
    assert standing(parts, ["id"]) == [("b", "Bo", "9"), ("d", "Di", "8")]
    execute(logged_shop, "TRUNCATE customers")
    assert landed(reader, parts) == [0]
    with pytest.raises(UserError, match="removed again"):
        standing(parts, ["id"])


@pytest.mark.parametrize("identity", ["DEFAULT", "FULL"])
def test_a_long_text_that_did_not_change_is_kept(
    logged_shop: str, parts: Parts, identity: str
) -> None:
    execute(
        logged_shop,
        """
        CREATE TABLE customers (id int PRIMARY KEY, note text, spend int);
        ALTER TABLE customers ALTER note SET STORAGE EXTERNAL;
        INSERT INTO customers VALUES (1, repeat('long ', 2000), 1), (2, repeat('lost ', 2000), 1)
        """,
    )
    execute(logged_shop, f"ALTER TABLE customers REPLICA IDENTITY {identity}")
    reader = reader_of(logged_shop)
    landed(reader, parts)
    execute(logged_shop, "UPDATE customers SET spend = 2; DELETE FROM customers WHERE id = 2")
    assert landed(reader, parts) == [3]
    assert standing(parts, ["id"]) == [("1", "long " * 2000, "2")]


def test_a_change_is_written_as_the_first_reading_writes_it(logged_shop: str, parts: Parts) -> None:
    execute(
        logged_shop,
        """
        CREATE TYPE mood AS ENUM ('calm');
        CREATE TABLE customers (
            id uuid, big bigint, exact numeric, whole numeric(12, 2), money_ money, small real,
            wide float8, flag boolean, day date, local timestamp, midnight timestamp,
            moment timestamptz, exactly timestamptz(0), mood mood, document jsonb, padded char(3),
            bytes bytea, hour time, list int[], span interval, nothing int, PRIMARY KEY (id, big)
        );
        INSERT INTO customers VALUES (
            '0b7e1a5c-58a9-4e0e-a9a0-0123456789ab', 9223372036854775807,
            123456789012345678901234567890.123456789, 58138.00, 12.5, 0.1, 1e20, true,
            '2012-09-24', '2012-09-24 10:00:00.123456', '2012-09-24', '2012-09-24 10:00:00.5+02',
            '2012-09-24 10:00+05:30', 'calm', '{"a": [1]}', 'ab', '\\xdead', '10:30', '{1,2}',
            '1 day 02:00', NULL
        )
        """,
    )
    reader = reader_of(logged_shop, key=["id", "big"])
    landed(reader, parts)
    (before,) = standing(parts, ["id"])
    execute(logged_shop, "UPDATE customers SET flag = true")
    assert landed(reader, parts) == [1]
    assert standing(parts, ["id"]) == [before]


def test_a_time_without_end_stands_among_others(logged_shop: str, parts: Parts) -> None:
    execute(logged_shop, "CREATE TABLE customers (id int PRIMARY KEY, until timestamptz)")
    reader = reader_of(logged_shop)
    landed(reader, parts)
    execute(
        logged_shop,
        "INSERT INTO customers VALUES (1, 'infinity'), (2, '2024-01-01 10:00+00'), (3, NULL)",
    )
    landed(reader, parts)
    assert standing(parts, ["id"]) == [("1", "infinity"), ("2", "2024-01-01 10:00:00Z"), ("3", "")]


def test_only_the_listed_columns_of_the_one_table_are_landed(
    logged_shop: str, parts: Parts
) -> None:
    execute(
        logged_shop,
        """
        CREATE SCHEMA "my shop";
        CREATE TABLE "my shop"."cust, *" (id int PRIMARY KEY, secret text, name text);
        CREATE TABLE other (id int PRIMARY KEY)
        """,
    )
    reader = reader_of(logged_shop, table="my shop.cust, *", columns=["name"])
    assert landed(reader, parts) == [0]
    execute(
        logged_shop,
        """
        INSERT INTO other VALUES (1);
        INSERT INTO "my shop"."cust, *" VALUES (1, 's3cret', 'Ada')
        """,
    )
    landed(reader, parts)
    assert standing(parts, ["id"]) == [("Ada", "1")]


def test_a_kill_between_the_part_and_the_slot_lands_nothing_twice(
    logged_shop: str, parts: Parts
) -> None:
    execute(logged_shop, CUSTOMERS)
    reader = reader_of(logged_shop)
    landed(reader, parts)
    execute(logged_shop, "INSERT INTO customers VALUES ('c', 'Cy', 3)")
    arrivals = reader.read(parts.position())
    parts.append(reader.name, next(arrivals))
    # As a kill would: what comes after the part does not happen.
    arrivals.close()
    assert landed(reader, parts) == []
    execute(logged_shop, "INSERT INTO customers VALUES ('d', 'Di', 4)")
    assert landed(reader, parts) == [1]
    assert [row[0] for row in standing(parts, [])] == ["a", "b", "c", "d"]


def test_a_large_transaction_lands_in_pieces_that_stand_together(
    logged_shop: str, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MAX_ROWS", 4)
    execute(logged_shop, CUSTOMERS)
    reader = reader_of(logged_shop)
    landed(reader, parts)
    execute(logged_shop, "INSERT INTO customers SELECT g, 'n', g FROM generate_series(1, 10) g")
    execute(logged_shop, "INSERT INTO customers VALUES ('z', 'Z', 0)")
    arrivals = reader.read(parts.position())
    parts.append(reader.name, next(arrivals))
    arrivals.close()
    assert len(standing(parts, [])) == 2
    # The rest of the transaction, and the next.
    assert landed(reader, parts) == [4, 2, 1]
    assert [row[0] for row in standing(parts, [])] == ["a", "b", *map(str, range(1, 11)), "z"]
    execute(logged_shop, "INSERT INTO customers SELECT -g, 'n', g FROM generate_series(1, 8) g")
    assert landed(reader, parts) == [4, 4, 0]
    assert len(standing(parts, [])) == 21


def test_small_transactions_land_together(logged_shop: str, parts: Parts) -> None:
    execute(logged_shop, CUSTOMERS)
    reader = reader_of(logged_shop)
    landed(reader, parts)
    for number in range(5):
        execute(logged_shop, f"INSERT INTO customers VALUES ('{number}', 'n', 0)")  # noqa: S608 - ours
    execute(logged_shop, "DELETE FROM customers WHERE id = '3'")
    assert landed(reader, parts) == [6]
    assert landed(reader, parts) == []
    assert [row[0] for row in standing(parts, ["id"])] == ["a", "b", "0", "1", "2", "4"]


def test_a_table_that_a_large_transaction_emptied_is_read_whole_again(
    logged_shop: str, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "MAX_ROWS", 4)
    execute(logged_shop, CUSTOMERS)
    reader = reader_of(logged_shop)
    landed(reader, parts)
    execute(
        logged_shop,
        """
        BEGIN; TRUNCATE customers;
        INSERT INTO customers SELECT g, 'n', g FROM generate_series(1, 10) g; COMMIT
        """,
    )
    # As a kill before anything of it is landed.
    broken = reader.read(parts.position())
    next(broken)
    broken.close()
    (part,) = land_arrivals(reader, parts)
    assert (part.rows, part.is_whole) == (10, True)
    assert part.notes[0].endswith("read whole again, since the slot was gone")
    assert landed(reader, parts) == []
    execute(logged_shop, "DELETE FROM customers WHERE id <> '7'")
    assert landed(reader, parts) == [4, 4, 1]
    assert standing(parts, ["id"]) == [("7", "n", "7")]


def test_a_kill_between_the_whole_table_and_the_slot_has_it_read_again(
    logged_shop: str, parts: Parts
) -> None:
    execute(logged_shop, CUSTOMERS)
    reader = reader_of(logged_shop)
    arrivals = reader.read(None)
    parts.append(reader.name, next(arrivals), begins=True)
    arrivals.close()
    execute(logged_shop, "DELETE FROM customers WHERE id = 'a'")
    assert landed(reader, parts) == [1]
    assert landed(reader, parts) == []
    assert [row[0] for row in standing(parts, ["id"])] == ["b"]


def test_the_log_of_other_tables_is_passed_over(
    logged_shop: str, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(logged_shop, CUSTOMERS + "; CREATE TABLE other (t text)")
    reader = reader_of(logged_shop)
    landed(reader, parts)
    monkeypatch.setattr(changes, "_PASSED_OVER", 1 << 10)
    execute(logged_shop, "INSERT INTO other SELECT 'much' FROM generate_series(1, 100)")
    assert landed(reader, parts) == [0]
    assert landed(reader, parts) == []
    slots = "SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = '{}'"
    assert execute(logged_shop, slots.format(reader._slot)) == [(parts.all()[-1].position["lsn"],)]
    assert len(standing(parts, ["id"])) == 2


def test_a_lost_slot_has_the_table_read_whole_again_and_says_so(
    logged_shop: str, parts: Parts
) -> None:
    execute(logged_shop, CUSTOMERS)
    reader = reader_of(logged_shop)
    landed(reader, parts)
    execute(logged_shop, f"SELECT pg_drop_replication_slot('{reader._slot}')")
    execute(logged_shop, "DELETE FROM customers WHERE id = 'a'")
    (part,) = land_arrivals(reader, parts)
    assert (part.rows, part.is_whole) == (1, True)
    assert part.notes[0].endswith("customers was read whole again, since the slot was gone")
    assert [row[0] for row in standing(parts, ["id"])] == ["b"]


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE customers ADD origin text DEFAULT 'web'",
        "ALTER TABLE customers ALTER spend TYPE int",
        """
        CREATE TABLE newer (LIKE customers INCLUDING ALL); INSERT INTO newer TABLE customers;
        DROP TABLE customers; ALTER TABLE newer RENAME TO customers
        """,
    ],
)
def test_a_table_of_another_shape_is_read_whole_again(
    logged_shop: str, parts: Parts, statement: str
) -> None:
    execute(logged_shop, CUSTOMERS)
    reader = reader_of(logged_shop)
    landed(reader, parts)
    execute(logged_shop, statement)
    execute(logged_shop, "INSERT INTO customers (id) VALUES ('c')")
    assert [(part.rows, part.is_whole) for part in land_arrivals(reader, parts)] == [(3, True)]
    assert landed(reader, parts) == []
    execute(logged_shop, "INSERT INTO customers (id) VALUES ('d')")
    assert landed(reader, parts) == [1]
    assert [row[0] for row in standing(parts, ["id"])] == ["a", "b", "c", "d"]


def test_two_readers_of_one_slot_are_refused(
    logged_shop: str, parts: Parts, tmp_path: Path
) -> None:
    execute(logged_shop, CUSTOMERS)
    reader, others = reader_of(logged_shop), Parts(str(tmp_path / "others"))
    landed(reader, parts)
    with pytest.raises(UserError, match="is there, and nothing of it is landed here"):
        landed(reader, others)
    execute(logged_shop, "INSERT INTO customers VALUES ('c', 'Cy', 3)")
    execute(
        logged_shop,
        f"SELECT pg_replication_slot_advance('{reader._slot}', pg_current_wal_lsn())",
    )
    with pytest.raises(UserError, match="was read further than what is landed here"):
        landed(reader, parts)


def test_a_table_whose_log_has_no_key_is_refused(logged_shop: str, parts: Parts) -> None:
    execute(logged_shop, "CREATE TABLE customers (id int, name text)")
    with pytest.raises(UserError, match="REPLICA IDENTITY FULL"):
        landed(reader_of(logged_shop), parts)
    execute(logged_shop, "ALTER TABLE customers REPLICA IDENTITY FULL")
    assert landed(reader_of(logged_shop), parts) == [0]
    execute(
        logged_shop,
        "INSERT INTO customers VALUES (1, 'a'), (2, 'b'); DELETE FROM customers WHERE id = 1",
    )
    landed(reader_of(logged_shop), parts)
    assert standing(parts, ["id"]) == [("2", "b")]


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("none", "no such table"),
        ("seen", "no plain table"),
        ("parted", "no plain table"),
        ("customers", "has no column 'wrong'"),
    ],
)
def test_what_the_log_cannot_tell_of_is_refused(
    logged_shop: str, parts: Parts, table: str, told: str
) -> None:
    execute(logged_shop, CUSTOMERS)
    execute(
        logged_shop,
        """
        CREATE VIEW seen AS TABLE customers;
        CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id)
        """,
    )
    with pytest.raises(UserError, match=told):
        landed(reader_of(logged_shop, table=table, columns=["wrong"]), parts)
    slots = "SELECT slot_name FROM pg_replication_slots WHERE database = current_database()"
    assert execute(logged_shop, slots) == []
