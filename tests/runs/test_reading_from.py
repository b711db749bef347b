"""A run in one environment reads another's tables, and writes only its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import mlflow
import pandas as pd
import pytest
from kedro.io import MemoryDataset
from s3fs import S3FileSystem

from customer_segmentation.datasets.whole_files import WholeFilesCatalog
from customer_segmentation.errors import UserError
from customer_segmentation.reading_from import READ_FROM
from tests.runs.project import Project
from tools.rehearsal import S3Server

TO_FEATURES = "--pipelines=ingestion,preprocessing"


@pytest.fixture
def bucket(moto_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """Staging's bucket, new and empty."""
    for name, value in moto_server.environment().items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    bucket = f"reading-{uuid4().hex[:12]}"
    moto_server.make_bucket(bucket)
    monkeypatch.setenv("SEGMENTATION_BUCKET", bucket)
    return bucket


def run(project: Project, *arguments: str) -> str:
    result = project.run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def refused(project: Project, *arguments: str) -> str:
    before = project.files()
    result = project.run(*arguments)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    assert result.output.count("Error: ") == 1
    assert project.files() == before
    return result.output[result.output.index("Error: ") :].strip()


def objects(bucket: str) -> dict[str, str]:
    """Each object of a bucket, with its ETag."""
    files = fsspec.filesystem("s3", use_listings_cache=False)
    return {name: info["ETag"] for name, info in files.find(bucket, detail=True).items()}


def ledger(place: Path | str) -> dict[str, Any]:
    with fsspec.open(str(place)) as file:
        return json.loads(file.read())["tables_and_files"]


def of_dev(project: Project) -> dict[str, bytes]:
    """Every file of dev's, which has the folder that the others' are in."""
    return {n: c for n, c in project.files().items() if not n.startswith("staging/")}


def test_staging_scores_devs_customers_and_leaves_dev_as_it_was(
    used_project: Project, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = used_project.root / "data"
    # A run of dev's may be on.
    waiting = data / "silver/.pending/customers.parquet"
    waiting.parent.mkdir()
    waiting.write_bytes(b"of a run that is on")
    before = of_dev(used_project)
    monkeypatch.setenv(READ_FROM, "dev")
    run(used_project, "--env=staging", "--pipelines=label_generation")
    assert of_dev(used_project) == before
    theirs = pd.read_parquet(data / "gold/segments.parquet")
    ours = pd.read_parquet(f"s3://{bucket}/gold/segments.parquet")
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False)
    # Nothing that was read became staging's own.
    made = {"gold_segments", "gold_unsegmented", "gold_segment_profiles"}
    tables = {name.removeprefix("gold_") for name in made}
    assert set(objects(bucket)) == {
        f"{bucket}/lineage.json",
        *(f"{bucket}/gold/{name}.parquet" for name in tables),
    }
    told, dev = ledger(f"s3://{bucket}/lineage.json"), ledger(data / "lineage.json")
    assert set(told) == made
    for name, entry in told.items():
        assert entry["made_by"].endswith(", of dev")
        assert entry["artifact_version"] == dev[name]["artifact_version"]
        read = {each: mark for each, mark in entry["made_from"].items() if each not in made}
        known = {each: dev[each]["content"]["mark"] for each in read if each in dev}
        assert known
        assert known.items() <= read.items()
    assert mlflow.last_active_run().data.tags["read_from"] == "dev"


