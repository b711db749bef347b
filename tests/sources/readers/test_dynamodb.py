"""Tables of DynamoDB, on moto's server: scanned whole, then kept up to date by their stream."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3.session
import pyarrow.parquet as pq
import pytest
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.current import write_current
from customer_segmentation.sources.arrivals.dataset import ArrivingSource
from customer_segmentation.sources.arrivals.parts import Arrival, Parts, Position, land_arrivals
from customer_segmentation.sources.readers import dynamodb, dynamodb_streams
from customer_segmentation.sources.readers.documents import Flattening
from customer_segmentation.sources.readers.dynamodb import DynamoReader
from customer_segmentation.sources.readers.dynamodb_items import item_document
from tests.services.s3 import S3Server
from tests.sources.readers.sample import (
    canonical,
    nested_schema,
    sample_canonical,
    sample_documents,
)
from tools.ports import free_port

# A request takes moto some milliseconds an item.
CUSTOMERS = 150
item_of = TypeSerializer().serialize


# What it knows of services takes a tenth of a second to read.
SESSION = boto3.session.Session()
of_environment = DynamoReader._session


@pytest.fixture(autouse=True)
def aws(moto_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> boto3.session.Session:
    for name, value in moto_server.environment().items():
        monkeypatch.setenv(name, value)
    session = boto3.session.Session(
        moto_server.access_key, moto_server.secret_key, botocore_session=SESSION._session
    )
    monkeypatch.setattr(DynamoReader, "_session", lambda _: session)
    # moto's shard has no silent pages before its next record.
    monkeypatch.setattr(dynamodb_streams, "_EMPTY_PAGES", 1)
    return session


@pytest.fixture
def client(aws: boto3.session.Session) -> Iterator[Any]:
    made = aws.client("dynamodb")
    yield made
    made.close()


@pytest.fixture
def table(client: Any) -> Any:
    """Makes a table, and gives its name."""

    def made(view: str = "NEW_AND_OLD_IMAGES", key: str = "id", kind: str = "S") -> str:
        stream = (
            {"StreamEnabled": True, "StreamViewType": view} if view else {"StreamEnabled": False}
        )
        client.create_table(
            TableName=(name := f"customers-{uuid4().hex[:8]}"),
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification=stream,
        )
        return name

    return made


@pytest.fixture
def put(client: Any) -> Any:
    def item(table: str, key: str, **attributes: Any) -> None:
        client.put_item(TableName=table, Item=item_of({"id": key, **attributes})["M"])

    return item


def read(since: Position | None = None, **options: Any) -> list[Arrival]:
    return list(DynamoReader(**options).read(since))


def by_id(arrival: Arrival) -> dict[str, dict[str, str]]:
    return {row["id"]: row for row in arrival.rows.to_pylist()}


def test_the_samples_customers_come_out_as_those_of_the_file_and_changes_are_followed(
    client: Any, table: Any, tmp_path: Path, customers_block: dict[str, Any]
) -> None:
    name = table(key="ID", kind="N")
    documents = [
        row | {"Dt_Customer": row["Dt_Customer"].strftime("%Y-%m-%d")}
        for row in sample_documents(CUSTOMERS)
    ]
    for start in range(0, len(documents), 25):
        puts = [
            {"PutRequest": {"Item": item_of(row)["M"]}} for row in documents[start : start + 25]
        ]
        client.batch_write_item(RequestItems={name: puts})
    schema = nested_schema(customers_block)
    source = ArrivingSource(
        reader={"type": "dynamodb.DynamoReader", "table": name, "mode": "changes"},
        parts=str(tmp_path / "parts"),
        landing=str(tmp_path / "landed.parquet"),
        key="ID",
        engine="pandas",
    )

    assert canonical(source.load(), schema).equals(sample_canonical(tmp_path, schema, CUSTOMERS))
    source.load()
    assert len(Parts(str(tmp_path / "parts")).all()) == 1
    client.delete_item(TableName=name, Key={"ID": {"N": "9365"}})
    client.put_item(TableName=name, Item=item_of(documents[1] | {"Recency": 1})["M"])
    now = source.load().set_index("ID")
    assert "9365" not in now.index
    assert now.loc["10839", "Recency"] == "1"
    assert len(now) == len(documents) - 1


def test_a_scan_of_all_segments_reads_every_item_once_over_many_pages(
    table: Any, put: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = table()
    for number in range(60):
        put(name, str(number), n=number)
    make = DynamoReader._client

    def small_pages(reader: DynamoReader, session: Any, service: str) -> Any:
        client = make(reader, session, service)
        if service == "dynamodb":
            scan = client.scan
            client.scan = lambda **request: scan(Limit=4, **request)
        return client

    monkeypatch.setattr(DynamoReader, "_client", small_pages)
    (arrival,) = read(table=name, segments=3, columns=["n"])

    assert sorted(map(int, arrival.rows["n"].to_pylist())) == [*range(60)]
    assert read(arrival.position, table=name, segments=5, columns=["n"]) == []


def test_full_loads_drop_what_is_gone_and_are_landed_only_if_anything_has_changed(
    client: Any, table: Any, put: Any
) -> None:
    name = table(view="")
    put(name, "1", a={"b": 1})
    put(name, "2", a={"b": 2})
    (first,) = read(table=name)
    assert by_id(first) == {"1": {"id": "1", "a.b": "1"}, "2": {"id": "2", "a.b": "2"}}
    assert read(first.position, table=name) == []

    client.delete_item(TableName=name, Key={"id": {"S": "1"}})

    (second,) = read(first.position, table=name)
    assert (second.is_whole, list(by_id(second))) == (True, ["2"])


def test_changes_come_in_their_order_with_what_was_removed(
    client: Any, table: Any, put: Any
) -> None:
    name = table()
    put(name, "1", n=1)
    options = {"table": name, "mode": "changes"}
    (first,) = read(**options)
    put(name, "1", n=2)
    put(name, "2", n=1)
    client.delete_item(TableName=name, Key={"id": {"S": "1"}})

    (second,) = read(first.position, **options)

    assert second.rows.to_pydict() == {
        "id": ["1", "2", "1"],
        "n": ["2", "1", ""],
        "landed__change": ["put", "put", "removed"],
    }
    assert read(second.position, **options) == []


STEPS = st.lists(
    st.one_of(
        st.just(None), st.tuples(st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 3)))
    ),
    max_size=10,
)


@settings(
    max_examples=6,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(STEPS)
def test_whatever_happens_between_reads_the_source_comes_to_what_the_table_holds(
    client: Any, table: Any, put: Any, tmp_path: Path, steps: list[tuple[str, int | None] | None]
) -> None:
    name, held = table(), {"kept": "0"}
    put(name, "kept", n=0)
    reader, parts = DynamoReader(table=name, mode="changes"), Parts(str(tmp_path / name))
    for step in [*steps, None]:
        if step is None:
            land_arrivals(reader, parts)
        elif step[1] is None:
            client.delete_item(TableName=name, Key={"id": {"S": step[0]}})
            held.pop(step[0], None)
        else:
            put(name, step[0], n=step[1])
            held[step[0]] = str(step[1])

    write_current(parts, file := tmp_path / "now.parquet", ["id"], "shop")
    assert {row["id"]: row["n"] for row in pq.read_table(file).to_pylist()} == held
    assert land_arrivals(reader, parts) == []


def test_what_is_written_during_the_scan_is_not_lost(
    table: Any, put: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = table()
    put(name, "1", n=1)
    scan = DynamoReader._scan

    def and_then(reader: DynamoReader, *given: Any) -> Iterator[Any]:
        yield from scan(reader, *given)
        put(name, "2", n=2)

    monkeypatch.setattr(DynamoReader, "_scan", and_then)
    options = {"table": name, "mode": "changes"}
    (first,) = read(**options)
    (second,) = read(first.position, **options)

    assert (list(by_id(first)), list(by_id(second))) == (["1"], ["2"])


def test_a_stream_that_was_not_read_for_a_day_asks_for_a_full_load_which_goes_on(
    table: Any, put: Any
) -> None:
    name = table()
    put(name, "1", n=1)
    (first,) = read(table=name, mode="changes")
    old = dict(first.position)
    old["at"] = (datetime.now(UTC) - timedelta(hours=25)).isoformat()

    with pytest.raises(UserError, match="keeps changes for 24 hours: set `mode: full` for one run"):
        read(old, table=name, mode="changes")
    # Nothing has changed: only the position is landed.
    (renewed,) = read(old, table=name, mode="full")
    assert (len(renewed.rows), renewed.is_whole) == (0, False)
    put(name, "2", n=2)
    assert list(by_id(read(renewed.position, table=name, mode="changes")[0])) == ["2"]


def test_a_table_that_does_not_change_keeps_its_place_in_the_stream(table: Any, put: Any) -> None:
    name = table()
    put(name, "1")
    (first,) = read(table=name, mode="changes")
    old = first.position | {"at": (datetime.now(UTC) - timedelta(hours=7)).isoformat()}

    (kept,) = read(old, table=name, mode="changes")

    assert (len(kept.rows), kept.notes[0][:19]) == (0, "nothing has changed")
    assert read(kept.position, table=name, mode="changes") == []


def test_a_stream_that_was_made_anew_asks_for_a_full_load(table: Any, put: Any) -> None:
    name = table()
    put(name, "1")
    (first,) = read(table=name, mode="changes")

    with pytest.raises(UserError, match="its stream is another than the one"):
        read(first.position | {"stream": "arn:other"}, table=name, mode="changes")


def test_types_of_dynamodb_are_cells() -> None:
    item = {
        "n": {"N": "12345678901234567890.1234567890"},
        "b": {"BOOL": True},
        "none": {"NULL": True},
        "m": {"M": {"x.y": {"S": "z"}}},
        "l": {"L": [{"N": "1.50"}, {"S": "a"}]},
        "s": {"SS": ["q", "p"]},
        "ns": {"NS": ["2", "1"]},
        "raw": {"B": b"\x01"},
        "raws": {"BS": [b"\x02", b"\x01"]},
    }
    flattening = Flattening(as_json=("l", "s", "ns", "raws"))

    assert flattening.cells(item_document(item), "") == {
        "n": "12345678901234567890.1234567890",
        "b": "1",
        "none": "",
        r"m.x\.y": "z",
        "l": '[1.50,"a"]',
        "s": '["p","q"]',
        "ns": "[1,2]",
        "raw": "AQ==",
        "raws": '["AQ==","Ag=="]',
    }
    with pytest.raises(UserError, match="unknown type 'X'"):
        item_document({"x": {"X": 1}})


@pytest.mark.parametrize(
    ("view", "options", "told"),
    [
        ("", {"mode": "changes"}, "it has no stream of new images"),
        ("KEYS_ONLY", {"mode": "changes"}, "it has no stream of new images"),
        ("NEW_IMAGE", {"mode": "changes", "columns": ["n"]}, "columns: 'id', the table's key"),
        ("", {"columns": ["n", "city"]}, r"no row has ['city']"),
        ("", {"columns": ["l"]}, "document id=1: 'l' holds a list"),
    ],
)
def test_what_a_table_does_not_have_is_told(
    table: Any, put: Any, view: str, options: dict[str, Any], told: str
) -> None:
    put(name := table(view=view), "1", n=1, l=[1])

    with pytest.raises(UserError) as refused:
        read(table=name, **options)

    assert refused.value.message.removeprefix(f"dynamodb:{name}: ").startswith(told)


def test_a_table_that_is_not_there_is_told() -> None:
    with pytest.raises(UserError, match="there is no such table in us-east-1"):
        read(table="nothing")


def test_a_server_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamodb, "_ATTEMPTS", 1)
    monkeypatch.setattr(DynamoReader, "_session", of_environment)
    with pytest.raises(UserError, match="DynamoDB does not answer"):
        read(table="customers", endpoint=f"http://127.0.0.1:{free_port()}")


def test_refused_keys_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    # moto takes any.
    def refuses(*_: object) -> None:
        answer = {"Error": {"Code": "UnrecognizedClientException", "Message": "token is invalid"}}
        raise ClientError(answer, "DescribeTable")

    monkeypatch.setattr(DynamoReader, "_described", refuses)

    with pytest.raises(UserError, match="DynamoDB refuses these keys"):
        read(table="customers")


@pytest.mark.parametrize("wrong", [{"mode": "half"}, {"segments": 0}, {"segments": 65}])
def test_a_wrong_configuration_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=f"dynamodb:customers: {next(iter(wrong))}"):
        DynamoReader(table="customers", **wrong)
