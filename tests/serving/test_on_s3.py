"""A server whose bundle and stored answers are on S3."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import polars as pl
import pytest
from deltalake import write_deltalake

from customer_segmentation.serving.bundle import Champion
from customer_segmentation.tables.history import Statement
from tests.serving.example import a_customer, write_bundle
from tests.serving.process import serving
from tools.rehearsal import S3Server

BUCKET = "served"
PLACES = {"parquet": "gold/segments.parquet", "delta": "gold/segments"}
HISTORY = "gold/history"


def put_bundle(server: S3Server, bundle: Path) -> None:
    for file in bundle.iterdir():
        server.client().upload_file(str(file), BUCKET, f"models/{file.name}")


def put_answers(server: S3Server, kind: str, folder: Path, segment: str) -> None:
    """The answer for one customer, as a batch run writes it."""
    row: dict[str, Any] = {"customer_id": "10476", "segment": segment, "segment_id": 1}
    rows = pl.DataFrame([row | {"as_of": date(2014, 6, 30), "artifact_version": "0123456789ab"}])
    if kind == "delta":
        write_deltalake(
            f"s3://{BUCKET}/{PLACES[kind]}",
            rows.to_arrow(),
            mode="overwrite",
            storage_options=server.environment(),
        )
        return
    rows.write_parquet(folder / "segments.parquet")
    server.client().upload_file(str(folder / "segments.parquet"), BUCKET, PLACES[kind])


def put_snapshot(server: S3Server, kind: str, folder: Path, segment: str, day: int) -> None:
    """A statement of where the customer is, as a batch run appends it."""
    statement = Statement(f"2026-01-{day:02}T12:00:00.000000Z", date(2014, 6, day))
    row = dict.fromkeys(("segment_name", "runner_up", "artifact_version", "run_id"), "x")
    row |= {"customer_id": "10476", "segment": segment, "recorded_at": statement.recorded_at}
    rows = pl.DataFrame([row | {"as_of": statement.as_of, "margin": 0.5}])
    place = f"{HISTORY}/{statement.part}"
    if kind == "delta":
        options = server.environment()
        write_deltalake(
            f"s3://{BUCKET}/{HISTORY}", rows.to_arrow(), mode="append", storage_options=options
        )
        return
    rows.write_parquet(folder / statement.part)
    server.client().upload_file(str(folder / statement.part), BUCKET, place)


@pytest.mark.parametrize("kind", PLACES)
def test_the_bundle_and_the_answers_of_a_bucket_are_served_and_followed(
    s3_server: S3Server, bundle: Path, tmp_path: Path, kind: str
) -> None:
    bucket = s3_server.client()
    bucket.create_bucket(Bucket=BUCKET)
    put_bundle(s3_server, bundle)
    put_answers(s3_server, kind, tmp_path, "s1")
    other = write_bundle(tmp_path / "other", segments=4)
    places = ["--bundle", f"s3://{BUCKET}/models", "--segments", f"s3://{BUCKET}/{PLACES[kind]}"]
    put_snapshot(s3_server, kind, tmp_path, "s1", 1)
    places += ["--history", f"s3://{BUCKET}/{HISTORY}"]
    options = [*places, "--look-seconds", "0.1", "--job-workers", "0"]
    with serving(
        bundle, tmp_path / "server", *options, environment=s3_server.environment()
    ) as server:
        before = httpx.post(f"{server.url}/v1/segments", json=a_customer()).json()
        stored = httpx.get(f"{server.url}/v1/customers/10476")
        assert stored.json()["segment"] == "s1"
        put_answers(s3_server, kind, tmp_path, "s2")
        fresh = httpx.get(
            f"{server.url}/v1/customers/10476", headers={"if-none-match": stored.headers["etag"]}
        )
        assert fresh.json()["segment"] == "s2"
        put_snapshot(s3_server, kind, tmp_path, "s2", 2)
        history = httpx.get(f"{server.url}/v1/history/10476").json()
        assert [snapshot["segment"] for snapshot in history] == ["s2", "s1"]
        put_bundle(s3_server, other)
        wanted, until = Champion(str(other)).current.version, monotonic() + 20.0
        while before["artifact_version"] != wanted and monotonic() < until:
            sleep(0.1)
            before = httpx.post(f"{server.url}/v1/segments", json=a_customer()).json()
        assert before["artifact_version"] == wanted
    for found in bucket.list_objects_v2(Bucket=BUCKET)["Contents"]:
        bucket.delete_object(Bucket=BUCKET, Key=found["Key"])
    bucket.delete_bucket(Bucket=BUCKET)
