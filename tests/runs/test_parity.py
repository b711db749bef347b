"""dev, staging and prod give one answer for the same customers, and Spark keeps them to itself.

Every environment learns from samples, and reads rows in another order than their file's.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from customer_segmentation.customers.quarantine import CheckedCustomers
from customer_segmentation.feature_store.online import OnlineFeatures
from customer_segmentation.feature_store.rows import ROW, decoded_row
from customer_segmentation.feature_store.stores import SETTING, open_store
from customer_segmentation.pipelines.ingestion.nodes import ingest_source
from customer_segmentation.pipelines.preprocessing.nodes import (
    check_rows,
    compute_features,
    settle_reading,
)
from customer_segmentation.reading_from import READ_FROM
from customer_segmentation.scoring.scorer import Scorer
from tests.marketing import SCHEMA
from tests.runs.collects import counted_collects
from tests.runs.project import Project, make_project
from tests.runs.tables import TABLES, TOLERANCE, read_table, rearranged, require_same_rows
from tests.services.redis import RedisServer
from tests.services.s3 import S3Server
from tests.tables.declared import require_declared
from tools.generator import generate

pytestmark = pytest.mark.spark

BUCKET = "parity"
SAMPLE = 1_000
# A sample's size is expected, not exact; a profile has a row a segment and measure.
BOUND = 1_300
SAMPLED = "--params=clustering.refinement_passes=2," + ",".join(
    f"{name}={SAMPLE}"
    for name in ("clustering.coreset_rows", "eda.sample_rows", "supervised_training.sample_rows")
)


@dataclass(frozen=True)
class Environment:
    """What a whole run left, and how many rows Spark brought to the driver each time."""

    tables: dict[str, pd.DataFrame]
    scorer: Scorer
    cold_start: Scorer
    response: Scorer
    response_file: bytes
    baseline_file: bytes
    accounting: dict[str, Any]
    clustering: dict[str, Any]
    collected: list[float]


def whole_run_in(project: Project, environment: str, tables: str, models: str) -> Environment:
    with counted_collects() as collected:
        result = project.run("--env", environment, SAMPLED)
    assert result.exit_code == 0, result.output
    data = project.root / "data" / ("" if environment == "dev" else environment)
    return Environment(
        {name: read_table(tables, name) for name in TABLES},
        Scorer(content(f"{models}/candidate/segmenter.onnx")),
        Scorer(content(f"{models}/candidate/cold_start.onnx")),
        Scorer(content(f"{models}/candidate/response.onnx")),
        content(f"{models}/candidate/response.onnx"),
        content(f"{models}/candidate/baseline.json"),
        json.loads((data / "reporting" / "row_accounting.json").read_text()),
        json.loads((data / "reporting" / "clustering.json").read_text()),
        collected,
    )


def content(url: str) -> bytes:
    with fsspec.open(url, "rb") as file:
        return file.read()


@pytest.fixture(scope="module")
def project(
    tmp_path_factory: pytest.TempPathFactory,
    tracking: Path,
    spark: Any,  # noqa: ARG001 - one session, made by the fixture that stops it
) -> Project:
    """One project for every run."""
    project = make_project(tmp_path_factory.mktemp("parity") / "project", tracking)
    project.make_quick()
    return project


@pytest.fixture(scope="module")
def sent(project: Project) -> Path:
    """The real file, or the sample where it is not given."""
    real = os.environ.get("SEGMENTATION_REAL_CSV")
    return Path(real) if real else project.root / "data" / "sample" / "customers.csv"


@pytest.fixture(scope="module")
def source(sent: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its rows in another order, in three files."""
    return rearranged(sent, tmp_path_factory.mktemp("rearranged") / "source")


@pytest.fixture(scope="module")
def settings(moto_server: S3Server) -> dict[str, str]:
    """Of a bucket for staging."""
    moto_server.make_bucket(BUCKET)
    return moto_server.environment() | {"SEGMENTATION_BUCKET": BUCKET}


@pytest.fixture(scope="module")
def runs(project: Project, source: Path, settings: dict[str, str]) -> dict[str, Environment]:
    """Every environment's whole run."""
    with pytest.MonkeyPatch.context() as patch:
        set_all(patch, settings, source)
        return {
            environment: whole_run_in(project, environment, tables, models)
            for environment, (tables, models) in roots(project).items()
        }


def set_all(patch: pytest.MonkeyPatch, settings: dict[str, str], source: Path) -> None:
    for name, value in (settings | {"SEGMENTATION_SOURCE": str(source)}).items():
        patch.setenv(name, value)


def roots(project: Project) -> dict[str, tuple[str, str]]:
    """Where each environment has its tables and its models."""
    data = project.root / "data"
    return {
        "dev": (str(data), f"{data}/models"),
        "staging": (f"s3://{BUCKET}", f"s3://{BUCKET}/models"),
        "prod": (f"{data}/prod", f"{data}/prod/models"),
    }


