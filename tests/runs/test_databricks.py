"""The Databricks environment: its tables on open-source Spark, and what only resolves.

There is no Unity Catalog here. Spark's own catalog, `spark_catalog`, takes the place of
SEGMENTATION_CATALOG: managed Delta tables under three names, as on Databricks.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from kedro.config import MissingConfigException, OmegaConfigLoader
from kedro.io import AbstractDataset, CatalogConfigResolver
from kedro.validation.exceptions import DataValidationError

from customer_segmentation.datasets.recorded_history import RecordedHistoryDataset
from customer_segmentation.datasets.whole_files import WholeFilesCatalog
from customer_segmentation.errors import UserError
from customer_segmentation.pipeline_registry import register_pipelines
from customer_segmentation.settings import CONFIG_LOADER_ARGS
from customer_segmentation.sources.arrivals.dataset import ArrivingSource
from customer_segmentation.tables.schemas import contract_of
from tests.marketing import TABLES
from tests.runs.project import CHECKOUT

MANAGED = "databricks.ManagedTableDataset"
LAYERS = ("bronze", "silver", "gold")


PATTERNS = CONFIG_LOADER_ARGS["config_patterns"] | {"mlflow": ["mlflow*"]}
LOADER_ARGS = CONFIG_LOADER_ARGS | {"config_patterns": PATTERNS}


@cache
def configuration(kind: str, environment: str = "databricks", catalog: str = "") -> dict[str, Any]:
    """An environment's configuration, whatever is set outside."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MLFLOW_EXPERIMENT_NAME", "MLFLOW_TRACKING_URI", "SEGMENTATION_SOURCE"):
            patch.delenv(name, raising=False)
        patch.setenv("SEGMENTATION_CATALOG", catalog)
        loader = OmegaConfigLoader(str(CHECKOUT / "conf"), env=environment, **LOADER_ARGS)
        found: dict[str, Any] = loader[kind]
        return found


def entry(name: str, environment: str = "databricks", catalog: str = "") -> dict[str, Any]:
    """What an environment's catalog has for a dataset; nothing for one that is not kept."""
    config = configuration("catalog", environment, catalog)
    found = CatalogConfigResolver(config).resolve_pattern(name)
    return {} if str(found.get("type", "")).endswith("MemoryDataset") else found


def kept(environment: str = "databricks") -> set[str]:
    """The datasets of all pipelines that an environment keeps."""
    named = {name for pipeline in register_pipelines().values() for name in pipeline.datasets()}
    return {name for name in named if entry(name, environment)}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_three_names_of_unity_catalog(table: str) -> None:
    found = entry(table)
    layer, _, name = table.partition("_")
    assert found["type"] == MANAGED
    assert (found["catalog"], found["database"], found["table"]) == ("prod", layer, name)


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_held_against_its_own_contract_when_it_is_saved(table: str) -> None:
    validator = entry(table)["validator"]
    assert validator["class"] == "customer_segmentation.tables.check.ContractValidator"
    assert validator["on"] == "save"
    assert validator["options"] == {"table": table}


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_replaced_whole_or_appended_to(table: str) -> None:
    mode = "append" if contract_of(table).is_appended else "overwrite"
    assert entry(table)["write_mode"] == mode


def test_every_table_of_the_pipelines_has_a_contract() -> None:
    tables = {name for name in kept() if name.startswith(LAYERS)}
    # Streams alone write the last one.
    assert tables | {"gold_moves"} == set(TABLES)


def test_it_keeps_what_prod_keeps() -> None:
    assert kept() == kept("prod")


def test_one_setting_names_the_catalog_of_tables_and_files() -> None:
    assert entry("gold_segments", catalog="staging")["catalog"] == "staging"
    roots = configuration("globals", catalog="staging")
    assert roots["data"] == "/Volumes/staging/gold/segmentation"
    assert roots["models"] == "/Volumes/staging/gold/models"
    assert roots["landed"] == "/Volumes/staging/bronze/landed"


