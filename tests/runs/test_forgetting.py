"""One customer is erased from an environment, every byte is searched, and nothing else changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import fsspec
import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import Result
from s3fs import S3FileSystem

from customer_segmentation.datasets.online_features import OnlineFeaturesDataset
from customer_segmentation.feature_store.stores import SETTING
from customer_segmentation.lineage.ledger import Ledger, read_ledger
from customer_segmentation.serving.body import Upload
from customer_segmentation.serving.jobs.files import JobFiles
from customer_segmentation.serving.jobs.quota import Usage
from customer_segmentation.serving.jobs.table import JobTable
from tests.feature_store.test_online import fill
from tests.runs.project import Project, make_project
from tests.runs.tables import TABLES, in_one_form, read_table
from tests.services.redis import RedisServer
from tests.services.s3 import S3Server
from tests.services.sagemaker import serve_sagemaker

# The one whose income is far outside, so that reports name them; and one who is in quarantine.
NAMED = "4822"
BUCKET = "forgetting"


def left_out(project: Project) -> str:
    found = pd.read_parquet(project.root / "data" / "silver" / "quarantine.parquet")
    return str(found["customer_id"].iloc[0])


def forgotten(project: Project, customer: str, *options: str) -> Result:
    result = project.kedro("forget", customer, "--do", *options)
    assert result.exit_code == 0, result.output
    assert "0 hold this id" in result.output
    return result


def require_only_rows_gone(
    before: dict[str, pd.DataFrame], after: dict[str, pd.DataFrame], customer: str
) -> int:
    """Every table is what it was, but for the rows of one customer; returns how many."""
    gone = 0
    for name, old in before.items():
        key = next((c for c in ("customer_id", "ID") if c in old), None)
        kept = old[old[key] != customer] if key else old
        gone += len(old) - len(kept)
        pd.testing.assert_frame_equal(after[name], kept.reset_index(drop=True))
    return gone


def require_one_state(ledger: Ledger) -> None:
    """Everything was made from what there is now."""
    assert ledger.rewriting == ()
    for entry in ledger.entries.values():
        for name, mark in entry.made_from.items():
            assert name not in ledger.entries or mark == ledger.entries[name].content.mark


def tables(root: str) -> dict[str, pd.DataFrame]:
    return {name: read_table(root, name) for name in TABLES}


def landed(place: str) -> pd.DataFrame:
    with fsspec.open(place, "rb") as file:
        return in_one_form(pq.read_table(file).to_pandas(), ["row_number"])


def test_a_customer_is_gone_from_every_file_and_all_else_is_as_it_was(
    used_project: Project,
) -> None:
    data = used_project.root / "data"
    before, files = tables(str(data)), used_project.files()
    source = landed(str(data / "landed" / "source.parquet"))
    told = forgotten(used_project, NAMED).output
    assert require_only_rows_gone(before, tables(str(data)), NAMED) == 6
    after = {"landed": landed(str(data / "landed" / "source.parquet"))}
    assert require_only_rows_gone({"landed": source}, after, NAMED) == 1
    now = used_project.files()
    changed = {name for name in files if now.get(name) != files[name]}
    named = {name for name in files if f"data/{name}: 1 " in told}
    assert changed == named | {"lineage.json"}
    assert now.keys() == files.keys()
    lines = files["gold/feature_table.csv"].splitlines()
    kept = [line for line in lines if not line.startswith(f'"{NAMED}",'.encode())]
    assert now["gold/feature_table.csv"].splitlines() == kept
    for name in ("reporting/report.html", "reporting/summary.txt"):
        assert now[name].replace(b"[erased]", NAMED.encode()) == files[name]
        assert b"customer [erased] (666,666)" in now[name]


def test_what_a_source_left_out_is_erased_from_quarantine(used_project: Project) -> None:
    customer = left_out(used_project)
    data = str(used_project.root / "data")
    before = tables(data)
    forgotten(used_project, customer)
    after = tables(data)
    require_only_rows_gone(before, after, customer)
    assert len(after["silver_quarantine"]) == len(before["silver_quarantine"]) - 1
    assert len(after["gold_unsegmented"]) == len(before["gold_unsegmented"]) - 1


def test_without_do_nothing_changes_and_every_place_is_told(used_project: Project) -> None:
    before = used_project.files()
    result = used_project.kedro("forget", NAMED)
    assert result.exit_code == 0, result.output
    assert used_project.files() == before
    assert "  data/gold/segments.parquet: 1 row, written anew without" in result.output
    assert "data/sample/customers.csv: the source" in result.output
    assert "dev, " not in result.output
    assert "Nothing has changed: add --do" in result.output


def test_later_runs_take_the_tables_as_those_of_the_run_that_made_them(
    used_project: Project,
) -> None:
    forgotten(used_project, NAMED)
    require_one_state(read_ledger(str(used_project.root / "data" / "lineage.json")))
    result = used_project.run("--pipelines=label_generation,feature_export,reporting")
    assert result.exit_code == 0, result.output
    assert NAMED not in result.output


def test_somebody_who_is_not_there_changes_nothing(used_project: Project) -> None:
    before = used_project.files()
    assert "0 of them hold this id" in forgotten(used_project, "nobody-7").output
    assert used_project.files() == before


def test_what_the_product_did_not_write_is_named_and_the_command_fails(
    used_project: Project,
) -> None:
    own = used_project.root / "data" / "exports" / "my_list.csv"
    own.parent.mkdir()
    own.write_text(f"name,ID\nsomebody,{NAMED}\n")
    result = used_project.kedro("forget", NAMED, "--do")
    assert result.exit_code == 1
    assert "Error: customer 4822 in dev is not forgotten: data/exports/my_list.csv" in result.output
    assert own.read_text() == f"name,ID\nsomebody,{NAMED}\n"


def test_the_sample_and_other_environments_are_left_alone(used_project: Project) -> None:
    other = used_project.root / "data" / "prod" / "gold" / "segments.csv"
    other.parent.mkdir(parents=True)
    other.write_text(f"customer_id\n{NAMED}\n")
    sample = used_project.root / "data" / "sample" / "customers.csv"
    before = sample.read_bytes()
    forgotten(used_project, NAMED)
    assert sample.read_bytes() == before
    assert NAMED in other.read_text()


def test_an_id_that_is_a_number_elsewhere_is_only_erased_where_it_names_a_customer(
    used_project: Project,
) -> None:
    """The number of rows of the source is the id of a customer, too, and counts stay."""
    accounting = json.loads((used_project.root / "data/reporting/row_accounting.json").read_text())
    count = str(accounting["customers"])
    data = used_project.root / "data"
    silver = pd.read_parquet(data / "silver" / "customers.parquet")
    silver.loc[0, "customer_id"] = count
    silver.to_parquet(data / "silver" / "customers.parquet", index=False)
    before = used_project.files()
    forgotten(used_project, count)
    now = used_project.files()
    assert {name for name in before if now[name] != before[name]} == {"silver/customers.parquet"}


def test_tables_of_a_catalog_are_refused_with_where_to_read_on(new_project: Project) -> None:
    result = new_project.kedro("forget", NAMED, "--env=databricks", "--do")
    assert result.exit_code == 1
    assert "Error: databricks keeps its tables in a catalog" in result.output


def test_jobs_of_the_api_that_hold_the_customer_are_removed_whole(used_project: Project) -> None:
    folder = used_project.root / "data" / "jobs"
    table, files = JobTable(f"sqlite:///{folder / 'jobs.db'}", 1_000.0), JobFiles(folder)
    limits, jobs = Usage(10, 1_000, 1_000_000), {}
    for customer in (NAMED, "1"):
        identity = token_hex(16)
        files.incoming(identity).write_text(f"ID,Income\n{customer},1\n")
        files.accept(identity)
        upload = Upload(1, "0")
        table.add(identity, "me", upload, {"format": "csv"}, key=None, limits=limits)
        jobs[customer] = identity
    told = forgotten(used_project, NAMED).output
    assert f"data/jobs/{jobs[NAMED]}: 1 trace, in a job of the API" in told
    assert table.find(jobs[NAMED]) is None
    assert table.find(jobs["1"])
    assert not files.upload(jobs[NAMED]).exists()
    assert files.upload(jobs["1"]).exists()
    table.engine.dispose()


def test_the_feature_store_forgets_too_and_the_next_run_changes_nothing(
    used_project: Project, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, own_redis.url)
    assert used_project.run("--pipeline=feature_export").exit_code == 0
    data = used_project.root / "data"
    receipt = str(data / "features" / "online.json")
    named, file = (
        OnlineFeaturesDataset(filepath=receipt, store=store, environment="dev").open()
        for store in (own_redis.url, "sqlite")
    )
    # Of a time when the store was a file.
    fill(file, {NAMED: [1.0, 2.0], "1": [3.0, 4.0]})
    history = data / "gold" / "feature_history"
    (part,) = history.iterdir()
    before = pd.read_parquet(part)
    told = forgotten(used_project, NAMED).output
    assert f"data/gold/feature_history/{part.name}: 1 row, written anew without" in told
    for place in ("data/features/online.db", named.store.name):
        assert f"  {place}: 1 trace, in the online feature store, removed there" in told
    kept = before[before["customer_id"] != NAMED].reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.read_parquet(part), kept)
    (theirs, another) = named.read([NAMED, str(kept["customer_id"].iloc[0])])[1]
    assert theirs is None
    assert another is not None
    assert file.read([NAMED])[1] == [None]
    file.store.close()
    assert NAMED.encode() not in (data / "features" / "online.db").read_bytes()
    result = used_project.run("--pipeline=feature_export")
    assert "0 written, 0 removed, snapshot 1" in result.output
    assert [path.name for path in history.iterdir()] == [part.name]
    # Where another store is named, this one is out of reach.
    monkeypatch.delenv(SETTING)
    assert (
        f"  {named.store.name}: the online feature store of an earlier run; set"
        in forgotten(used_project, "1").output
    )
    named.store.close()


def test_the_next_publishing_deletes_a_forgotten_customer_at_sagemaker(
    used_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = used_project.root / "data" / "gold" / "feature_table.parquet"
    table = pd.read_parquet(file)
    # A few of them, for time.
    pd.concat([table.head(9), table[table["customer_id"] == NAMED]]).to_parquet(file, index=False)
    place = "sagemaker://shop?offline=s3://lake&role=arn:aws:iam::123456789012:role/features"
    with serve_sagemaker() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        result = used_project.kedro("feature", "publish", "--to", place)
        assert "customer_features_v1: 10 customers of 2014-06-30, 10 written" in result.output
        assert all(NAMED in records for records in server.records.values())
        forgotten(used_project, NAMED)
        result = used_project.kedro("feature", "publish", "--to", place)
        assert result.output.count("9 customers of 2014-06-30, 0 written, 1 removed") == 2
        assert all(NAMED not in records for records in server.records.values())


@pytest.fixture(scope="module")
def staged(
    moto_server: S3Server, tracking: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """A whole quick run of staging, in a bucket that keeps old versions."""
    client = moto_server.client()
    moto_server.make_bucket(BUCKET)
    status = {"Status": "Enabled"}
    client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=status)
    project = make_project(tmp_path_factory.mktemp("staged") / "project", tracking)
    project.make_quick()
    settings = moto_server.environment() | {"SEGMENTATION_BUCKET": BUCKET, SETTING: "sqlite"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        result = project.run("--env=staging")
        assert result.exit_code == 0, result.output
        yield project


def versions(client: Any) -> list[tuple[str, bytes]]:
    found = client.list_object_versions(Bucket=BUCKET).get("Versions", [])
    return [
        (
            each["Key"],
            client.get_object(Bucket=BUCKET, Key=each["Key"], VersionId=each["VersionId"])[
                "Body"
            ].read(),
        )
        for each in found
    ]


def test_a_bucket_forgets_a_customer_in_every_version_of_every_object(
    staged: Project, moto_server: S3Server
) -> None:
    root = f"s3://{BUCKET}"
    before = tables(root)
    old = versions(moto_server.client())
    told = forgotten(staged, NAMED, "--env=staging").output
    # What this process read through s3fs before is not there any more.
    S3FileSystem.clear_instance_cache()
    assert require_only_rows_gone(before, tables(root), NAMED) == 6
    assert "in an old version of the object, which is deleted" in told
    assert "gold/feature_history/2014-06-30_" in told
    assert "online.db: 1 trace, in the online feature store, removed there" in told
    now = versions(moto_server.client())
    assert len(now) < len(old)
    for key, content in now:
        if key.endswith(".parquet"):
            frame = pd.read_parquet(pd.io.common.BytesIO(content))
            ids = {str(x) for c in ("customer_id", "ID") if c in frame for x in frame[c]}
            assert NAMED not in ids, key
        elif key.endswith(".csv"):
            assert f"\n{NAMED},".encode() not in content.replace(b'"', b""), key
    require_one_state(read_ledger(f"{root}/lineage.json"))
    result = staged.run("--env=staging", "--pipelines=label_generation,feature_export,reporting")
    assert result.exit_code == 0, result.output
