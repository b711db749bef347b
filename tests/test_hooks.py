"""What happens around a run."""

from __future__ import annotations

import logging
import os
import re
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline, node
from kedro_datasets.pandas import ParquetDataset

from customer_segmentation import hooks
from customer_segmentation.datasets.whole_files import WholeFilesCatalog
from customer_segmentation.errors import UserError
from customer_segmentation.hooks import ProgressHooks, RunHooks, flattened
from customer_segmentation.preconditions import require_environment
from customer_segmentation.run_record import current_run
from customer_segmentation.schema.declarations import AgeWindow

STEP = node(lambda table: table, inputs="before", outputs="after", name="step")


def test_typed_blocks_are_kept_by_full_name() -> None:
    found = flattened({"customers.age": AgeWindow(minimum=18, maximum=100)})
    assert found == {"customers.age.minimum": "18", "customers.age.maximum": "100"}


def test_nested_blocks_are_kept_by_full_name() -> None:
    found = flattened({"k": {"rule": {"minimum": 3}, "seed": 1}})
    assert found == {"k.rule.minimum": "3", "k.seed": "1"}


def test_a_plain_value_alone_is_left_to_kedro_mlflow() -> None:
    assert flattened({"seed": 1}) == {}


def test_a_companys_own_headers_become_names_that_mlflow_takes() -> None:
    found = flattened({"customers.aliases": {"Income (EUR/year)": "income"}})
    assert found == {"customers.aliases.Income _EUR_year_": "income"}


def context(root: Path, **config: dict[str, Any]) -> Any:
    """A project's configuration, as far as hooks read it."""
    mlflow = {"server": {"mlflow_tracking_uri": "http://server"}, "tracking": {}}
    found = {"globals": {"tables": "data"}, "mlflow": mlflow, "spark": {}}
    return SimpleNamespace(project_path=root, config_loader=found | config)


def test_sparks_settings_are_left_for_whoever_starts_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "of an earlier run")
    monkeypatch.setenv("PYSPARK_PYTHON", "python")
    RunHooks().after_context_created(context(tmp_path, spark={"spark.app.name": "named"}))
    assert os.environ["PYSPARK_SUBMIT_ARGS"] == "--conf spark.app.name=named pyspark-shell"


@pytest.mark.parametrize("tables", ["s3://", "s3a://"])
def test_a_run_without_a_bucket_is_told_to_name_one_or_to_rehearse(tables: str) -> None:
    catalog = DataCatalog({"before": MemoryDataset(1)})
    with pytest.raises(UserError, match=r"set SEGMENTATION_BUCKET .* or run `make staging`"):
        require_environment(tables, Pipeline([STEP]), catalog)


def test_java_is_asked_for_where_a_table_needs_spark_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    from customer_segmentation.datasets.delta_table import (  # noqa: PLC0415 - imports PySpark
        DeltaTableDataset,
    )

    delta = DeltaTableDataset(filepath=str(tmp_path), table="gold_segments")
    without = DataCatalog({"before": MemoryDataset(1), "after": ParquetDataset(filepath="a")})
    require_environment("data", Pipeline([STEP]), without)
    for catalog in ({"before": delta}, {"before": MemoryDataset(1), "after": delta}):
        with pytest.raises(UserError, match="Spark needs Java 17"):
            require_environment("data", Pipeline([STEP]), DataCatalog(catalog))


def locked(root: Path, run_id: str) -> RunHooks:
    run = RunHooks()
    run.after_context_created(context(root))
    run.lock({"run_id": run_id, "env": None, "project_path": str(root)})
    return run


@pytest.mark.parametrize("end", ["after_pipeline_run", "on_pipeline_error"])
def test_a_run_is_on_record_and_keeps_others_out_until_its_end(end: str, tmp_path: Path) -> None:
    run = locked(tmp_path, "first")
    record = {"run_id": "first", "commit": "unknown", "environment": "dev"}
    assert current_run.get() == record
    with pytest.raises(UserError, match="first"):
        locked(tmp_path, "second")
    assert current_run.get() == record
    catalog = WholeFilesCatalog({"source": MemoryDataset(1)})
    given = {"run_params": {}, "pipeline": Pipeline([STEP]), "catalog": catalog}
    getattr(run, end)(**given if end == "after_pipeline_run" else {})
    assert current_run.get() == {}
    locked(tmp_path, "third").on_pipeline_error()


@pytest.fixture
def progress(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> ProgressHooks:
    monkeypatch.setattr(hooks, "_TELL_SECONDS", 0.01)
    caplog.set_level(logging.INFO)
    return ProgressHooks()


@pytest.mark.parametrize(
    "end", ["before_dataset_loaded", "after_pipeline_run", "on_pipeline_error"]
)
def test_a_long_step_is_told_again_and_again_until_it_is_over(
    progress: ProgressHooks, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    progress.before_node_run(STEP)
    patience = time.monotonic() + 30
    while len(caplog.messages) < 2 and time.monotonic() < patience:
        time.sleep(0.01)
    assert len(caplog.messages) >= 2
    assert all(re.fullmatch(r"step: \d+ s so far", message) for message in caplog.messages)
    getattr(progress, end)()
    time.sleep(0.05)
    told = len(caplog.messages)
    time.sleep(0.05)
    assert len(caplog.messages) == told
