"""Collections by MongoDB's protocol, of a real FerretDB: whole, or on from a cursor, once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex
from pymongo import MongoClient
from pymongo.errors import OperationFailure

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.dataset import ArrivingSource
from customer_segmentation.sources.arrivals.parts import Arrival, Parts, Position, land_arrivals
from customer_segmentation.sources.readers import mongodb
from customer_segmentation.sources.readers.documents import Flattening
from customer_segmentation.sources.readers.mongodb import MongoReader
from tests.services.ferretdb.server import serve_ferretdb
from tests.sources.readers.sample import (
    canonical,
    nested_schema,
    sample_canonical,
    sample_documents,
)
from tools.ports import free_port

NOON = datetime(2026, 1, 2, 12)  # noqa: DTZ001 - as the client gives them


@pytest.fixture
def collection(ferretdb_url: str) -> Iterator[Any]:
    with MongoClient(ferretdb_url) as client:
        yield client[f"shop{uuid4().hex[:8]}"]["customers"]


@pytest.fixture
def reader(collection: Any, ferretdb_url: str) -> Any:
    def made(**options: Any) -> MongoReader:
        given = {"url": ferretdb_url, "database": collection.database.name} | options
        return MongoReader(**({"collection": collection.name} | given))

    return made


def read(reader: MongoReader, since: Position | None = None) -> list[Arrival]:
    return list(reader.read(since))


def test_the_samples_customers_come_out_as_those_of_the_file(
    collection: Any, tmp_path: Path, ferretdb_url: str, customers_block: dict[str, Any]
) -> None:
    collection.insert_many([{"_id": row["ID"], **row} for row in sample_documents()])
    schema = nested_schema(customers_block)
    source = ArrivingSource(
        reader={
            "type": "mongodb.MongoReader",
            "url": ferretdb_url,
            "database": collection.database.name,
            "collection": collection.name,
        },
        parts=str(tmp_path / "parts"),
        landing=str(tmp_path / "landed.parquet"),
        key="ID",
        engine="polars",
    )

    assert canonical(source.load(), schema).equals(sample_canonical(tmp_path, schema))
    source.load()
    assert len(Parts(str(tmp_path / "parts")).all()) == 1
    collection.delete_one({"_id": 9365})
    assert "9365" not in source.load().collect()["ID"].to_list()


def test_a_full_load_is_landed_again_only_if_a_document_has_changed(
    collection: Any, reader: Any
) -> None:
    collection.insert_many([{"_id": 1, "a": {"b": 1}}, {"_id": 2, "a": {"b": 2}}])
    (first,) = read(reader())

    assert first.rows.to_pydict() == {"_id": ["1", "2"], "a.b": ["1", "2"]}
    assert read(reader(), first.position) == []
    collection.update_one({"_id": 2}, {"$set": {"a.b": 3}})
    assert [a.rows.to_pydict()["a.b"] for a in read(reader(), first.position)] == [["1", "3"]]


def test_a_cursor_reads_what_comes_after_it_and_equal_ones_once(
    collection: Any, reader: Any
) -> None:
    by_time = reader(cursor="seen.at", columns=["_id"])
    collection.insert_many([{"_id": n, "seen": {"at": NOON}} for n in (5, 1, 3)])
    (first,) = read(by_time)
    assert first.rows["_id"].to_pylist() == ["1", "3", "5"]
    assert read(by_time, first.position) == []

    collection.insert_one({"_id": 9, "seen": {"at": NOON}})
    collection.update_one({"_id": 1}, {"$set": {"seen.at": NOON + timedelta(milliseconds=1)}})
    (second,) = read(by_time, first.position)

    assert second.rows["_id"].to_pylist() == ["9", "1"]
    assert read(by_time, second.position) == []


def test_what_has_not_settled_waits(collection: Any, reader: Any) -> None:
    now = datetime.now(UTC)
    collection.insert_many([{"_id": 1, "at": NOON}, {"_id": 2, "at": now}])

    (first,) = read(reader(cursor="at", columns=["_id"], settle_seconds=600))
    assert first.rows["_id"].to_pylist() == ["1"]
    (second,) = read(reader(cursor="at", columns=["_id"], settle_seconds=0), first.position)
    assert second.rows["_id"].to_pylist() == ["2"]


def test_ids_that_the_server_dates_are_a_cursor(collection: Any, reader: Any) -> None:
    collection.insert_many([{"n": 1}, {"n": 2}])
    by_id = reader(cursor="_id", settle_seconds=-5)
    (first,) = read(by_id)

    collection.insert_one({"n": 3})

    assert [a.rows["n"].to_pylist() for a in read(by_id, first.position)] == [["3"]]


def test_an_incremental_read_that_is_broken_off_goes_on_where_it_was(
    collection: Any, reader: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("customer_segmentation.sources.readers.documents.MAX_ROWS", 10)
    collection.insert_many([{"_id": n, "at": n // 25} for n in range(95)])
    parts = Parts(str(tmp_path))
    by_number = reader(cursor="at", columns=["_id"])
    broken = by_number.read(None)
    for _ in range(4):
        parts.append(by_number.name, next(broken))
    broken.close()

    land_arrivals(by_number, parts)

    landed = [cell for part in parts.complete() for cell in parts.rows(part)["_id"].to_pylist()]
    assert sorted(map(int, landed)) == [*range(95)]
    assert land_arrivals(by_number, parts) == []


@pytest.mark.parametrize("late", [{"at": "2026"}, {}, {"at": None}])
def test_a_document_that_a_cursor_would_never_find_is_refused(
    collection: Any, reader: Any, late: dict[str, Any]
) -> None:
    collection.insert_many([{"_id": 1, "at": NOON}, {"_id": 2, **late}])

    with pytest.raises(UserError, match=r"document \d: the cursor 'at' must be there"):
        read(reader(cursor="at"))


def test_another_cursor_than_that_of_the_parts_is_refused(collection: Any, reader: Any) -> None:
    collection.insert_one({"_id": 1, "a": 1, "b": 1})
    (first,) = read(reader(cursor="a"))

    with pytest.raises(UserError, match="it was read by the cursor 'a' until now"):
        read(reader(cursor="b"), first.position)


def test_a_soft_deleted_document_is_removed(collection: Any, reader: Any) -> None:
    collection.insert_many([{"_id": 1, "gone": True}, {"_id": 2, "gone": False}])

    (first,) = read(reader(columns=["_id"], deleted="gone"))

    assert first.rows.to_pydict() == {"_id": ["1", "2"], "landed__change": ["removed", "put"]}


def test_types_of_mongodb_are_cells() -> None:
    document = {
        "id": ObjectId("65f0c0ffee0000000000abcd"),
        "sum": Decimal128("12.50"),
        "count": Int64(1 << 60),
        "bytes": Binary(b"\x01", 5),
    }

    assert Flattening(plain=mongodb._plain).cells(document, "") == {
        "id": "65f0c0ffee0000000000abcd",
        "sum": "12.50",
        "count": str(1 << 60),
        "bytes": "AQ==",
    }
    with pytest.raises(UserError, match="holds a Regex"):
        Flattening(plain=mongodb._plain).cells({"x": Regex("a")}, "")


def test_a_collection_that_is_not_there_is_told(collection: Any, reader: Any) -> None:
    collection.insert_one({"_id": 1})

    with pytest.raises(UserError, match="there is no such collection"):
        read(reader(collection="clients"))


def test_a_server_that_is_not_there_is_told_without_the_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mongodb, "_WAIT_MS", 300)
    url = f"mongodb://shop:geh%40eim@127.0.0.1:{free_port()}/"
    reader = MongoReader(url=url, database="shop", collection="customers")

    with pytest.raises(UserError, match="the server does not answer") as refused:
        read(reader)

    assert "geh" not in refused.value.message + reader.name


def test_a_server_that_is_killed_half_way_lands_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mongodb, "_PAGE", 10)
    monkeypatch.setattr(mongodb, "_WAIT_MS", 300)
    with serve_ferretdb() as server, MongoClient(server.url) as client:
        client.shop.customers.insert_many([{"_id": number} for number in range(100)])
        reader = MongoReader(url=server.url, database="shop", collection="customers")
        flatten = MongoReader._cells

        def kills(reader: MongoReader, document: Any) -> Any:
            if document["_id"] == 15:
                server.process.kill()
                server.process.wait()
            return flatten(reader, document)

        monkeypatch.setattr(MongoReader, "_cells", kills)
        with pytest.raises(UserError, match="does not answer, or no longer"):
            land_arrivals(reader, Parts(str(tmp_path)))

    assert Parts(str(tmp_path)).all() == []


def test_a_wrong_password_is_told_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # FerretDB over SQLite asks for none.
    def refuses(*_: object) -> None:
        raise OperationFailure("Authentication failed for geheim", 18)

    monkeypatch.setattr(MongoReader, "_require", refuses)
    reader = MongoReader(url="mongodb://shop:geheim@127.0.0.1/", database="s", collection="c")

    with pytest.raises(UserError, match=r"refuses this user.*failed for [*]{3}"):
        read(reader)


@pytest.mark.parametrize("url", ["postgresql://a:geheim@b/", "mongodb://a:gehe/im@b/", ""])
def test_a_wrong_url_is_told_without_it(url: str) -> None:
    with pytest.raises(UserError, match="`url` is no URL of MongoDB") as refused:
        read(MongoReader(url=url, database="shop", collection="customers"))

    assert "gehe" not in refused.value.message
