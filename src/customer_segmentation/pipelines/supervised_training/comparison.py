"""What each model that could be exported costs and gives, and the rule that chooses among them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.pipelines.supervised_training import metrics
from customer_segmentation.pipelines.supervised_training.folds import Validation
from customer_segmentation.pipelines.supervised_training.models import (
    BASELINE,
    LIGHT,
    TREES,
    artifact_of,
    fitted,
)
from customer_segmentation.scoring.metadata import INPUT, VERSION
from customer_segmentation.segmentation.training_parameters import TrainingParameters

logger = logging.getLogger(__name__)

AUTO = "auto"
RULE = (
    "the smallest file among the light models whose log loss is at most one standard error above "
    "the best model's; if there is none, the light model with the lowest log loss"
)

_BATCH = 1_000
_CALLS, _BATCHES = 100, 10
_DIGITS = 6


@dataclass(frozen=True)
class Comparison:
    """The models that are candidates for export, beside the full one.

    Attributes:
        validation: Of all of them.
        summary: The same in numbers.
        exported: The one that is.
        rows: Light or full model -> bytes of its file, and out of fold roc_auc, balanced_accuracy,
            log_loss, and the share of customers whose answer differs from the full model's.
        latency: Model -> microseconds for one row and milliseconds for 1,000. They vary from run
            to run, and decide nothing.
    """

    validation: Validation
    summary: metrics.Summary
    exported: str
    rows: dict[str, dict[str, float]]
    latency: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Candidate:
    """A model fitted on all customers of a validation.

    Attributes:
        fitted: scikit-learn's.
        artifact: onnx.ModelProto.
    """

    fitted: Any
    artifact: Any

    @property
    def file(self) -> bytes:
        """The artifact as it is written."""
        content: bytes = self.artifact.SerializeToString(deterministic=True)
        return content


def fit_candidates(
    names: Iterable[str],
    validation: Validation,
    summary: metrics.Summary,
    segmenter: Mapping[str, Any],
    parameters: TrainingParameters,
) -> dict[str, Candidate]:
    """Models by name, each with the file that it would be.

    Args:
        names: Of light models and trees.
        validation: Of every model.
        summary: The same in numbers.
        segmenter: The metadata of the segmenter whose segments they predict.
        parameters: Sizes and seed.
    """
    customers, inputs = validation.customers, validation.inputs
    tested = {
        "validated_on": "tenured customers",
        "rows": len(customers.labels),
        "folds": parameters.folds,
        "baseline": summary[BASELINE],
    }
    made = {}
    for name in names:
        model = fitted(name, customers.columns(inputs), customers.labels, parameters)
        artifact = artifact_of(
            model,
            features=inputs,
            names=customers.segments,
            segmenter_version=segmenter[VERSION],
            schema=customers.schema,
            provenance=segmenter["provenance"],
            metrics=tested | {"model": summary[name]},
        )
        made[name] = Candidate(model, artifact)
    return made


def full_model(summary: metrics.Summary) -> str:
    """The kind of trees with the lower log loss: the most that these inputs tell, at any size."""
    return min(TREES, key=lambda name: summary[name]["log_loss"]["mean"])


def gains(validation: Validation, exported: str) -> dict[str, tuple[float, float]]:
    """By how much less log loss each model that may be exported has than the baseline.

    Args:
        validation: Of the baseline and the light models.
        exported: The only one that may be, or `auto`.

    Returns:
        For each the mean over folds, and the error of that mean.
    """
    names = LIGHT if exported == AUTO else (exported,)
    return {name: metrics.advantage(validation, name, BASELINE) for name in names}


def choose(
    validation: Validation, summary: metrics.Summary, sizes: Mapping[str, int], exported: str
) -> str:
    """The model that `RULE` chooses among those that are better than the baseline.

    Source of the one standard error: Breiman, Friedman, Olshen, Stone: Classification and
    Regression Trees (1984), 3.4.3.

    Args:
        validation: Of every model.
        summary: The same in numbers.
        sizes: Of each light model's file, in bytes.
        exported: The one that is named, or `auto`.
    """
    if exported != AUTO:
        return exported
    losses = {name: values["log_loss"]["mean"] for name, values in summary.items()}
    better = [name for name, (gain, error) in gains(validation, exported).items() if gain > error]
    best = min(losses, key=lambda name: losses[name])
    error = summary[best]["log_loss"]["sd"] / np.sqrt(len(np.unique(validation.folds)))
    as_good = [name for name in better if losses[name] <= losses[best] + error]
    if as_good:
        return min(as_good, key=lambda name: sizes[name])
    chosen = min(better, key=lambda name: losses[name])
    logger.warning(
        "The cold-start model's log loss is %.3f; that of %s, which is not exported, is %.3f: "
        "lower by more than one standard error.",
        losses[chosen],
        best,
        losses[best],
    )
    return chosen


def qualities(
    validation: Validation, summary: metrics.Summary, sizes: Mapping[str, int]
) -> dict[str, dict[str, float]]:
    """`Comparison.rows`, of the models that have a size."""
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - slow import

    labels, answers = validation.customers.labels, validation.probabilities
    full = full_model(summary)
    happened = labels[:, None] == np.arange(answers[full].shape[1])
    told = {name: shares.argmax(axis=1) for name, shares in answers.items()}
    return {
        name: {
            "bytes": size,
            "roc_auc": round(float(roc_auc_score(happened, answers[name])), _DIGITS),
            "balanced_accuracy": summary[name]["balanced_accuracy"]["mean"],
            "log_loss": summary[name]["log_loss"]["mean"],
            "differing": round(float((told[name] != told[full]).mean()), _DIGITS),
        }
        for name, size in sizes.items()
    }


def latency(files: Mapping[str, bytes], matrix: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    """Microseconds for one row and milliseconds for 1,000, medians of calls that take turns.

    Args:
        files: ONNX models by name, made here.
        matrix: (rows x columns) of customers.
    """
    import onnxruntime as ort  # noqa: PLC0415 - only scoring needs it

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    sessions = {
        name: ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        for name, content in files.items()
    }
    outputs = {name: [one.name for one in s.get_outputs()] for name, s in sessions.items()}
    batch = np.ascontiguousarray(np.resize(matrix, (_BATCH, matrix.shape[1])))

    def medians(rows: list[NDArray[np.float64]]) -> dict[str, float]:
        taken: dict[str, list[float]] = {name: [] for name in sessions}
        for given in rows:
            for name, session in sessions.items():
                started = perf_counter()
                session.run(outputs[name], {INPUT: given})
                taken[name].append(perf_counter() - started)
        return {name: float(np.median(seconds)) for name, seconds in taken.items()}

    one = medians([batch[number : number + 1] for number in range(_CALLS)])
    many = medians([batch] * _BATCHES)
    return {
        name: {
            "one_row_us": round(one[name] * 1e6, 1),
            "thousand_rows_ms": round(many[name] * 1e3, 3),
        }
        for name in sessions
    }