@pytest.fixture(scope="module")
def generated_customers() -> pd.DataFrame:
    """Numeric canonical columns of 10^5 generated customers, less those quarantined."""
    # Whatever the segments are made of: a value that breaks a rule is a missing one.
    schema = SCHEMA.model_copy(update={"segment_features": []})
    sent = pl.DataFrame(dict(generate(100_000, seed=3))).cast(pl.String).fill_null("")
    source = sent.with_columns(
        source_name=pl.lit("generated"), source_sha256=pl.lit("")
    ).with_row_index("row_number", offset=1)
    bronze = ingest_source(source, schema)
    checked = check_rows(bronze, settle_reading(bronze, schema), schema)
    silver = CheckedCustomers(nw.from_native(checked).lazy()).customers().to_native()
    return compute_features(silver, schema).collect().to_pandas()


@pytest.mark.parametrize("environment", ["staging", "prod"])
@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_the_same(
    runs: dict[str, Environment], environment: str, table: str
) -> None:
    expected, found = runs["dev"].tables[table], runs[environment].tables[table]
    assert list(found.columns) == list(expected.columns)
    may_be_empty = {"gold_unsegmented", "gold_movers"}
    # Of order lines.
    may_be_empty |= {"silver_purchases", "gold_lifetime_value"}
    assert len(found) == len(expected) > 0 or table in may_be_empty
    of_the_run = ["artifact_version", "run_id", "recorded_at"]
    expected, found = (
        frame.drop(columns=of_the_run, errors="ignore") for frame in (expected, found)
    )
    pd.testing.assert_frame_equal(
        found, expected, check_dtype=False, rtol=TOLERANCE, atol=TOLERANCE
    )


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
@pytest.mark.usefixtures("runs")
def test_gold_tables_have_the_columns_that_are_declared_for_their_readers(
    project: Project, source: Path, settings: dict[str, str], environment: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        set_all(patch, settings, source)
        gold = [name for name in TABLES if name.startswith("gold_")]
        require_declared(roots(project)[environment][0], *gold)


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_files_of_bi_tools_are_the_same(  # noqa: PLR0913, PLR0917 - fixtures
    project: Project,
    runs: dict[str, Environment],
    settings: dict[str, str],
    source: Path,
    environment: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_all(monkeypatch, settings, source)
    for name in ("dev", environment):
        result = project.kedro("export", str(tmp_path / name), f"--env={name}")
        assert result.exit_code == 0, result.output
    of_the_run = ["artifact_version", "run_id", "recorded_at"]
    for table in (name for name in runs["dev"].tables if name.startswith("gold_")):
        expected, found = (
            pd.read_parquet(tmp_path / name / f"{table}.parquet").drop(
                columns=of_the_run, errors="ignore"
            )
            for name in ("dev", environment)
        )
        key = [name for name in TABLES[table] if name in expected]
        expected, found = (frame.sort_values(key, ignore_index=True) for frame in (expected, found))
        pd.testing.assert_frame_equal(found, expected, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_rows_are_accounted_for_alike(runs: dict[str, Environment], environment: str) -> None:
    assert runs[environment].accounting == runs["dev"].accounting


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_the_same_k_and_names_are_chosen(runs: dict[str, Environment], environment: str) -> None:
    expected, found = runs["dev"].clustering, runs[environment].clustering
    assert (found["k"], found["segments"]) == (expected["k"], expected["segments"])


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_what_was_learned_is_the_same(runs: dict[str, Environment], environment: str) -> None:
    expected, found = runs["dev"].scorer.metadata, runs[environment].scorer.metadata
    for key in ("caps", "means", "deviations"):
        np.testing.assert_allclose(found["scaling"][key], expected["scaling"][key], rtol=TOLERANCE)
    np.testing.assert_allclose(found["centroids"], expected["centroids"], rtol=TOLERANCE)
    assert found["segments"] == expected["segments"]


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_the_artifacts_answer_alike_for_generated_customers(
    runs: dict[str, Environment], environment: str, generated_customers: pd.DataFrame
) -> None:
    for kind in ("scorer", "cold_start", "response"):
        expected, found = getattr(runs["dev"], kind), getattr(runs[environment], kind)
        matrix = np.ascontiguousarray(generated_customers[list(expected.columns)].to_numpy())
        left, right = expected.score(matrix), found.score(matrix)
        assert len(matrix) > 90_000
        for name, answers in left.items():
            if answers.dtype == np.int64:
                assert (right[name] == answers).all(), name
            else:
                np.testing.assert_allclose(right[name], answers, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_the_response_model_and_what_it_learned_from_are_the_same_to_the_byte(
    runs: dict[str, Environment], environment: str
) -> None:
    assert runs["dev"].response_file == runs[environment].response_file
    assert runs["dev"].baseline_file == runs[environment].baseline_file


@pytest.mark.usefixtures("runs")
def test_the_online_store_and_the_history_of_features_are_the_same(
    project: Project, source: Path, settings: dict[str, str], redis_server: RedisServer
) -> None:
    stores, histories = {}, {}
    with pytest.MonkeyPatch.context() as patch:
        set_all(patch, settings | {SETTING: redis_server.url}, source)
        for environment, (tables, _) in roots(project).items():
            told = project.run(f"--env={environment}", "--pipeline=feature_export", SAMPLED)
            assert told.exit_code == 0, told.output
            online = OnlineFeatures(open_store(redis_server.url, environment, ""))
            live = online.live()
            assert live is not None
            keys = [key for chunk in online.store.scan(ROW) for key, _ in chunk]
            customers = sorted(key.removeprefix(ROW) for key in keys)
            rows = [decoded_row(row or b"") for row in online.read(customers)[1]]
            stores[environment] = pd.DataFrame(rows, customers, live.columns)
            histories[environment] = read_table(tables, "gold_feature_history")
            require_declared(tables, "gold_feature_history")
    assert len(stores["dev"]) > 2_000
    for environment in ("staging", "prod"):
        equal = {"check_dtype": False, "rtol": TOLERANCE, "atol": TOLERANCE}
        pd.testing.assert_frame_equal(stores[environment], stores["dev"], **equal)
        of_run = ["artifact_version", "run_id", "recorded_at", "created_timestamp"]
        found, expected = (histories[one].drop(columns=of_run) for one in (environment, "dev"))
        pd.testing.assert_frame_equal(found, expected, **equal)


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("environment", ["staging", "prod"])
def test_nowhere_are_segments_of_one_artifact_reported_with_those_of_another(
    project: Project, source: Path, settings: dict[str, str], environment: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        set_all(patch, settings, source)
        again = project.run(f"--env={environment}", "--pipeline=reporting")
        assert again.exit_code == 0, again.output
        other = "--params=clustering.k.minimum=4"
        made = project.run(f"--env={environment}", "--pipeline=clustering", other)
        assert made.exit_code == 0, made.output
        refused = project.run(f"--env={environment}", "--pipeline=reporting")
    assert refused.exit_code == 1
    later = "lifetime_value,supervised_training,monitoring,reporting"
    wanted = f"--pipelines=label_generation,history,{later}"
    assert refused.output.rstrip().endswith(f"kedro run --env={environment} {wanted}")


def test_neither_files_nor_the_order_of_rows_change_an_answer(
    project: Project,
    runs: dict[str, Environment],
    sent: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of dev's run on the file as sent; the others' answers are held against dev's above."""
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(sent))
    steps = "ingestion,preprocessing,clustering,label_generation"
    result = project.run("--pipelines", steps, SAMPLED)
    assert result.exit_code == 0, result.output
    tables, models = roots(project)["dev"]
    require_same_rows(tables, runs["dev"].tables)
    again = Scorer(content(f"{models}/candidate/segmenter.onnx")).metadata
    learned = runs["dev"].scorer.metadata
    np.testing.assert_allclose(again["centroids"], learned["centroids"], rtol=TOLERANCE)


@pytest.mark.parametrize("method", ["collect", "toArrow", "toPandas", "toLocalIterator"])
def test_rows_that_come_to_the_driver_are_counted(spark: Any, method: str) -> None:
    with counted_collects() as seen:
        getattr(spark.range(BOUND + 1), method)()
    assert max(seen) > BOUND
    with counted_collects() as seen:
        spark.range(BOUND + 1).limit(BOUND).toArrow()
    assert seen[-1] == BOUND


def test_a_whole_run_on_spark_brings_only_samples_to_the_driver(
    runs: dict[str, Environment],
) -> None:
    # The samples did come, and were counted.
    assert SAMPLE / 2 < max(runs["prod"].collected) <= BOUND


def test_staging_reads_prods_delta_tables_on_its_own_engine(
    project: Project, source: Path, settings: dict[str, str], runs: dict[str, Environment]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        set_all(patch, settings | {READ_FROM: "prod"}, source)
        read = project.run("--env=staging", "--pipelines=eda,label_generation", SAMPLED)
    assert read.exit_code == 0, read.output
    tables, _ = roots(project)["staging"]
    # What prod has learned last, on the customers that all environments have.
    scorer = Scorer(Path(roots(project)["prod"][1]) / "candidate" / "segmenter.onnx")
    features = runs["dev"].tables["gold_features"]
    expected = scorer.score(np.ascontiguousarray(features[list(scorer.columns)].to_numpy()))
    found = read_table(tables, "gold_segments")
    assert found["customer_id"].tolist() == features["customer_id"].tolist()
    assert set(found["artifact_version"]) == {scorer.version}
    np.testing.assert_array_equal(found["segment_id"], expected["segment"])
    np.testing.assert_allclose(found["margin"], expected["margin"], TOLERANCE, TOLERANCE)
