"""Databases of documents: a whole load into parts, again without a change, and the client alone.

The client alone reads every document into Python and keeps none: what is above it is ours. Servers
are on this machine: Cassandra is the real one, of one node with 512 MB; FerretDB over SQLite and
moto's server stand for MongoDB and DynamoDB and are slower than they are. Exports have DynamoDB's
documented format.
"""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeSerializer
from cassandra.concurrent import execute_concurrent_with_args
from pymongo import MongoClient
from report import arguments, machine, table, write_json

from customer_segmentation.sources.arrivals.parts import Parts, Reader, land_arrivals
from customer_segmentation.sources.readers.cassandra import CassandraReader
from customer_segmentation.sources.readers.dynamodb import DynamoReader
from customer_segmentation.sources.readers.dynamodb_export import DynamoExportReader
from customer_segmentation.sources.readers.mongodb import MongoReader
from tests.services.cassandra.server import PASSWORD, USER, serve_cassandra
from tests.services.ferretdb.server import serve_ferretdb
from tools.rehearsal import serve_moto

# moto takes milliseconds an item.
EMULATED = 20
FIELDS = [f"spend_{number}" for number in range(12)]


def documents(rows: int) -> Iterator[dict[str, Any]]:
    """Customers of 16 values, two of them in an object."""
    for number in range(rows):
        yield {
            "id": number,
            "name": f"customer {number}",
            "address": {"city": f"city {number % 100}", "zip": number % 10_000},
            **{name: (number * place) % 1_000 for place, name in enumerate(FIELDS)},
        }


@contextmanager
def cassandra(rows: int) -> Iterator[tuple[Reader, Callable[[], Iterable[Any]]]]:
    """A table."""
    with serve_cassandra() as server:
        server.keyspace("shop")
        run = server.session.execute
        run("CREATE TYPE shop.address (city text, zip int)")
        numbers = ", ".join(f"{name} int" for name in FIELDS)
        run(
            "CREATE TABLE shop.customers (id int PRIMARY KEY, name text, address shop.address, "
            f"{numbers})"
        )
        names = ["id", "name", "address", *FIELDS]
        marks = ", ".join("?" * len(names))
        insert = server.session.prepare(
            f"INSERT INTO shop.customers ({', '.join(names)}) VALUES ({marks})"  # noqa: S608
        )
        values = (
            [tuple(v.values()) if isinstance(v, dict) else v for v in document.values()]
            for document in documents(rows)
        )
        execute_concurrent_with_args(server.session, insert, values, concurrency=100)
        reader = CassandraReader(
            hosts="127.0.0.1",
            port=server.port,
            user=USER,
            password=PASSWORD,
            keyspace="shop",
            table="customers",
        )
        yield reader, lambda: run("SELECT * FROM shop.customers")


@contextmanager
def mongodb(rows: int) -> Iterator[tuple[Reader, Callable[[], Iterable[Any]]]]:
    """A collection."""
    with serve_ferretdb() as server, MongoClient(server.url) as client:
        collection = client.shop.customers
        collection.insert_many([{"_id": row["id"], **row} for row in documents(rows)])
        yield MongoReader(url=server.url, database="shop", collection="customers"), collection.find


@contextmanager
def dynamodb(rows: int) -> Iterator[tuple[Reader, Callable[[], Iterable[Any]]]]:
    """A table."""
    with serve_moto() as server:
        os.environ.update(server.environment())
        client = boto3.client("dynamodb")
        client.create_table(
            TableName="customers",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "N"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for document in documents(rows):
            client.put_item(TableName="customers", Item=TypeSerializer().serialize(document)["M"])
        pages = client.get_paginator("scan")
        yield (
            DynamoReader(table="customers"),
            lambda: (
                item for page in pages.paginate(TableName="customers") for item in page["Items"]
            ),
        )


@contextmanager
def export(rows: int) -> Iterator[tuple[Reader, Callable[[], Iterable[Any]]]]:
    """An export of one file."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "AWSDynamoDB" / "01693685827463-2d8752fd"
        (folder / "data").mkdir(parents=True)
        file = folder / "data" / "file.json.gz"
        with gzip.open(file, "wt", compresslevel=1) as lines:
            for document in documents(rows):
                lines.write(json.dumps({"Item": TypeSerializer().serialize(document)["M"]}) + "\n")
        told = {"itemCount": rows, "dataFileS3Key": f"{folder.name}/data/{file.name}"}
        (folder / "manifest-files.json").write_text(json.dumps(told))
        (folder / "manifest-summary.json").write_text(json.dumps({"itemCount": rows}))

        def alone() -> Iterator[Any]:
            with gzip.open(file) as lines:
                yield from map(json.loads, lines)

        yield DynamoExportReader(place=place), alone


def measured(name: str, rows: int) -> dict[str, Any]:
    """Seconds of a database, whose rows are counted."""
    with (
        globals()[name](rows) as (reader, alone),
        tempfile.TemporaryDirectory() as folder,
    ):
        started = perf_counter()
        read = sum(1 for _ in alone())
        client = perf_counter() - started
        parts = Parts(folder)
        started, worked = perf_counter(), process_time()
        landed = sum(part.rows for part in land_arrivals(reader, parts))
        seconds, ours = perf_counter() - started, process_time() - worked
        started = perf_counter()
        again = len(land_arrivals(reader, parts))
        if not read == landed == rows or again:
            message = f"{name}: {rows} rows, {read} read, {landed} landed, {again} parts again"
            raise RuntimeError(message)
        return {
            "database": name,
            "rows": rows,
            "landed s": seconds,
            "rows a second": round(rows / seconds),
            "our CPU s": ours,
            "again s": perf_counter() - started,
            "client alone s": client,
        }


def main() -> None:
    """Fill each database, and load it."""
    parser = arguments((__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000, help="a twentieth of it in DynamoDB")
    options = parser.parse_args()
    rows = []
    for name in ("cassandra", "mongodb", "dynamodb", "export"):
        count = options.rows // (EMULATED if name == "dynamodb" else 1)
        try:
            rows.append(measured(name, count))
        except pytest.skip.Exception as absent:
            print(f"{name}: {absent}")
    print("Customers of 16 values, two of them in an object")
    print(machine())
    table(rows)
    write_json(options.json, {"nosql": rows})


if __name__ == "__main__":
    main()
