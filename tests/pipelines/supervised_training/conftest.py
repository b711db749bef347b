"""A small base whose segments follow income and spend, some customers repeated."""

import json
from collections.abc import Callable
from typing import Any

import narwhals as nw
import numpy as np
import onnx
import pandas as pd
import pytest

from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.customers.sample_key import with_sample_key
from customer_segmentation.segmentation.training_parameters import TrainingParameters
from tests.marketing import SCHEMA, available_features, changed, on_frame

SEGMENTS = [
    {"key": "low_spend", "name": "Low-spend"},
    {"key": "moderate", "name": "Moderate"},
    {"key": "high_value", "name": "High-value"},
]
SIGN_UP = ["age", "income", "children", "partnered", "education_phd"]
COUNTS = {
    "education": 5,
    "marital_status": 5,
    "kids_home": 3,
    "teens_home": 3,
    "enrolled_day": 365,
    "recency_days": 100,
    "purchases_deals": 8,
    "purchases_web": 9,
    "purchases_catalog": 9,
    "purchases_store": 9,
    "web_visits_month": 10,
    "responded": 2,
    "complained": 2,
}


def make_features(customers: int, repeats: int) -> pd.DataFrame:
    """Features of customers, the first few of whom come twice under other ids."""
    draw = np.random.default_rng(3)
    income = draw.uniform(10_000, 100_000, customers).round()
    columns = {name: draw.integers(0, maximum, customers) for name, maximum in COUNTS.items()}
    columns |= {"income": income, "year_birth": draw.integers(1940, 1996, customers)}
    columns |= {"enrolled_year": np.full(customers, 2013), "as_of_year": np.full(customers, 2014)}
    columns |= {"as_of_day": np.full(customers, 180)}
    # Days of a year begin with 1.
    columns["enrolled_day"] = columns["enrolled_day"] + 1
    for product in ("wines", "fruits", "meat", "fish", "sweets", "gold"):
        columns[f"spend_{product}"] = (income / 200 * draw.uniform(0.3, 1.7, customers)).round()
    for campaign in range(1, 6):
        columns[f"accepted_campaign_{campaign}"] = draw.integers(0, 2, customers)
    numbers = pd.DataFrame(columns).astype(float)
    numbers = pd.concat([numbers, numbers.head(repeats)], ignore_index=True)
    numbers.insert(0, "customer_id", [f"c{number}" for number in range(len(numbers))])
    numbers.insert(1, "as_of", pd.Timestamp("2014-06-29"))
    keyed = with_sample_key(nw.from_native(numbers).lazy(), "customer_id")
    return on_frame(keyed, available_features(numbers.columns)).collect().to_native()


def make_segments(features: pd.DataFrame) -> pd.DataFrame:
    """Three segments by total spend, as label generation gives them."""
    ids = np.digitize(features["spend_total"], [1000.0, 2000.0])
    keys = [SEGMENTS[number]["key"] for number in ids]
    return pd.DataFrame(
        {"customer_id": features["customer_id"], "segment": keys, "segment_id": ids}
    )


def make_segmenter(segments: list[dict[str, str]], sign_up: list[str]) -> onnx.ModelProto:
    """An artifact of which only the metadata are read."""
    schema = SCHEMA.model_dump(mode="json")
    metadata = {
        "segments": segments,
        "version": "0123456789ab",
        "customers": changed(schema, ("sign_up_features", sign_up)),
        "provenance": {"customers": 160},
    }
    model = onnx.helper.make_model(onnx.helper.make_graph([], "empty", [], []))
    onnx.helper.set_model_props(
        model, {f"customer_segmentation.{k}": json.dumps(v) for k, v in metadata.items()}
    )
    return model


@pytest.fixture(scope="session")
def features() -> pd.DataFrame:
    return make_features(customers=150, repeats=10)


@pytest.fixture(scope="session")
def segments(features: pd.DataFrame) -> pd.DataFrame:
    return make_segments(features)


@pytest.fixture(scope="session")
def segmenter_of() -> Callable[..., onnx.ModelProto]:
    """Make a segmenter with so many segments, of a schema with these sign-up features."""

    def make(count: int, sign_up: list[str] = SIGN_UP) -> onnx.ModelProto:
        return make_segmenter(SEGMENTS[:count], sign_up)

    return make


@pytest.fixture(scope="session")
def sign_up() -> list[str]:
    """What the cold-start model looks at."""
    return SIGN_UP


@pytest.fixture(scope="session")
def parameters() -> TrainingParameters:
    return TrainingParameters(
        sample_rows=1000,
        folds=3,
        seed=1,
        calibration_bins=5,
        exported="auto",
        models={
            "cap_quantile": 0.99,
            "inverse_penalty": 1.0,
            "trees": 5,
            "min_leaf": 2,
            "rounds": 3,
            "leaves": 4,
            "units": 4,
            "iterations": 3,
        },
        response={"inverse_penalties": [0.1, 1.0], "bends": [0, 1]},
    )


@pytest.fixture(scope="session")
def inputs(features, segments, segmenter_of, parameters) -> dict[str, Any]:
    """Everything that the pipeline reads."""
    return {
        "gold_features": features,
        "gold_segments": segments,
        "segmenter_candidate": segmenter_of(3),
        "params:supervised_training": parameters,
        "params:campaign_planning": CampaignParameters(
            name="spring",
            hold_out=0.1,
            quiet_days=14,
            offers={"voucher": {"channel": "e_mail", "cost": 3.0, "value": 11.0}},
        ),
    }
