"""Runs fill the feature store: whole or not at all, once a snapshot, and only what changed."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from customer_segmentation import hooks
from customer_segmentation.datasets.online_features import OnlineFeaturesDataset
from customer_segmentation.feature_store.definitions import FeatureSet, feature_set
from customer_segmentation.feature_store.online import OnlineFeatures
from customer_segmentation.feature_store.redis import RedisStore
from customer_segmentation.feature_store.rows import ROW, SNAPSHOT, decoded_row, visible
from customer_segmentation.feature_store.stores import SETTING
from customer_segmentation.pipelines.feature_export import nodes
from tests.runs.project import Project
from tests.runs.test_history import change_customers
from tests.runs.test_one_state import Killed
from tests.services.redis import RedisServer, serve_redis

EXPORT = "--pipeline=feature_export"
SCORED = "--pipeline=scoring"
LATER = "--params=customers.as_of=2014-09-30"


@pytest.fixture(autouse=True)
def _in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, "sqlite")


def run(project: Project, *arguments: str) -> str:
    result = project.run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def store_of(project: Project, named: str = "sqlite") -> OnlineFeatures:
    file = project.root / "data/features/online.json"
    return OnlineFeaturesDataset(filepath=str(file), store=named, environment="dev").open()


def table(project: Project) -> pd.DataFrame:
    return pd.read_parquet(project.root / "data/gold/feature_table.parquet").set_index(
        "customer_id"
    )


def parts(project: Project) -> list[Path]:
    return sorted((project.root / "data/gold/feature_history").glob("*.parquet"))


def assert_store_is_the_table(project: Project, named: str = "sqlite") -> None:
    """Every customer's row is equal to the last bit, and there is nobody else."""
    online, gold = store_of(project, named), table(project).drop(columns="event_timestamp")
    snapshot, rows = online.read([*gold.index])
    assert snapshot is not None
    assert [*snapshot.columns] == [*gold.columns]
    held = pd.DataFrame([decoded_row(row or b"") for row in rows], gold.index, gold.columns)
    pd.testing.assert_frame_equal(held, gold, check_exact=True)
    shown = (
        visible(value, snapshot.number) for chunk in online.store.scan(ROW) for _, value in chunk
    )
    assert sum(row is not None for row in shown) == len(gold)
    online.store.close()


def test_without_the_setting_nothing_is_kept(quick_run: Project) -> None:
    assert not (quick_run.root / "data/features").exists()
    assert parts(quick_run) == []


def test_a_run_fills_the_store_and_the_next_day_only_with_what_changed(
    used_project: Project,
) -> None:
    said = run(used_project, EXPORT)
    assert "Feature store: 2,202 customers of 2014-06-30 in " in said
    assert "online.db: 2,202 written, 0 removed, snapshot 1" in said
    assert_store_is_the_table(used_project)
    (first,) = parts(used_project)
    kept = first.read_bytes()

    # The same again writes nothing, here and there.
    assert "0 written, 0 removed, snapshot 1" in run(used_project, EXPORT)
    assert parts(used_project) == [first]

    # The same day with other customers: who is gone leaves, who changed is written.
    before = table(used_project)
    change_customers(used_project)
    said = run(used_project, SCORED)
    gone = {*before.index} - {*table(used_project).index}
    assert f"{len(table(used_project)):,} customers of 2014-06-30" in said
    assert f", {len(gone)} removed, snapshot 2" in said
    assert store_of(used_project).read([*gone])[1] == [None] * len(gone)
    assert_store_is_the_table(used_project)

    said = run(used_project, SCORED, LATER)
    assert "customers of 2014-09-30" in said
    assert "snapshot 3" in said
    assert_store_is_the_table(used_project)
    assert len(parts(used_project)) == 3
    assert first.read_bytes() == kept
    history = pd.concat(map(pd.read_parquet, parts(used_project)))
    last = history[history["recorded_at"] == history["recorded_at"].max()].set_index("customer_id")
    gold = table(used_project)
    pd.testing.assert_frame_equal(last[gold.columns], gold, check_exact=True)
    assert set(last["feature_version"]) == {1}
    created = pd.to_datetime(last["recorded_at"]).dt.tz_localize(None)
    assert (last["created_timestamp"] == created).all()


