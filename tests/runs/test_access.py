"""Runs by users who may do what their role may: the rights suffice, and what they lack is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import polars.selectors as cs
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError
from s3fs import S3FileSystem

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.monitoring.hourly import HourlyFiles
from customer_segmentation.monitoring.hours import hour_file
from customer_segmentation.monitoring.shadow import ShadowCounts, shadow_file
from customer_segmentation.reading_from import READ_FROM
from tests.runs.project import Project, make_project, shell
from tests.services.s3 import S3Server, add_user, serve_versitygw, versitygw_binary
from tools.access.policies import Names, bucket_policy
from tools.access.roles import declared
from tools.versitygw import understood

BUCKETS = {name: f"{name}-bucket" for name in declared().environments}
# Who has two roles: an administrator who is also a consumer.
BOTH = "both"
TO_SEGMENTS = "--pipelines=ingestion,preprocessing,clustering,label_generation"


@pytest.fixture(scope="module")
def users() -> Iterator[dict[str, S3Server]]:
    """A user a role and one with two, on a server with a bucket an environment."""
    if (binary := versitygw_binary()) is None:
        pytest.skip("versitygw is not built, which needs Go: make services")
    with serve_versitygw(binary) as server:
        users = {name: add_user(server, name) for name in (*declared().roles, BOTH)}
        principals = {role: [role] for role in declared().roles}
        for role in ("administrator", "consumer"):
            principals[role].append(BOTH)
        names = Names(principals, BUCKETS)
        for name, bucket in BUCKETS.items():
            server.make_bucket(bucket)
            policy = understood(bucket_policy(name, names))
            server.client().put_bucket_policy(Bucket=bucket, Policy=policy)
        yield users


def become(patch: pytest.MonkeyPatch, user: S3Server) -> None:
    for name, value in user.environment().items():
        patch.setenv(name, value)
    # Of another user.
    S3FileSystem.clear_instance_cache()


@pytest.fixture(scope="module")
def staged(
    users: dict[str, S3Server], tmp_path_factory: pytest.TempPathFactory, tracking: Path
) -> Project:
    """A project whose staging CI has run, in the bucket of its policy."""
    project = make_project(tmp_path_factory.mktemp("access") / "project", tracking)
    project.make_quick()
    with pytest.MonkeyPatch.context() as patch:
        become(patch, users["ci"])
        patch.setenv("SEGMENTATION_BUCKET", BUCKETS["staging"])
        result = project.run("--env=staging", TO_SEGMENTS)
    assert result.exit_code == 0, result.output
    return project


@pytest.fixture
def as_role(
    staged: Project,  # noqa: ARG001 - staging is there first
    users: dict[str, S3Server],
    monkeypatch: pytest.MonkeyPatch,
) -> Any:
    def change(role: str) -> None:
        become(monkeypatch, users[role])
        monkeypatch.setenv("SEGMENTATION_BUCKET", BUCKETS["staging"])

    return change


def refused(project: Project, *arguments: str) -> str:
    before = project.files()
    result = project.run(*arguments)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    assert project.files() == before
    return result.output[result.output.index("Error: ") :].strip()


def test_ci_runs_staging_and_a_debugger_reads_it_from_dev(
    staged: Project, as_role: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_role("debugger")
    monkeypatch.setenv(READ_FROM, "staging")
    result = staged.run("--pipelines=eda,clustering")
    assert result.exit_code == 0, result.output
    told = json.loads((staged.root / "data/lineage.json").read_text())["tables_and_files"]
    assert told["segmenter_candidate"]["made_by"].endswith(", of staging")


REFUSED = {
    "bronze": ("debugger", "staging", "--pipelines=preprocessing"),
    "quarantine": ("debugger", "staging", "--pipelines=label_generation"),
    "a stranger reads": ("consumer", "staging", "--pipelines=eda"),
    "a stranger runs": ("developer", "", "--env=staging --pipelines=ingestion"),
    "a reader runs": ("debugger", "", "--env=staging --pipelines=eda"),
    "prod runs": ("service", "", "--env=staging --pipelines=ingestion"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_run_without_the_right_is_refused_in_one_line(
    staged: Project, as_role: Any, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    role, lender, arguments = REFUSED[case]
    as_role(role)
    monkeypatch.setenv(READ_FROM, lender)
    said = refused(staged, *arguments.split())
    assert "docs/access.md" in said
    assert said.startswith(f"Error: s3://{BUCKETS['staging']}") or not lender


def test_who_runs_staging_may_clean_it_and_not_forget_without_seeing_old_versions(
    staged: Project, as_role: Any
) -> None:
    as_role("ci")
    cleaned = staged.kedro("clean", "--env=staging", "--do")
    assert cleaned.exit_code == 0, cleaned.output
    result = staged.kedro("forget", "4822", "--env=staging", "--do")
    assert result.exit_code == 1
    assert "may not see whether the bucket keeps old versions" in result.output
    assert "s3:GetBucketVersioning" in result.output


def as_delta_rs(user: S3Server) -> dict[str, str]:
    keys = {name.lower(): value for name, value in user.environment().items()}
    return keys | {"aws_conditional_put": "etag"}


def prods(name: str) -> str:
    return f"s3://{BUCKETS['prod']}/{name}"


def test_consumers_read_prods_gold_and_not_its_quarantine(users: dict[str, S3Server]) -> None:
    """With delta-rs in place of Spark, which writes the same objects."""
    table = pa.table({"customer_id": ["1", "2"]})

    def read(name: str, role: str) -> pa.Table:
        found = DeltaTable(prods(name), storage_options=as_delta_rs(users[role]))
        return pa.table(found.to_pyarrow_table())

    def add(name: str, role: str) -> None:
        options = as_delta_rs(users[role])
        write_deltalake(prods(name), table, mode="append", storage_options=options)

    for name in ("gold/segments", "silver/quarantine"):
        add(name, "service")
    assert read("gold/segments", "consumer") == table
    with pytest.raises(OSError, match="AccessDenied"):
        read("silver/quarantine", "consumer")
    with pytest.raises(DeltaError, match="AccessDenied"):
        add("gold/segments", "consumer")
    assert read("silver/quarantine", "steward") == table
    assert read("gold/segments", "service") == table


def test_staging_reads_prods_delta_tables_in_a_bucket_as_their_consumer(
    staged: Project, users: dict[str, S3Server]
) -> None:
    place, options = f"s3://{BUCKETS['staging']}/gold/features.parquet", as_delta_rs(users["ci"])
    features = pl.read_parquet(place, storage_options=options)
    # As Spark has days.
    features = features.with_columns(cs.datetime().dt.replace_time_zone("UTC"))
    options = as_delta_rs(users["service"])
    write_deltalake(prods("gold/features"), features.to_arrow(), storage_options=options)
    settings = users[BOTH].environment() | {
        READ_FROM: "prod",
        "SEGMENTATION_BUCKET": BUCKETS["staging"],
        "SEGMENTATION_TABLES": f"s3a://{BUCKETS['prod']}",
        "SEGMENTATION_MODELS": prods("models"),
    }
    # In a shell of its own: Polars keeps the keys of whom it met first.
    done = shell(staged, "kedro", "run", "--env=staging", "--pipelines=clustering", **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "read from prod, and only read" in done.stdout + done.stderr


def test_the_next_environment_reads_the_models_of_the_one_below_and_nothing_else(
    users: dict[str, S3Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    for role, below, writer in (("ci", "dev", "developer"), ("service", "staging", "ci")):
        bucket = BUCKETS[below]
        become(monkeypatch, users[writer])
        files = fsspec.filesystem("s3")
        for key in ("models/bundles/1/segmenter.onnx", "models/promotions/1.json"):
            files.pipe_file(f"{bucket}/{key}", b"a model")
        files.pipe_file(f"{bucket}/gold/segments.parquet", b"a table")
        become(monkeypatch, users[role])
        files = fsspec.filesystem("s3")
        store = BundleStore(f"s3://{bucket}/models", below)
        assert store.kept() == ["1"]
        assert store.last() == "1.json"
        assert files.cat_file(f"{bucket}/models/bundles/1/segmenter.onnx") == b"a model"
        with pytest.raises(PermissionError):
            files.cat_file(f"{bucket}/gold/segments.parquet")
        with pytest.raises(PermissionError):
            files.pipe_file(f"{bucket}/models/promotions/2.json", b"mine")


def test_a_server_keeps_its_counts_and_a_consumer_cannot(
    users: dict[str, S3Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the class that servers write with: over its own file, too, and where nothing was."""
    counts = ShadowCounts("live", "tried", 3, {}, {}, 0, 0)
    root, hour = prods("monitoring"), "2026-11-30T13"

    def summary_file(root: str, _counts: ShadowCounts, hour: str, writer: str) -> str:
        return hour_file(root, "api", hour, "live", writer)

    for role in ("server", "consumer"):
        become(monkeypatch, users[role])
        for place in (shadow_file, summary_file):
            files = HourlyFiles(root, lambda: hour, place)
            for _ in range(2):
                files.add(counts)
                assert files.write() == (role == "server"), place
    become(monkeypatch, users["service"])
    found = fsspec.filesystem("s3").find(root)
    stated = [json.loads(fsspec.filesystem("s3").cat_file(each)) for each in found]
    assert [each["customers"] for each in stated] == [6, 6]