def test_files_go_to_the_volume_of_those_who_may_read_them() -> None:
    assert entry("source")["landing"] == "/Volumes/prod/bronze/landed/source.parquet"
    others = {"source", "consents", "outcomes", "arrived_outcomes", "bundles_below"}
    recorded = {name for name in kept() if name.startswith("recorded_")}
    assert entry("arrived_outcomes")["parts"] == "/Volumes/prod/bronze/landed/outcomes"
    for name in kept() - set(TABLES) - others - recorded:
        found = entry(name)
        path = found.get("filepath") or found.get("dataset", {}).get("filepath")
        # What has no path goes to MLflow.
        if path or "mlflow" not in found["type"]:
            is_model = name.endswith(("_candidate", "_champion", "bundles"))
            # What a retraining learned, with its figures, stands beside its models.
            is_model |= name.startswith("retrained_")
            volume = "gold/models" if is_model else "gold/segmentation"
            volume = "bronze/landed" if name == "checked_customers" else volume
            assert f"{path}/".startswith(f"/Volumes/prod/{volume}/"), name


@pytest.mark.parametrize(("key", "headers"), [("ID", ("ID",)), ("", ())])
def test_one_setting_takes_the_files_that_auto_loader_finds_in_place_of_a_file(
    monkeypatch: pytest.MonkeyPatch, key: str, headers: tuple[str, ...]
) -> None:
    monkeypatch.setenv("SEGMENTATION_ARRIVALS", "auto_loader")
    monkeypatch.setenv("SEGMENTATION_KEY", key)
    loader = OmegaConfigLoader(str(CHECKOUT / "conf"), env="databricks", **LOADER_ARGS)
    found = loader["catalog"]["source"]
    source = AbstractDataset.from_config("source", found)
    assert isinstance(source, ArrivingSource)
    assert source._key == headers
    assert source.reads_from.startswith("/Volumes/prod/bronze/landed/inbox")
    assert found["landing"] == entry("source")["landing"]


def test_the_clusters_own_session_is_used() -> None:
    with pytest.raises(MissingConfigException):
        configuration("spark")


def test_mlflow_differs_from_the_other_environments_in_its_server_and_experiment_only() -> None:
    base, ours = configuration("mlflow", "prod"), configuration("mlflow")
    assert ours["server"] == {"mlflow_tracking_uri": "databricks"}
    experiment = {"experiment": {"name": "/Shared/customer_segmentation"}}
    assert ours["tracking"] == base["tracking"] | experiment


@pytest.fixture(scope="module")
def catalog(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeFilesCatalog]:
    """The environment's catalog of tables, with Spark's own catalog in place of Unity Catalog."""
    for layer in LAYERS:
        spark.sql(f"CREATE DATABASE {layer} LOCATION '{tmp_path_factory.mktemp(layer)}'")
    config = configuration("catalog", catalog="spark_catalog")
    tables = {name: found for name, found in config.items() if found["type"] == MANAGED}
    yield WholeFilesCatalog.from_config(tables)
    for layer in LAYERS:
        spark.sql(f"DROP DATABASE {layer} CASCADE")


def segments(margins: dict[str, float]) -> pd.DataFrame:
    """Customers by id, with their margins, as rows of `gold_segments`."""
    return pd.DataFrame({"customer_id": margins.keys(), "margin": margins.values()}).assign(
        as_of=date(2014, 6, 30),
        segment="high_value",
        segment_name="High-value",
        segment_id=0,
        runner_up="low_spend",
        artifact_version="one",
    )


def saved_margins(spark: Any, **version: int) -> dict[str, float]:
    table = spark.read.options(**version).table("spark_catalog.gold.segments")
    return {row["customer_id"]: row["margin"] for row in table.collect()}


