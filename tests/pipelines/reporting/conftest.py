"""A small result of every pipeline that the report reads."""

import json
from collections.abc import Callable
from typing import Any

import onnx
import pandas as pd
import pytest
from pydantic_core import to_jsonable_python

from customer_segmentation.monitoring.findings import Finding, Window
from customer_segmentation.pipelines.reporting.nodes import build_report
from customer_segmentation.scoring.metadata import metadata_of, with_metadata
from customer_segmentation.segmentation.identity import Identity
from tests.marketing import SCHEMA

BASE = {
    "income": 52000.0,
    "age": 45.0,
    "spend_total": 600.0,
    "spend_wines": 300.0,
    "spend_gold": 50.0,
    "purchases_deals": 2.3,
    "responded": 0.15,
    "deal_share": 0.25,
    "affluence_tier=modest": 0.5,
    "affluence_tier=comfortable": 0.3,
    "affluence_tier=affluent": 0.2,
    "channel=web": 0.4,
    "channel=catalog": 0.3,
    "channel=store": 0.3,
    "offer=newsletter": 0.55,
    "offer=discount": 0.2,
    "offer=preview": 0.25,
    "product=wines": 0.6,
    "product=gold": 0.4,
    "waits_for_offers=no": 0.8,
    "waits_for_offers=yes": 0.2,
    "likely_to_spend": 47.5,
    "margin": 0.46,
}


def profile_rows(number: int, name: str, share: float, **means: float | None) -> list[dict]:
    """The rows of one segment, average in every measure but those given; None leaves it out."""
    measures = {**BASE, **{key.replace("__", "="): mean for key, mean in means.items()}}
    return [
        {
            "segment": name.lower().replace(" ", "_"),
            "segment_name": name,
            "segment_id": number,
            "customers": round(1000 * share),
            "share": share,
            "measure": measure,
            "mean": mean,
            "base_mean": BASE[measure],
            "index": 100.0 * mean / BASE[measure],
        }
        for measure, mean in measures.items()
        if mean is not None
    ]


@pytest.fixture
def segment() -> Callable[..., list[dict]]:
    """Number, name, share and means that differ from the average -> rows of the profiles."""
    return profile_rows


def _models(*names: str, score: float) -> dict[str, Any]:
    def metrics(value: float) -> dict[str, Any]:
        spread = {"mean": value, "sd": 0.011, "pooled": value}
        return dict.fromkeys(
            ("balanced_accuracy", "macro_f1", "log_loss", "expected_calibration_error"), spread
        )

    return {"baseline": metrics(0.33), **{name: metrics(score) for name in names}}


RESPONSE: dict[str, Any] = {
    "version": "9bfc3e23fd8e",
    "offer": "winter_voucher",
    "cost": 3.0,
    "value": 11.0,
    "currency": "",
    "inputs": ["income", "campaigns_accepted"],
    "customers": 2202,
    "rows": 2198,
    "rows_left_out": 4,
    "bends": 0,
    "inverse_penalty": 0.1,
    "calibration": {
        "intercept": 0.0,
        "slope": 1.0,
        "covariance": [[0.012, 0.0036], [0.0036, 0.0032]],
    },
    "measured": {"answered": 0.15, "roc_auc": 0.917},
    "policies": [
        {
            "cost": cost,
            "contacted": contacted,
            "answers": answers,
            "profits": {
                "model": 11.0 * answers - cost * contacted,
                "everybody": 3630.0 - cost * 2198,
                "nobody": 0.0,
                "random": -525.43,
                "segments": -141.2,
                "perfect": 330 * (11.0 - cost),
            },
            "interval": [1130.9, 1653.1],
        }
        for cost, contacted, answers in ((2.4, 423, 242), (3.0, 361, 225), (3.6, 313, 204))
    ],
}


def _candidate(size: int, differing: float) -> dict[str, float]:
    quality = {"roc_auc": 0.926491, "balanced_accuracy": 0.748497, "log_loss": 0.451807}
    return {"bytes": size, **quality, "differing": differing}


def flow_of(names: dict[str, str]) -> dict[str, Any]:
    """Key -> name of the segments -> what the history says: three of each went to each other."""
    causes = {"data": 2, "model": 1, "both": 0, "unknown": 0}
    pairs = [(former, latter) for former in names for latter in names]
    moves = len(names) * (len(names) - 1)
    return {
        "as_of": "2014-06-30",
        "artifact_version": "0123456789ab",
        "before": {
            "as_of": "2014-05-31",
            "artifact_version": "ba9876543210",
            "recorded_at": "2014-06-01T12:00:00.000000Z",
        },
        "segments": names,
        "flows": [
            {"from": former, "to": latter, "customers": 3, **causes}
            if former != latter
            else {"from": former, "to": latter, "customers": 200, **dict.fromkeys(causes, 0)}
            for former, latter in pairs
        ],
        "entered": dict.fromkeys(names, 5),
        "left": {},
        "moved": 3 * moves,
        "stayed": 200 * len(names),
        "causes": {cause: count * moves for cause, count in causes.items()},
        "in_common": [
            {"feature": "margin", "moved": 0.2, "stayed": 0.5, "difference": -1.2},
            {"feature": "deal_share", "moved": 0.51, "stayed": 0.27, "difference": 0.7},
            {"feature": "income", "moved": 41000.0, "stayed": 52000.0, "difference": -0.4},
        ],
    }


_WINDOW = {
    "source": "batch",
    "start": "2014-06-30",
    "end": "2014-06-30",
    "customers": 1000,
    "baseline": "",
}
# What monitoring says of a first run.
NOTHING_COMPARED: dict[str, Any] = {
    "currency": "MU",
    "windows": [_WINDOW | {"costs": [], "notes": []}],
    "findings": [
        Finding(
            Window(**_WINDOW),
            "rows",
            "",
            "customers",
            1000.0,
            None,
            told="The customers of 2014-06-30 are compared with nothing: there is no champion.",
        ).stated()
    ],
    "blind": ["A change of the concept is not seen."],
}


