"""Staging is cleaned of what is older than its retention, and of nothing that is needed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from customer_segmentation.bundles.bundle import ABOUT, COLD_START, SEGMENTER, StoredBundle
from customer_segmentation.bundles.challenger import Challenger
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.delivery.log import FOLDER
from customer_segmentation.retention.clean import clean
from customer_segmentation.retention.erase import has_rows
from customer_segmentation.retention.places import Environment
from customer_segmentation.session import ProjectSession
from tests.promotion.example import an_entry
from tests.runs.project import Project
from tests.runs.tables import read_table
from tests.runs.test_campaign_measurement import write_log
from tests.runs.test_feedback import feedback, write_inbox
from tests.services.s3 import S3Server

BUCKET = "cleaning"
OLD = timedelta(days=31)


def bundle(name: str, age: timedelta = OLD) -> StoredBundle:
    """A bundle of this age, whose models nobody reads here."""
    about = {"made_at": (datetime.now(UTC) - age).isoformat(), "artifact_version": name}
    models = {SEGMENTER: name.encode(), COLD_START: b"cold"}
    return StoredBundle({**models, ABOUT: json.dumps(about).encode()})


@pytest.fixture
def staging(
    new_project: Project, moto_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> BundleStore:
    """An empty bucket for staging."""
    for name, value in moto_server.environment().items():
        monkeypatch.setenv(name, value)
    bucket = f"{BUCKET}-{os.urandom(4).hex()}"
    moto_server.make_bucket(bucket)
    monkeypatch.setenv("SEGMENTATION_BUCKET", bucket)
    monkeypatch.chdir(new_project.root)
    return BundleStore(f"s3://{bucket}/models", "staging")


@contextmanager
def environment(project: Project) -> Iterator[Environment]:
    with ProjectSession.create(project.root, env="staging") as session:
        yield Environment.of(session.load_context())  # type: ignore[attr-defined]


def cleaned(project: Project, *options: str) -> str:
    result = project.kedro("clean", "--env=staging", *options)
    assert result.exit_code == 0, result.output
    return result.output


def test_old_bundles_go_and_never_one_that_a_promotion_refers_to(
    new_project: Project, staging: BundleStore
) -> None:
    first, second, candidate, old = map(bundle, ("first", "second", "candidate", "old"))
    new = bundle("new", timedelta(days=29))
    for each in (first, second, candidate, old, new):
        staging.add(each)
    for name in (SEGMENTER, COLD_START):
        staging._files.pipe_file(f"{staging._path}/candidate/{name}", candidate.files[name])
    staging.append(an_entry(first, None))
    staging.append(an_entry(second, first.id))
    told = cleaned(new_project)
    assert f"bundles/{old.id}: bundle that no promotion refers to" in told
    assert "Nothing has changed: add --do" in told
    assert len(staging.kept()) == 5
    cleaned(new_project, "--do")
    assert set(staging.kept()) == {each.id for each in (first, second, candidate, new)}
    assert staging.bundle(first.id) == first
    assert "0 things" in cleaned(new_project, "--do")
    cleaned(new_project, "--do", "--retain-days=28")
    assert new.id not in staging.kept()
    assert {first.id, second.id, candidate.id} <= set(staging.kept())


def test_half_a_bundle_and_what_killed_runs_left_go_once_they_are_old(
    new_project: Project, staging: BundleStore, moto_server: S3Server
) -> None:
    bucket, client = staging._path.partition("/")[0], moto_server.client()
    left = ["models/bundles/abc/segmenter.onnx", "gold/.pending/features.parquet"]
    kept = ["gold/features.parquet", "lineage.json"]
    ledger = b'{"tables_and_files": {}, "parameters": {}}'
    for key in (*left, *kept):
        client.put_object(Bucket=bucket, Key=key, Body=ledger)
    client.create_multipart_upload(Bucket=bucket, Key="gold/.pending/other.parquet")
    told: list[str] = []
    with environment(new_project) as place:
        clean(place, None, told.append, is_dry=False)
        assert keys(client, bucket) == {*left, *kept}
        clean(place, None, told.append, is_dry=False, now=datetime.now(UTC) + OLD)
    assert keys(client, bucket) == {*kept}
    assert not client.list_multipart_uploads(Bucket=bucket).get("Uploads")
    assert any("unfinished upload" in line for line in told)


def test_what_a_killed_run_is_yet_to_publish_stays(
    new_project: Project, staging: BundleStore, moto_server: S3Server
) -> None:
    bucket, client = staging._path.partition("/")[0], moto_server.client()
    waits = {"run": {}, "moves": {}, "entries": {}, "parameters": {}}
    ledger = {"tables_and_files": {}, "parameters": {}, "publishing": waits}
    client.put_object(Bucket=bucket, Key="lineage.json", Body=json.dumps(ledger).encode())
    client.put_object(Bucket=bucket, Key="gold/.pending/features.parquet", Body=b"rows")
    with environment(new_project) as place:
        clean(place, None, print, is_dry=False, now=datetime.now(UTC) + OLD)
    assert "gold/.pending/features.parquet" in keys(client, bucket)


def test_the_landed_copy_and_reports_go_and_what_is_made_from_stays(
    new_project: Project, staging: BundleStore
) -> None:
    assert staging.kept() == []
    data = new_project.root / "data" / "staging"
    gone = [data / "landed" / "source.parquet", data / "reporting" / "report.html"]
    stay = [data / "reporting" / "row_accounting.json", data / "reporting" / "new.html"]
    for file in (*gone, *stay):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}")
        aged(file)
    cleaned(new_project, "--do")
    assert [file.exists() for file in (*gone, *stay)] == [False, False, True, True]


def test_of_the_history_the_newest_statement_stays_however_old(
    new_project: Project, staging: BundleStore, moto_server: S3Server
) -> None:
    bucket, client = staging._path.partition("/")[0], moto_server.client()
    parts = [
        "gold/history/2024-01-31_2024-02-01T060000.000000Z.parquet",
        "gold/history/2024-02-29_2024-03-01T060000.000000Z.parquet",
        "gold/history/2024-01-31_2024-04-01T060000.000000Z.parquet",
    ]
    # Of features, there are statements of two days.
    features = [key.replace("gold/history", "gold/feature_history") for key in parts[:2]]
    for key in (*parts, *features):
        client.put_object(Bucket=bucket, Key=key, Body=b"rows")
    told = cleaned(new_project, "--do")
    assert "who was where on 2024-01-31 of 2024-02-01" in told
    assert "features on 2024-01-31 of 2024-02-01" in told
    # That of the latest day is what the next day is compared with.
    assert {key for key in keys(client, bucket) if "history" in key} == {
        *parts[1:],
        features[1],
    }


def test_old_hours_and_findings_go_but_not_those_of_a_trial_nor_what_was_told(
    new_project: Project, staging: BundleStore, moto_server: S3Server
) -> None:
    bucket, client = staging._path.partition("/")[0], moto_server.client()
    live, tried = bundle("live"), bundle("tried")
    for each in (live, tried):
        staging.add(each)
    staging.append(an_entry(live, None))
    staging.challengers.begin(Challenger(bundle=tried.id, champion=live.id, promotion=1))
    now = datetime.now(UTC)
    old, new = ((now - age).strftime("%Y-%m-%dT%H") for age in (OLD, timedelta(days=29)))
    gone = {
        f"monitoring/summaries/api/{old}/1/a.json",
        f"monitoring/summaries/stream/{old}/1/.half.json",
        f"monitoring/shadow/{'0' * 16}/{old}/a.json",
        "gold/monitoring/2024-01-31_2024-02-01T060000.000000Z.parquet",
    }
    stay = {
        f"monitoring/summaries/api/{new}/1/a.json",
        "monitoring/summaries/api/notes/1/a.json",
        # Promotion judges a challenger by all hours of its trial.
        f"monitoring/shadow/{tried.id}/{old}/a.json",
        # By it nothing is told twice, and windows are known again.
        "monitoring/alerts/00000001-noted.json",
        "monitoring/memory.json",
        "gold/monitoring/2024-02-29_2024-03-01T060000.000000Z.parquet",
    }
    for key in gone | stay:
        client.put_object(Bucket=bucket, Key=key, Body=b"{}")
    told = cleaned(new_project)
    assert f"monitoring/summaries/api/{old}: counts of an hour of {old[:10]}" in told
    assert gone <= keys(client, bucket)
    cleaned(new_project, "--do")
    kept = {key for key in keys(client, bucket) if "monitoring" in key}
    assert kept == stay


def test_an_hour_goes_with_its_folder_where_there_are_folders(
    new_project: Project, staging: BundleStore, tmp_path: Path
) -> None:
    assert staging.kept() == []
    hours = tmp_path / "monitoring" / "summaries" / "api"
    for hour in ("2024-01-31T13", datetime.now(UTC).strftime("%Y-%m-%dT%H")):
        for version in ("1", "2"):
            file = hours / hour / version / "a.json"
            file.parent.mkdir(parents=True)
            file.write_text("{}")
    told: list[str] = []
    with environment(new_project) as place:
        place.catalog.get("monitoring_hours")._folder = str(tmp_path / "monitoring")
        clean(place, None, told.append, is_dry=False)
    assert "2024-01-31T13" not in [each.name for each in hours.iterdir()]
    assert len([*hours.glob("*/*/a.json")]) == 2


def test_an_environment_without_a_retention_is_not_cleaned(used_project: Project) -> None:
    before = used_project.files()
    result = used_project.kedro("clean", "--do", "--retain-days=1")
    assert result.exit_code == 1
    assert "Error: dev keeps everything: set retain_days in its globals.yml" in result.output
    assert used_project.files() == before


def aged(file: Path) -> None:
    then = time.time() - OLD.total_seconds()
    os.utime(file, (then, then))


def keys(client: Any, bucket: str) -> set[str]:
    found = client.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {each["Key"] for each in found}


def test_outcomes_go_where_they_landed_and_where_they_were_recorded(
    new_project: Project, staging: BundleStore
) -> None:
    root = staging.root.removesuffix("/models")
    write_log(f"{root}/{FOLDER}")
    for name in ("first", "second"):
        # The newest statement stays, as of the other histories.
        row = f"{name},7,spring,1,2026-11-30"
        header = "outcome_id,customer_id,campaign,answered,happened_at"
        write_inbox(new_project.root / "data" / "staging", f"{name}.csv", [header, row])
        assert feedback(new_project, "--env=staging").exit_code == 0
    with environment(new_project) as found:
        clean(found, 30, [].append, is_dry=False, now=datetime.now(UTC) + OLD)
        assert not any(map(has_rows, _parts(found)))
    assert set(read_table(root, "gold_outcomes")["outcome_id"]) == {"second"}
    again = feedback(new_project, "--env=staging")
    assert again.exit_code == 0, again.output
    assert "Outcomes: 0 have arrived, 0 are new, 1 are in force" in again.output


def _parts(found: Environment) -> list[str]:
    dataset: Any = found.catalog.get("arrived_outcomes")
    places = [parts.url(part) for parts in dataset.landed() for part in parts.all()]
    assert len(places) == 2
    return places
