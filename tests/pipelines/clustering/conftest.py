"""A base of 300 customers and quick parameters, and measures of k made up by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import pytest
import yaml

from customer_segmentation.customers.sample_key import with_sample_key
from customer_segmentation.pipelines.clustering.nodes import (
    ClusteringSample,
    MeasuredCandidates,
    draw_sample,
    measure_candidates,
)
from customer_segmentation.pipelines.clustering.parameters import ClusteringParameters
from customer_segmentation.segmentation.choice import MeasuredK
from customer_segmentation.segmentation.segmenter import Segmenter
from customer_segmentation.segmentation.structure import Structure
from tests.marketing import SCHEMA, available_features, on_frame
from tests.pipelines.calling import call
from tests.scoring.example import draw_customers, make_segmenter

SHIPPED = Path(__file__).parents[3] / "conf" / "base" / "parameters_clustering.yml"


@pytest.fixture
def shipped() -> dict[str, Any]:
    """The shipped `clustering` block: a test's own to change."""
    block: dict[str, Any] = yaml.safe_load(SHIPPED.read_text())["clustering"]
    return block


@pytest.fixture
def block(shipped: dict[str, Any]) -> dict[str, Any]:
    """The same with few k, starts and resamples."""
    return shipped | {"k": shipped["k"] | {"maximum": 5, "starts": 2, "bootstraps": 2}}


@pytest.fixture
def clustering(block: dict[str, Any]) -> ClusteringParameters:
    return ClusteringParameters(**block)


@pytest.fixture(scope="session")
def gold_of() -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Numeric canonical columns -> `gold_features`."""

    def gold(numbers: pd.DataFrame) -> pd.DataFrame:
        columns = numbers.assign(
            customer_id=[f"c{row:04}" for row in range(len(numbers))],
            as_of=pd.Timestamp("2014-06-30"),
        )
        keyed = with_sample_key(nw.from_native(columns).lazy(), "customer_id")
        return on_frame(keyed, available_features(numbers.columns)).collect().to_native()

    return gold


@pytest.fixture(scope="session")
def gold(gold_of: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    return gold_of(draw_customers(300))


@pytest.fixture
def sample(gold: pd.DataFrame, clustering: ClusteringParameters) -> ClusteringSample:
    return call(draw_sample, gold_features=gold, schema=SCHEMA, clustering=clustering)


@pytest.fixture
def candidates(sample: ClusteringSample, clustering: ClusteringParameters) -> MeasuredCandidates:
    return call(measure_candidates, sample=sample, clustering=clustering)


@pytest.fixture(scope="session")
def made_up() -> MeasuredCandidates:
    """Three are chosen, the elbow is at four, and two have the best silhouette."""
    stability = {2: 0.99, 3: 0.9, 4: 0.85, 5: 0.7}
    measured = [
        MeasuredK(
            k=k,
            centroids=np.zeros((k, 2)),
            inertia=1000.0 / k,
            silhouette=1.0 / k,
            calinski_harabasz=100.0 * k,
            davies_bouldin=0.1 * k,
            stability=value,
        )
        for k, value in stability.items()
    ]
    found = Structure(k=3, silhouette=0.4, by_chance=0.3)
    return MeasuredCandidates(make_segmenter().projection, measured, measured[1], 4, found)


@pytest.fixture(scope="session")
def segmenter() -> Segmenter:
    """Three segments of the example's customers."""
    return replace(make_segmenter(), provenance={"sample_rows": 2000}, expected_spend_r2=0.75)
