"""A bundle made without a run of Kedro, the same in every process."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from customer_segmentation.bundles.bundle import BASELINE
from customer_segmentation.monitoring.bins import number_bins
from customer_segmentation.monitoring.summary import Baseline, nobody
from customer_segmentation.scoring.cold_start import build_cold_start
from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.scoring.metadata import VERSION, metadata_of
from customer_segmentation.scoring.response import build_response
from customer_segmentation.segmentation.cold_start import ColdStartModel
from customer_segmentation.serving.bundle import Champion
from tests.marketing import CAMPAIGNS, CHANNELS, PRODUCTS
from tests.scoring.example import make_response, make_segmenter, quantised_like


def write_bundle(folder: Path, segments: int = 3, *, quantised: bool = False) -> Path:
    """Write a segmenter and the models beside it, and give the folder.

    Args:
        folder: Made where it is not there; what it holds is replaced.
        segments: Another number makes another version.
        quantised: Whether the cold-start model is a network with int8 weights.
    """
    segmenter = make_segmenter(segments)
    artifact = build_segmenter(segmenter)
    model = ColdStartModel(
        features=("income", "age", "partnered"),
        caps=np.array([90_000.0, 80.0, 1.0]),
        means=np.array([50_000.0, 45.0, 0.6]),
        deviations=np.array([20_000.0, 12.0, 0.5]),
        weights=np.linspace(-2.0, 1.9, 3 * segments).reshape(segments, 3),
        intercepts=np.linspace(0.2, -0.3, segments),
        names=segmenter.names,
        segmenter_version=metadata_of(artifact)[VERSION],
        schema=segmenter.schema,
        provenance={"as_of": "2014-06-30", "customers": 2000},
        metrics={"model": {"log_loss": {"mean": 0.5, "sd": 0.1}}},
    )
    folder.mkdir(parents=True, exist_ok=True)
    cold_start = build_cold_start(quantised_like(model) if quantised else model)
    response = build_response(make_response(metadata_of(artifact)[VERSION]))
    made = {"segmenter": artifact, "cold_start": cold_start, "response": response}
    for kind, graph in made.items():
        content = graph.SerializeToString(deterministic=True)
        (folder / f"{kind}.onnx").write_bytes(content)
    return folder


def a_customer() -> dict[str, Any]:
    """A customer with everything that the example's segmenter needs, in canonical names."""
    return {
        "income": 58138,
        "year_birth": 1957,
        "kids_home": 0,
        "teens_home": 0,
        **{f"spend_{name}": 100.5 for name in PRODUCTS},
        "purchases_deals": 3,
        **{f"purchases_{name}": 4 for name in CHANNELS},
        "web_visits_month": 7,
    }


def who_may_answer() -> dict[str, Any]:
    """A customer with what the example's response model looks at besides."""
    campaigns = {f"accepted_campaign_{name}": 0 for name in CAMPAIGNS} | {"accepted_campaign_5": 1}
    known = {"enrolled_on": "2013-05-17", "marital_status": "married"}
    return a_customer() | known | campaigns


def a_new_customer() -> dict[str, Any]:
    """Somebody who has not bought yet: what the example's cold-start model needs."""
    known = {"income": 58138, "year_birth": 1957, "marital_status": "single"}
    return known | {"kids_home": 0, "teens_home": 0}


def add_baseline(folder: Path) -> Baseline:
    """Write what the bundle of a folder would have learned from: customers like the example's."""
    bundle = Champion(str(folder)).current
    columns = bundle.columns
    draw = np.random.default_rng(1)
    matrix = draw.integers(0, 100, size=(500, len(columns))).astype(np.float64)
    bins = {name: number_bins(values) for name, values in zip(columns, matrix.T, strict=True)}
    empty = nobody(bundle.version, len(bundle.keys))
    baseline = Baseline(bundle.version, "2014-06-30", tuple(bundle.keys), bins, empty)
    outputs = {"segment": draw.integers(0, len(bundle.keys), size=500)}
    whole = replace(baseline, summary=baseline.summarise(columns, matrix, outputs))
    (folder / BASELINE).write_text(json.dumps(whole.stated()))
    return whole
