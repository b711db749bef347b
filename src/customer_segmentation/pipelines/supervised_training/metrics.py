"""How good probabilities are: one number a metric, for each fold and for all folds together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.pipelines.supervised_training.folds import Validation

Labels = NDArray[np.int64]
Probabilities = NDArray[np.float64]
Summary = dict[str, dict[str, dict[str, float]]]

# A probability of 0 for what happened costs this much of it, not infinity.
_MIN_PROBABILITY = 1e-15
_DIGITS = 6


def summarise(validation: Validation, bins: int) -> Summary:
    """Model -> metric -> mean and sd over the folds, and `pooled`: all folds' customers at once."""
    labels, folds = validation.customers.labels, validation.folds
    summary = {}
    for model, probabilities in validation.probabilities.items():
        pooled = measure(labels, probabilities, bins)
        by_fold = [
            measure(labels[folds == fold], probabilities[folds == fold], bins)
            for fold in np.unique(folds)
        ]
        summary[model] = {
            metric: _spread([measured[metric] for measured in by_fold], pooled[metric])
            for metric in pooled
        }
    return summary


def measure(labels: Labels, probabilities: Probabilities, bins: int) -> dict[str, float]:
    """Every metric of (rows x segments) probabilities."""
    rows = np.arange(len(labels))
    happened = np.zeros_like(probabilities)
    happened[rows, labels] = 1.0
    log_likelihood = np.log(np.clip(probabilities[rows, labels], _MIN_PROBABILITY, None))
    counts = confusion(labels, probabilities)
    right, members, predicted = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    # scikit-learn's functions for these two take ten times as long as everything else here.
    with np.errstate(invalid="ignore"):
        recalls, f1_scores = right / members, 2 * right / (members + predicted)
    return {
        # Of segments that have customers, or are predicted.
        "balanced_accuracy": float(np.nanmean(recalls)),
        "macro_f1": float(np.nanmean(f1_scores)),
        "log_loss": float(-log_likelihood.mean()),
        "brier_score": float(((probabilities - happened) ** 2).sum(axis=1).mean()),
        "expected_calibration_error": _calibration_error(labels, probabilities, bins),
    }


def advantage(validation: Validation, model: str, baseline: str) -> tuple[float, float]:
    """By how much less log loss a model has than the baseline, mean over folds; its error."""
    labels, rows = validation.customers.labels, np.arange(len(validation.customers.labels))
    losses = {
        name: -np.log(np.clip(validation.probabilities[name][rows, labels], _MIN_PROBABILITY, 1))
        for name in (model, baseline)
    }
    gained = losses[baseline] - losses[model]
    by_fold = [gained[validation.folds == fold].mean() for fold in np.unique(validation.folds)]
    return float(np.mean(by_fold)), float(np.std(by_fold, ddof=1) / np.sqrt(len(by_fold)))


def confusion(labels: Labels, probabilities: Probabilities) -> NDArray[np.int64]:
    """(true segments x predicted segments) counts; of equal probabilities, the lowest index."""
    segments = probabilities.shape[1]
    cells = labels * segments + probabilities.argmax(axis=1)
    return np.bincount(cells, minlength=segments**2).reshape(segments, segments).astype(np.int64)


def calibration_curve(
    happened: NDArray[np.bool_], probability: NDArray[np.float64], bins: int
) -> list[tuple[float, float, int]]:
    """Mean probability, share that happened, and customers, for bins of equally many."""
    order = np.argsort(probability, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return [
        (float(probability[part].mean()), float(happened[part].mean()), len(part)) for part in parts
    ]


def _spread(values: list[float], pooled: float) -> dict[str, float]:
    spread = np.std(values, ddof=1)
    numbers = {"mean": float(np.mean(values)), "sd": float(spread), "pooled": pooled}
    return {name: round(number, _DIGITS) for name, number in numbers.items()}


def _calibration_error(labels: Labels, probabilities: Probabilities, bins: int) -> float:
    """Mean gap between confidence and accuracy over bins of equal width, weighted by customers.

    Source: Guo, Pleiss, Sun, Weinberger: On calibration of modern neural networks (ICML 2017).
    """
    confidence = probabilities.max(axis=1)
    gaps = (probabilities.argmax(axis=1) == labels) - confidence
    bin_of = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    return float(np.abs(np.bincount(bin_of, weights=gaps, minlength=bins)).sum() / len(labels))


def flat(
    report: Mapping[str, Any], latency: Mapping[str, Mapping[str, float]]
) -> dict[str, dict[str, float]]:
    """What MLflow keeps: `section.model.metric`, and `section.metric` for the exported model.

    Args:
        report: As it is written.
        latency: Of the models that were candidates.
    """
    kept: dict[str, dict[str, float]] = {}
    for section, told in report.items():
        for model, values in told.get("models", {}).items():
            numbers = {metric: spread["mean"] for metric, spread in values.items()}
            if model in told.get("candidates", {}):
                numbers |= told["candidates"][model] | latency[model]
            prefix = section if model == told.get("exported") else f"{section}.{model}"
            kept |= {f"{prefix}.{name}": {"value": n, "step": 0} for name, n in numbers.items()}
        # Of the model of answers there is one.
        own = told.get("measured", {}).items()
        kept |= {f"{section}.{name}": {"value": float(n), "step": 0} for name, n in own}
    return kept
