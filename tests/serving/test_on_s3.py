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
from tests.serving.test_audiences import tables, write_consents, write_gold
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
        wanted, until = Champion(str(other)).current.version, monotonic() + 60.0
        while before["artifact_version"] != wanted and monotonic() < until:
            sleep(0.1)
            before = httpx.post(f"{server.url}/v1/segments", json=a_customer()).json()
        assert before["artifact_version"] == wanted
    for found in bucket.list_objects_v2(Bucket=BUCKET)["Contents"]:
        bucket.delete_object(Bucket=BUCKET, Key=found["Key"])
    bucket.delete_bucket(Bucket=BUCKET)


def test_audiences_of_a_bucket_are_counted_and_kept(
    s3_server: S3Server, bundle: Path, tmp_path: Path
) -> None:
    bucket, name = s3_server.client(), "audiences"
    bucket.create_bucket(Bucket=name)
    write_gold(tmp_path)
    agreed = [(f"c{number:04}", "e_mail", "given", "2014-01-01") for number in range(200)]
    write_consents(tmp_path / "consents.csv", agreed)
    for file in ("segments.parquet", "features.parquet", "consents.csv"):
        bucket.upload_file(str(tmp_path / file), name, file)
    places = [f"{place}".replace(str(tmp_path), f"s3://{name}") for place in tables(tmp_path)]
    with serving(
        bundle, tmp_path / "server", *places, environment=s3_server.environment()
    ) as server:
        asked = {"rule": "income >= 100000", "purpose": "e_mail"}
        told = httpx.post(f"{server.url}/v1/audiences/count", json=asked, timeout=60.0).json()
        assert (told["matching"], told["without_consent"] + told["never"]) == (180, 94)
        kept = f"{server.url}/v1/audiences/spring"
        assert httpx.put(kept, json=asked, timeout=30.0).json()["version"] == 1
        assert httpx.put(kept, json={}, timeout=30.0).json()["version"] == 2
        assert httpx.delete(kept, timeout=30.0).status_code == 204
        assert httpx.get(kept, timeout=30.0).status_code == 404
    found = bucket.list_objects_v2(Bucket=name, Prefix="audiences/")["Contents"]
    assert [each["Key"][-13:] for each in found] == [f"0000000{n}.json" for n in (1, 2, 3)]
    for each in bucket.list_objects_v2(Bucket=name)["Contents"]:
        bucket.delete_object(Bucket=name, Key=each["Key"])
    bucket.delete_bucket(Bucket=name)
