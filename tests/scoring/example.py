"""Customers drawn at random and a segmenter made for them, the same in every process."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.segmentation.cold_start import (
    ColdStartModel,
    QuantisedColdStart,
    SignUpModel,
)
from customer_segmentation.segmentation.naming import SegmentName
from customer_segmentation.segmentation.projection import learn_projection
from customer_segmentation.segmentation.quantised import quantise
from customer_segmentation.segmentation.response import Bends, Regression, ResponseModel
from customer_segmentation.segmentation.scaling import Scaling, Treatment, learn_scaling
from customer_segmentation.segmentation.segmenter import Segmenter
from tests.marketing import CHANNELS, DECISIONS, PRODUCTS, SCHEMA, on_frame

FEATURES = ("income", "age", "spend_total", "purchases_deals", "web_visits_month")


def draw_customers(rows: int, seed: int = 0) -> pd.DataFrame:
    """Numeric canonical columns: who earns more spends more, every tenth bought nothing."""
    random = np.random.default_rng(seed)
    buys = random.uniform(size=rows) >= 0.1
    income = random.lognormal(10.8, 0.5, rows).round()
    means = buys * income / 50_000.0
    columns = {
        "income": income,
        "as_of_year": np.full(rows, 2014.0),
        "year_birth": random.integers(1930, 1996, rows),
        "kids_home": random.integers(0, 3, rows),
        "teens_home": random.integers(0, 3, rows),
        "purchases_deals": random.poisson(2.5, rows),
        "web_visits_month": random.integers(0, 10, rows),
        **{f"spend_{n}": random.lognormal(3.5, 1.2, rows).round(2) * means for n in PRODUCTS},
        **{f"purchases_{n}": random.poisson(4, rows) * buys for n in CHANNELS},
    }
    return pd.DataFrame(columns).astype("float64")


def reading() -> dict[str, Any]:
    """The schema, as an artifact carries it."""
    return SCHEMA.model_dump(mode="json")


def make_segmenter(segments: int = 3) -> Segmenter:
    """Centroids are customers; the decisions' numbers are made up."""
    table = on_frame(nw.from_native(draw_customers(2000)).lazy(), FEATURES)
    scaling = learn_scaling(table, dict.fromkeys(FEATURES, Treatment(0.95)))
    standardised = scaling.standardised(table.select(*FEATURES).collect().to_numpy())
    projection = learn_projection(standardised, np.ones(len(standardised)), 0.95)
    return Segmenter(
        scaling=scaling,
        projection=projection,
        centroids=projection.projected(standardised)[:segments],
        names=tuple(SegmentName(f"s{n}", f"Segment {n}") for n in range(segments)),
        decisions=tuple(DECISIONS),
        learned={
            "affluence_tier": {"income_thresholds": [49_000.0, 75_000.0]},
            "waits_for_offers": {"min_deal_share": 0.25, "min_deals": 3.0},
            "expected_spend": {
                "potential_caps": [100_000.0, 2.0, 2.0],
                "potential_weights": [0.0123, -210.5, -40.25, 77.7],
            },
            "likely_to_spend": {
                "potential_thresholds": np.linspace(-100.0, 1200.0, 19).round(1).tolist()
            },
            "product": {
                "means": [0.3, 0.1, 0.25, 0.1, 0.1, 0.15],
                "spreads": [0.2, 0.1, 0.15, 0.1, 0.1, 0.12],
            },
            "channel": {"means": [0.33, 0.27, 0.4], "spreads": [0.13, 0.14, 0.15]},
            "offer": {"min_likely_to_spend": 75.0},
        },
        schema=SCHEMA,
        provenance={"as_of": "2014-06-30", "customers": 2000},
    )


def make_response(segmenter_version: str) -> ResponseModel:
    """A response model of made-up numbers, with features of every kind of column."""
    features = ("income", "age", "tenure_days", "partnered", "spend_total", "campaigns_accepted")
    return ResponseModel(
        response="responded",
        regression=Regression(
            scaling=Scaling(
                features,
                np.array([90_000.0, 80.0, 700.0, 1.0, 2_000.0, 5.0]),
                np.array([50_000.0, 45.0, 350.0, 0.6, 600.0, 0.3]),
                np.array([20_000.0, 12.0, 200.0, 0.5, 580.0, 0.7]),
            ),
            bends=Bends((2, 4, 4), (-0.5, 0.0, 1.5)),
            weights=np.array([0.1, -0.1, 0.4, -0.3, 0.2, 0.9, 0.3, -0.2, 0.5]),
            intercept=-2.1,
        ),
        calibration={
            "intercept": 0.05,
            "slope": 0.97,
            "covariance": [[0.012, 0.004], [0.004, 0.003]],
        },
        segmenter_version=segmenter_version,
        schema=SCHEMA,
        provenance={"as_of": "2014-06-30", "customers": 2000},
        metrics={"roc_auc": 0.9},
    )


def quantised_like(model: ColdStartModel, units: int = 6) -> QuantisedColdStart:
    """A network of made-up weights, with the features and segments of a regression."""
    random = np.random.default_rng(0)
    features, segments = len(model.features), len(model.names)
    first = random.normal(size=(features, units)) / model.deviations[:, None]
    # In the middle of what a customer may be, so that every hidden unit is now on and now off.
    hidden = quantise(first, -model.caps / 2.0 @ first, np.zeros(features), model.caps)
    second = random.normal(size=(units, segments))
    last = quantise(second, model.intercepts, np.zeros(units), np.full(units, 5.0))
    about = {one.name: getattr(model, one.name) for one in fields(SignUpModel)}
    return QuantisedColdStart(layers=(hidden, last), **about)


def between_segments(
    matrix: NDArray[np.float64], scorer: Scorer, halvings: int
) -> NDArray[np.float64]:
    """Pairs of customers of different segments moved towards each other, amounts of money only.

    Until they are just of different segments: of counts there are no halves.
    """
    is_money = [name == "income" or name.startswith("spend_") for name in scorer.columns]
    here = matrix[:-1]
    there = np.where(is_money, matrix[1:], here)
    labels, others = (scorer.score(np.ascontiguousarray(m))["segment"] for m in (here, there))
    differ = labels != others
    here, there, labels = here[differ].copy(), there[differ].copy(), labels[differ]
    for _ in range(halvings):
        middle = np.ascontiguousarray((here + there) / 2.0)
        stays = (scorer.score(middle)["segment"] == labels)[:, None]
        here, there = np.where(stays, middle, here), np.where(stays, there, middle)
    return np.concatenate([here, there])
