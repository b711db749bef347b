"""The nodes give the same tables on pandas and on Polars frames, from source to export."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pytest
import yaml
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner

from customer_segmentation.pipelines import (
    clustering,
    feature_export,
    ingestion,
    label_generation,
    lifetime_value,
    preprocessing,
)
from customer_segmentation.pipelines.clustering.parameters import ClusteringParameters
from customer_segmentation.pipelines.feature_export.parameters import FeatureExportParameters
from customer_segmentation.pipelines.label_generation.parameters import LabelGenerationParameters
from customer_segmentation.pipelines.preprocessing.parameters import PreprocessingParameters
from customer_segmentation.pipelines.supervised_training.described import describe_customers
from customer_segmentation.pipelines.supervised_training.response import (
    build_response,
    validate_response,
)
from customer_segmentation.pipelines.supervised_training.sample import draw_labelled_customers
from customer_segmentation.scoring.verify import verified
from customer_segmentation.segmentation.training_parameters import TrainingParameters
from customer_segmentation.sources.dataset import SourceDataset
from customer_segmentation.tables.check import require_contract
from customer_segmentation.tables.history import History
from customer_segmentation.tables.schemas import contract_of
from tests.marketing import SCHEMA

CHECKOUT = Path(__file__).parents[2]
STEPS = (
    *(ingestion, preprocessing, clustering),
    *(label_generation, lifetime_value, feature_export),
)
TABLES = (
    "silver_customers",
    "silver_quarantine",
    "silver_purchases",
    "gold_lifetime_value",
    "gold_features",
    "gold_segments",
    "gold_unsegmented",
    "gold_segment_profiles",
    "gold_feature_table",
    "gold_feature_history",
)
RESULTS = (*TABLES, "row_accounting", "segmenter_candidate", "choice_of_k", "data_dictionary")


class Kept(MemoryDataset):
    """Data in memory that the runner does not drop after its last use."""

    def _release(self) -> None:
        pass


def block(name: str) -> dict[str, Any]:
    path = CHECKOUT / "conf" / "base" / f"parameters_{name}.yml"
    return yaml.safe_load(path.read_text())[name]


def run(source: Any) -> dict[str, Any]:
    # Enough of the choice of k to be a choice; the whole of it is tested elsewhere.
    quick = block("clustering")
    quick["k"] |= {"maximum": 4, "starts": 2, "bootstraps": 2}
    wanted = {
        "source": source,
        "params:customers": SCHEMA,
        "params:preprocessing": PreprocessingParameters(**block("preprocessing")),
        "params:clustering": ClusteringParameters(**quick),
        "params:label_generation": LabelGenerationParameters(**block("label_generation")),
        "bundles": None,
        "recorded_history": None,
        "params:feature_export": FeatureExportParameters(keep_history=True),
        "recorded_features": History((), {}.__getitem__, datetime.now(UTC), "run 1"),
    }
    catalog = DataCatalog({name: MemoryDataset(value) for name, value in wanted.items()})
    for name in RESULTS:
        catalog[name] = Kept(copy_mode="assign")
    steps = [step.create_pipeline() for step in STEPS]
    SequentialRunner().run(sum(steps, start=Pipeline([])), catalog)
    return {name: catalog.load(name) for name in RESULTS}


@pytest.fixture(scope="module")
def results() -> tuple[dict[str, Any], dict[str, Any]]:
    source = SourceDataset(filepath=str(CHECKOUT / "data/sample/customers.csv")).load()
    return run(source), run(pl.from_pandas(source))


def as_pandas(table: Any) -> pd.DataFrame:
    collected = nw.from_native(table).lazy().collect().to_pandas().reset_index(drop=True)
    # A missing text is None or NaN.
    collected = collected.where(collected.notna())
    dates = collected.select_dtypes("datetime").columns
    return collected.astype(dict.fromkeys(dates, "datetime64[us]"))


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_equal(results: tuple[dict[str, Any], dict[str, Any]], name: str) -> None:
    of_pandas, of_polars = (
        as_pandas(result[name]).drop(columns=["created_timestamp", "recorded_at"], errors="ignore")
        for result in results
    )
    assert isinstance(results[0][name], pd.DataFrame)
    assert isinstance(results[1][name], pl.DataFrame | pl.LazyFrame)
    pd.testing.assert_frame_equal(of_pandas, of_polars, check_dtype=False, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", TABLES)
def test_tables_keep_their_contracts_which_speak_of_columns_that_are_there(
    results: tuple[dict[str, Any], dict[str, Any]], name: str
) -> None:
    for result in results:
        table = nw.from_native(result[name]).lazy()
        require_contract(name, table)
        spoken_of = {column.name for column in contract_of(name).columns}
        assert spoken_of <= set(table.collect_schema().names())


def test_the_artifacts_are_equal_to_the_byte(
    results: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    of_pandas, of_polars = (result["segmenter_candidate"] for result in results)
    assert of_pandas.SerializeToString() == of_polars.SerializeToString()


def test_the_response_models_and_what_they_learned_from_are_equal_to_the_byte(
    results: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    parameters = TrainingParameters(**block("supervised_training"))
    made, described = [], []
    for result in results:
        segmenter = result["segmenter_candidate"]
        tables = (result[name] for name in ("gold_features", "gold_segments"))
        customers = draw_labelled_customers(*tables, segmenter, parameters)
        validation = validate_response(customers, parameters)
        response = build_response(validation, segmenter)
        made.append(response.SerializeToString(deterministic=True))
        tables = (result[name] for name in ("gold_features", "row_accounting"))
        baseline = describe_customers(*tables, customers, segmenter, response, response)
        described.append(json.dumps(baseline))
    assert verified(made[0])["kind"] == "response"
    assert made[0] == made[1]
    assert described[0] == described[1]


def test_accounting_and_choice_are_equal(
    results: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    of_pandas, of_polars = results
    assert of_pandas["row_accounting"] == of_polars["row_accounting"]
    pd.testing.assert_frame_equal(of_pandas["choice_of_k"], of_polars["choice_of_k"])


def test_the_dictionary_describes_every_exported_column(
    results: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    dictionary = results[0]["data_dictionary"]
    assert list(dictionary["column"]) == list(results[0]["gold_feature_table"].columns)
    assert (dictionary["description"] != "").all()
    assert set(dictionary["role"]) == {
        "key",
        "event time",
        "feature",
        "model feature",
        "model input",
    }


def test_standardised_columns_are_what_the_model_sees(
    results: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    table = results[0]["gold_feature_table"]
    standardised = table[[name for name in table.columns if name.endswith("_standardised")]]
    assert standardised.shape[1] == 5
    assert standardised.mean().abs().max() < 1e-9
    assert (standardised.std(ddof=0) - 1.0).abs().max() < 1e-9