@pytest.mark.spark
def test_a_save_replaces_the_table_and_older_versions_can_be_read(
    spark: Any, catalog: WholeFilesCatalog
) -> None:
    catalog.save("gold_segments", spark.createDataFrame(segments({"1": 0.1, "2": 0.2})))
    catalog.save("gold_segments", spark.createDataFrame(segments({"1": 0.3})))
    assert saved_margins(spark) == {"1": 0.3}
    assert saved_margins(spark, versionAsOf=0) == {"1": 0.1, "2": 0.2}
    assert catalog.load("gold_segments").columns == list(segments({}).columns)
    assert catalog.exists("gold_segments")


@pytest.mark.spark
def test_a_table_that_breaks_its_contract_is_refused_and_the_old_one_stays(
    spark: Any, catalog: WholeFilesCatalog
) -> None:
    catalog.save("gold_segments", spark.createDataFrame(segments({"1": 0.1})))
    broken = pd.concat([segments({"2": 1.5}), segments({"2": 0.5})])
    with pytest.raises(DataValidationError) as refusal:
        catalog.save("gold_segments", spark.createDataFrame(broken))
    # `kedro run` says the cause, without a traceback.
    assert isinstance(refusal.value.__cause__, UserError)
    assert "margin is above 1 in 1 rows" in str(refusal.value)
    assert "1 rows share their customer_id with another" in str(refusal.value)
    assert saved_margins(spark) == {"1": 0.1}


@pytest.mark.spark
def test_the_history_grows_by_a_statement_a_run(spark: Any, catalog: WholeFilesCatalog) -> None:
    catalog["recorded_history"] = RecordedHistoryDataset(
        dataset=entry("gold_history", catalog="spark_catalog")
    )
    assert catalog.load("recorded_history").statements == ()
    rows = segments({"1": 0.1, "2": 0.2}).drop(columns="segment_id").assign(run_id="one")
    for day in (1, 2):
        rows = rows.assign(recorded_at=f"2026-01-0{day}T12:00:00.000000Z")
        catalog.save("gold_history", spark.createDataFrame(rows))
    history = catalog.load("recorded_history")
    assert [statement.recorded_at[:10] for statement in history.statements] == [
        "2026-01-01",
        "2026-01-02",
    ]
    assert history.rows(history.statements[0]).count() == 2


@pytest.mark.spark
def test_a_result_that_a_node_holds_in_memory_is_a_table_too(catalog: WholeFilesCatalog) -> None:
    row = {"segment": "high_value", "segment_name": "High-value", "segment_id": 0, "customers": 2}
    profiles = pa.Table.from_pylist([row | {"share": 1.0, "measure": "income", "index": 100.0}])
    catalog.save("gold_segment_profiles", profiles)
    pd.testing.assert_frame_equal(catalog.load("gold_segment_profiles"), profiles.to_pandas())


@pytest.mark.spark
def test_an_upsert_would_keep_who_is_gone_and_write_who_is_the_same(
    spark: Any, catalog: WholeFilesCatalog
) -> None:
    """Why the tables are replaced; where this fails, upsert may have become the better mode."""
    from kedro_datasets.databricks import ManagedTableDataset  # noqa: PLC0415 - imports PySpark

    catalog.save("gold_segments", spark.createDataFrame(segments({"1": 0.1, "2": 0.2})))
    key = list(contract_of("gold_segments").key)
    ManagedTableDataset(
        catalog="spark_catalog",
        database="gold",
        table="segments",
        write_mode="upsert",
        primary_key=key,
    ).save(spark.createDataFrame(segments({"1": 0.1})))
    assert saved_margins(spark) == {"1": 0.1, "2": 0.2}
    merge = spark.sql("DESCRIBE HISTORY spark_catalog.gold.segments LIMIT 1").first()
    assert merge["operation"] == "MERGE"
    assert merge["operationMetrics"]["numTargetRowsUpdated"] == "1"
