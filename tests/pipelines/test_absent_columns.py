"""Only the key and what the chosen features are made of is needed; all else may be absent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import narwhals as nw
import pytest
import yaml
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner

from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.datasets.before_run import BeforeRun
from customer_segmentation.feedback.parameters import FeedbackParameters
from customer_segmentation.pipeline_registry import register_pipelines
from customer_segmentation.schema.decisions import INTERMEDIATE
from customer_segmentation.schema.parts import KEY
from customer_segmentation.segmentation.training_parameters import TrainingParameters
from customer_segmentation.serving.access import Routes
from customer_segmentation.serving.answers import Answer
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.description import describe_bundle
from customer_segmentation.serving.openapi.document import build_document
from customer_segmentation.serving.openapi.page import render_docs
from customer_segmentation.sources.dataset import SourceDataset
from customer_segmentation.tables.check import require_contract
from customer_segmentation.tables.history import History
from tests.marketing import (
    COLUMNS,
    DECISIONS,
    SCHEMA,
    needed_columns,
    with_segment_features,
)

CHECKOUT = Path(__file__).parents[2]
ROWS = 250
FEATURES = ["income", "age", "spend_total", "purchases_deals", "web_visits_month"]
TABLES = ("gold_features", "gold_segments", "gold_segment_profiles", "gold_feature_table")
MODELS = tuple(f"{name}_candidate" for name in ("segmenter", "cold_start", "response"))
RESULTS = (*TABLES, *MODELS, "segment_summary", "report")
# What a bundle lacks beside answers of its segmenter, in words.
SPOKEN = {"cold_start": "the cold-start model", "p_response": "the response model"}
# Blocks whose class stands below the pipelines, since others read them, too.
ELSEWHERE: dict[str, Any] = {
    "campaign_planning": CampaignParameters,
    "feedback": FeedbackParameters,
    "supervised_training": TrainingParameters,
}
SIGN_UP = {"year_birth", "education", "marital_status", "income", "kids_home", "teens_home"}
PRODUCTS = {name for name in COLUMNS if name.startswith("spend_")}
CHANNELS = {"purchases_web", "purchases_catalog", "purchases_store"}
CAMPAIGNS = {name for name in COLUMNS if name.startswith("accepted_")}


class Kept(MemoryDataset):
    """Data in memory that the runner does not drop after its last use."""

    def _release(self) -> None:
        pass


def block(name: str, **changed: Any) -> dict[str, Any]:
    path = CHECKOUT / "conf" / "base" / f"parameters_{name}.yml"
    return yaml.safe_load(path.read_text())[name] | changed


def parameters_of(pipeline: str, **changed: Any) -> Any:
    """The class that a pipeline declares for its block, with the shipped values."""
    if pipeline in ELSEWHERE:
        return ELSEWHERE[pipeline](**block(pipeline, **changed))
    module = import_module(f"customer_segmentation.pipelines.{pipeline}.parameters")
    values = block(pipeline, **changed)
    declared = (each for each in vars(module).values() if isinstance(each, type))
    (kind,) = (each for each in declared if {*getattr(each, "model_fields", ())} == {*values})
    return kind(**values)


def no_hours(_source: str, _since: str) -> dict[str, Any]:
    """As where neither API nor stream counted anything."""
    return {}


def run_without(absent: set[str], features: list[str]) -> dict[str, Any]:
    """Every pipeline on the first rows of the sample without these columns."""
    headers = [header for header, name in SCHEMA.aliases.items() if name in absent]
    source = SourceDataset(filepath=str(CHECKOUT / "data/sample/customers.csv")).load()
    clustering = block("clustering")
    quick = {
        "preprocessing": {"max_left_out": 0.5},
        "eda": {"hopkins_repeats": 2},
        "clustering": {
            "k": clustering["k"] | {"maximum": 4, "starts": 1, "bootstraps": 1},
        },
        "feature_export": {"keep_history": False},
        "supervised_training": {
            "folds": 2,
            "response": {"inverse_penalties": [0.1], "bends": [0]},
            "models": block("supervised_training")["models"]
            | {"trees": 2, "rounds": 2, "iterations": 2},
        },
    }
    whole = register_pipelines()["__default__"]
    given = {
        "source": source.head(ROWS).drop(columns=headers),
        "params:customers": with_segment_features(*features),
        "params:clustering.cap_quantile": clustering["cap_quantile"],
        "bundles": None,
        "recorded_history": History((), {}.__getitem__, datetime.now(UTC), "none"),
        "recorded_features": History((), {}.__getitem__, datetime.now(UTC), "none"),
        "latest_calibration": None,
        "monitoring_hours": no_hours,
        "monitoring_before": BeforeRun(None, datetime.now(UTC), "none"),
    }
    for name in (found.removeprefix("params:") for found in whole.inputs() - given.keys()):
        given[f"params:{name}"] = parameters_of(name, **quick.get(name, {}))
    catalog = DataCatalog({name: MemoryDataset(value) for name, value in given.items()})
    for name in RESULTS:
        catalog[name] = Kept(copy_mode="assign")
    SequentialRunner().run(whole, catalog)
    return {name: catalog.load(name) for name in RESULTS}


def require_whole(found: dict[str, Any]) -> Bundle:
    """The tables keep their contracts, and the models serve; what they lack, they say."""
    for name in TABLES:
        require_contract(name, nw.from_native(found[name]).lazy())
    bundle = Bundle(*(found[name].SerializeToString(deterministic=True) for name in MODELS))
    answers = {name for name in DECISIONS if name not in INTERMEDIATE}
    told = {*bundle.segmenter.outputs} & answers
    assert {*bundle.left_out} - {*SPOKEN} == answers - told
    assert ("cold_start" in bundle.left_out) is (bundle.cold_start is None)
    assert ("p_response" in bundle.left_out) is (bundle.response is None)
    assert {*found["gold_segments"].columns} & answers == told
    for name in bundle.left_out:
        spoken = SPOKEN.get(name, name.replace("_", " "))
        assert spoken in found["segment_summary"]
    typical = describe_bundle(bundle, None).segments[0].customer
    (read,) = bundle.reader.careful(json.dumps(typical).encode(), 1)
    (answer,) = bundle.answer([read])
    assert isinstance(answer, Answer)
    assert answer.segment == bundle.keys[0]
    assert render_docs(build_document(bundle, 100, "http://localhost:8000", Routes([])), "../")
    return bundle


# One of each kind, two at a time that no feature or decision uses together; all of them were tried.
@pytest.mark.parametrize(
    "absent",
    [
        {"year_birth", "purchases_web"},
        {"education", "spend_gold"},
        {"kids_home", "enrolled_on"},
        {"income"},
    ],
    ids=lambda names: " and ".join(sorted(names)),
)
def test_any_column_may_be_absent_that_no_chosen_feature_needs(absent: set[str]) -> None:
    features = [name for name in FEATURES if absent.isdisjoint(needed_columns([name]))]
    require_whole(run_without(absent, features))


@pytest.mark.parametrize(
    ("absent", "features"),
    [
        (SIGN_UP, ["spend_total", "purchases_deals", "web_visits_month"]),
        ({"education", "marital_status", "year_birth"}, ["income", "spend_total"]),
        (CHANNELS, FEATURES),
        (CAMPAIGNS | {"responded", "complained"}, FEATURES),
        (PRODUCTS, ["income", "age", "purchases_deals"]),
        ({*COLUMNS} - {KEY, "income", "web_visits_month"}, ["income", "web_visits_month"]),
        ({*COLUMNS} - {KEY, "recency_days", "enrolled_on"}, ["recency_days", "tenure_days"]),
    ],
    ids=["sign-up", "person", "channels", "campaigns", "products", "two numbers", "two others"],
)
def test_many_columns_may_be_absent_at_once(absent: set[str], features: list[str]) -> None:
    bundle = require_whole(run_without(absent, features))
    if absent >= SIGN_UP:
        assert "differs between customers" in bundle.left_out["cold_start"]