@pytest.fixture
def inputs_for() -> Callable[[list[str]], dict[str, Any]]:
    """Names of segments -> everything that `build_report` takes."""

    def make(names: list[str], *, outputs: tuple[str, ...] = ()) -> dict[str, Any]:
        k = len(names)
        keys = [f"key_{number}" for number in range(k)]
        decided = ("affluence_tier", "waits_for_offers", "likely_to_spend", "product", "channel")
        metadata = {
            "segments": [{"key": a, "name": b} for a, b in zip(keys, names, strict=True)],
            "customers": SCHEMA.model_dump(mode="json"),
            "outputs": ["segment", "margin", *(outputs or (*decided, "offer"))],
            "scaling": {"features": ["income", "spend_total"], "caps": [84148.2, 1775.6]},
            "learned": {
                "affluence_tier": {"income_thresholds": [51373.0, 71819.0]},
                "waits_for_offers": {"min_deal_share": 0.333333333333, "min_deals": 3.0},
                "offer": {"min_likely_to_spend": 75.0},
            },
            "provenance": {
                "as_of": "2014-06-30",
                "customers": 1000,
                "sample_rows": 1000,
                "project_version": "0.1.0",
            },
        }
        model = with_metadata(onnx.ModelProto(), metadata)
        share = round(1.0 / k, 6)
        return {
            "profiles": pd.DataFrame(
                [row for n, name in enumerate(names) for row in profile_rows(n, name, share)]
            ),
            "segmenter": model,
            "accounting": {
                "source_name": "customers.csv",
                "source_sha256": "cd0affa36b1b" + "0" * 52,
                "rows_in": 1040,
                "customers": 1000,
                "quarantined": 35,
                "repeats": 5,
                "reasons": {"income: missing": 24, "year_birth: age outside 18 to 100": 11},
                "lost_values": {"recency_days: missing": 3},
                "warnings": ["income may be in thousands"],
            },
            "clustering": {
                "k": k,
                "silhouette": 0.32,
                "stability": 0.96,
                "is_stable": True,
                "structure": {"is_grouped": True, "k": 3, "silhouette": 0.32, "by_chance": 0.25},
                "left_out": {},
                "far_outside": [],
                "k_bounded_by": "",
                "k_maximum": 10,
                "uncapped": [],
                "influence": [
                    {"feature": "income", "of_distances": 0.5, "between_segments": 0.3},
                    {"feature": "spend_total", "of_distances": 0.5, "between_segments": 0.7},
                ],
                "elbow_k": 5,
                "best_silhouette_k": 2,
                "rule": "the best silhouette among k of at least 2",
                "expected_spend_r2": 0.72,
                "segments": names,
            },
            "identity": to_jsonable_python(Identity()),
            "choice_of_k": pd.DataFrame(
                {
                    "k": range(2, 11),
                    "inertia": [6500.0 - 400.0 * n for n in range(9)],
                    "silhouette": [0.35 - 0.01 * n for n in range(9)],
                    "stability": [0.98 - 0.03 * n for n in range(9)],
                }
            ),
            "eda": {
                "sample_rows": 1000,
                "hopkins": {"value": 0.8, "each_feature_shuffled": 0.6, "meaning": "clustered"},
                "top_features": {
                    "spend_total": [
                        {"feature": "income", "spearman": 0.85, "mutual_information": 0.74},
                        {"feature": "deal_share", "spearman": -0.68, "mutual_information": 0.5},
                        {"feature": "age", "spearman": 0.1, "mutual_information": 0.2},
                    ],
                    "responded": [
                        {"feature": "spend_gold", "spearman": 0.3, "mutual_information": 0.1}
                    ],
                },
            },
            "supervised": {
                "demonstration": {
                    "note": "Shows that others find the same borders.",
                    "models": _models("random_forest", score=0.93),
                },
                "cold_start": {
                    "note": "Validated on tenured customers.",
                    "inputs": ["age", "kids_home", "children", "education_phd"],
                    "members": dict.fromkeys(keys, 10),
                    "models": _models("logistic_regression", score=0.77),
                    "exported": "logistic_regression",
                    "chosen_by": "the smallest of those that are good enough",
                    "full_model": "gradient_boosting",
                    "candidates": {
                        "logistic_regression": _candidate(25_565, 0.0742),
                        "quantised_network": _candidate(27_854, 0.0728),
                        "gradient_boosting": _candidate(69_443, 0.0),
                    },
                    "version": "2fc9fb7d1c71",
                    "segmenter_version": metadata_of(model)["version"],
                    "confusion": [[8 if a == b else 2 for b in range(k)] for a in range(k)],
                },
                "response": RESPONSE,
            },
            "flow": flow_of(dict(zip(keys, names, strict=True))),
            "lifetime": {},
            "monitoring": NOTHING_COMPARED,
        }

    return make


@pytest.fixture
def inputs(inputs_for: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """The inputs of a report on three segments."""
    return inputs_for(["High-value", "Price-sensitive", "Low-spend"])


@pytest.fixture
def page() -> Callable[[dict[str, Any]], str]:
    """Inputs -> the page; none of them is changed on the way."""

    def build(inputs: dict[str, Any]) -> str:
        names = ("accounting", "clustering", "eda", "supervised", "flow")
        plain = {name: inputs[name] for name in names}
        before = json.dumps(plain)
        html = build_report(**inputs)
        assert json.dumps(plain) == before
        return html

    return build