@pytest.mark.usefixtures("bucket")
def test_what_was_made_of_anothers_tables_is_not_joined_with_ones_own(
    used_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(READ_FROM, "dev")
    run(used_project, "--env=staging", "--pipelines=label_generation")
    monkeypatch.delenv(READ_FROM)
    run(used_project, "--env=staging", f"{TO_FEATURES},clustering")
    told = refused(used_project, "--env=staging", "--pipelines=supervised_training")
    assert "gold_segments" in told
    assert "made from different states of" in told
    # With dev's it still goes together.
    monkeypatch.setenv(READ_FROM, "dev")
    run(used_project, "--env=staging", "--pipelines=supervised_training")


@pytest.mark.usefixtures("bucket")
def test_dev_explores_stagings_customers(
    used_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(used_project, "--env=staging", TO_FEATURES, "--params=customers.as_of=2014-07-01")
    features = (used_project.root / "data/gold/features.parquet").read_bytes()
    before = ledger(used_project.root / "data/lineage.json")
    monkeypatch.setenv(READ_FROM, "staging")
    day = "--params=customers.as_of=2014-07-01"
    bundles = sorted((used_project.root / "data/models/bundles").iterdir())
    run(used_project, "--pipelines=eda,clustering,label_generation,supervised_training", day)
    # Models of another environment's customers are never promoted.
    assert sorted((used_project.root / "data/models/bundles").iterdir()) == bundles
    assert (used_project.root / "data/gold/features.parquet").read_bytes() == features
    told = ledger(used_project.root / "data/lineage.json")
    assert told["gold_features"] == before["gold_features"]
    assert told["eda_summary"]["made_from"]["gold_features"].startswith("etag:")
    assert told["eda_summary"]["made_by"].endswith(", of staging")


REFUSED = {
    "itself": ({}, "dev", "eda", "is dev, which is this environment: unset it"),
    "nobody": ({}, "production", "eda", "there is no environment `production`"),
    "base": ({}, "base", "eda", "there is no environment `base`"),
    "all made here": (
        {},
        "prod",
        "ingestion,preprocessing",
        "reads no table that it does not make",
    ),
    "promotion": ({}, "prod", "promotion", "judged by this environment's own customers"),
    "no bucket": ({"SEGMENTATION_BUCKET": ""}, "staging", "eda", "staging has no bucket yet"),
    "nothing there": (
        {},
        "staging",
        "eda",
        "staging has no gold_features, row_accounting yet: run kedro run",
    ),
    "Delta by pandas": ({}, "prod", "eda", "gold_features of prod cannot be read here"),
}


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_line(
    new_project: Project, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    settings, lender, steps, said = REFUSED[case]
    for name, value in (settings | {READ_FROM: lender}).items():
        monkeypatch.setenv(name, value)
    assert said in refused(new_project, f"--pipelines={steps}")


def test_tables_that_are_being_published_are_not_read(
    used_project: Project, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = used_project.root / "data/lineage.json"
    told = json.loads(place.read_text())
    nothing: dict[str, Any] = {"moves": {}, "entries": {}, "parameters": {}}
    place.write_text(json.dumps(told | {"publishing": {"run": {"run_id": "one"}, **nothing}}))
    monkeypatch.setenv(READ_FROM, "dev")
    said = refused(used_project, "--env=staging", "--pipelines=eda")
    assert "dev is publishing the outputs of a run" in said
    assert not objects(bucket)


MISTAKES = {
    "SEGMENTATION_TABLES=s3a://BUCKET": ("eda", "would write lineage.json to"),
    "SEGMENTATION_MODELS=s3://BUCKET/models": ("clustering", "would write segmenter_candidate to"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_write_to_where_it_reads_is_refused_before_anything_runs(
    used_project: Project, bucket: str, monkeypatch: pytest.MonkeyPatch, mistake: str
) -> None:
    """Prod's root is set to staging's bucket."""
    name, _, root = mistake.replace("BUCKET", bucket).partition("=")
    monkeypatch.setenv(name, root)
    monkeypatch.setenv(READ_FROM, "prod")
    steps, said = MISTAKES[mistake]
    told = refused(used_project, "--env=staging", f"--pipelines={steps}")
    assert said in told
    assert "which is prod's. Nothing was run" in told
    assert not objects(bucket)


def test_a_lent_table_cannot_be_saved() -> None:
    catalog = WholeFilesCatalog.from_config({"one": {"type": "MemoryDataset"}})
    theirs = MemoryDataset(1)
    catalog.lend({"one": theirs})
    assert catalog.load("one") == 1
    with pytest.raises(UserError, match="one is another environment's"):
        catalog.save("one", 2)
    assert theirs.load() == 1
    catalog.lend({})
    catalog.save("one", 2)
    assert catalog.load("one") == 2