def test_a_killed_run_shows_nothing_and_the_next_shows_what_it_published(
    used_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(used_project, EXPORT)

    def die(*_: object) -> None:
        raise Killed

    # Before anything is published: readers go on with the former snapshot.
    change_customers(used_project)
    monkeypatch.setattr(hooks, "publish_run", die)
    with pytest.raises(Killed):
        used_project.run(SCORED)
    monkeypatch.undo()
    monkeypatch.setenv(SETTING, "sqlite")
    live = store_of(used_project).live()
    assert live is not None
    assert live.number == 1
    assert_store_is_the_table(used_project)

    # Behind the record of what is to be published: the next run finishes it.
    monkeypatch.setattr(OnlineFeaturesDataset, "merge_from", die)
    with pytest.raises(Killed):
        used_project.run(SCORED)
    monkeypatch.undo()
    monkeypatch.setenv(SETTING, "sqlite")
    said = run(used_project, SCORED)
    assert "0 written, 0 removed, snapshot 2" in said
    assert_store_is_the_table(used_project)


def test_a_store_that_is_down_stops_a_run_before_anything_is_made(
    used_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_redis("hush") as server:
        monkeypatch.setenv(SETTING, server.url)
        run(used_project, EXPORT)
        assert_store_is_the_table(used_project, server.url)
    before = used_project.files()
    result = used_project.run(EXPORT)
    assert result.exit_code == 1
    lines = [line for line in result.output.splitlines() if line.startswith("Error")]
    (line,) = lines
    assert line.startswith("Error: the online store redis://127.0.0.1:")
    assert line.endswith("/0 does not answer (ConnectionError): see that it runs")
    assert "hush" not in result.output
    assert used_project.files() == before


def test_a_store_that_hangs_while_it_is_filled_leaves_the_tables_as_they_were(
    used_project: Project, own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, own_redis.url)
    run(used_project, EXPORT)
    before = used_project.files()
    change_customers(used_project)
    monkeypatch.setattr(RedisStore.__init__, "__defaults__", (1.0,))

    def hang(metadata: dict[str, Any]) -> FeatureSet:
        assert own_redis.process
        own_redis.process.send_signal(signal.SIGSTOP)
        return feature_set(metadata)

    # In the steps around the one that fills it.
    monkeypatch.setattr(nodes, "feature_set", hang)
    try:
        result = used_project.run(SCORED)
    finally:
        assert own_redis.process
        own_redis.process.send_signal(signal.SIGCONT)
    assert result.exit_code == 1
    assert "does not answer (TimeoutError)" in result.output
    assert {
        name: content for name, content in used_project.files().items() if "lineage" not in name
    } == {name: content for name, content in before.items() if "lineage" not in name} | {
        "sample/customers.csv": (used_project.root / "data/sample/customers.csv").read_bytes()
    }
    assert_store_is_the_table(used_project, own_redis.url)


def test_a_changed_definition_without_a_new_version_is_refused(used_project: Project) -> None:
    run(used_project, EXPORT)
    online = store_of(used_project)
    live = online.live()
    assert live is not None
    other = {**live.versions[0], "hashes": {"customer_features": "000000000000"}}
    online.store.put([(SNAPSHOT, replace(live, versions=(other,)).encoded())])
    online.store.close()
    before = used_project.files()
    result = used_project.run(EXPORT)
    assert result.exit_code == 1
    now = live.hashes["customer_features"]
    assert f"customer_features version 1 is {now} here and was 000000000000 in " in result.output
    assert "raise `feature_store.version` in the schema" in result.output
    assert used_project.files() == before


def test_a_feature_is_found_by_name_and_a_customer_s_is_read(used_project: Project) -> None:
    run(used_project, EXPORT)
    found = used_project.kedro("feature", "list", "basket").output
    assert "average_basket  customer_features  1        monetary units  Average spend" in found
    assert "1 of 64 features" in found
    shown = used_project.kedro("feature", "show", "average_basket").output
    for told in ("spend_total / purchases_total", "SHA-256 d97711a7", "snapshot 1 of 2014-06-30"):
        assert told in shown
    customer = table(used_project).iloc[0]
    read = used_project.kedro("feature", "get", customer.name, "income", "education").output
    assert f"Customer {customer.name}, as of 2014-06-30, " in read
    assert "days ago: stale, as older than 31; snapshot 1 of " in read
    assert f"income     {customer['income']:g} " in read
    assert f"education  {customer['education']:.0f} (" in read
    wrong = used_project.kedro("feature", "get", customer.name, "incme")
    assert (wrong.exit_code, "did you mean income" in wrong.output) == (1, True)
    nobody = used_project.kedro("feature", "get", "nobody")
    assert nobody.exit_code == 1
    assert "holds no customer `nobody` on 2014-06-30" in nobody.output


def test_codes_are_not_told_in_the_words_of_other_definitions(used_project: Project) -> None:
    run(used_project, EXPORT)
    online = store_of(used_project)
    live = online.live()
    assert live is not None
    other = replace(live, version=2, hashes={**live.hashes, "customer_features": "000000000000"})
    online.store.put([(SNAPSHOT, other.encoded())])
    online.store.close()
    refused = used_project.kedro("feature", "get", str(table(used_project).index[0]), "education")
    assert refused.exit_code == 1
    assert "holds version 2 of the features, which is not what the champion's" in refused.output


def test_the_setting_s_kind_is_checked_before_anything_runs(
    used_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, "mongo://here")
    result = used_project.run(EXPORT)
    assert result.exit_code == 1
    assert "no feature store of the kind `mongo`" in result.output
    assert "Running node" not in result.output
    assert os.environ[SETTING] == "mongo://here"
