"""Learn segments from features, validate honestly, and export what guesses them at sign-up."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from customer_segmentation.pipelines.supervised_training import comparison, folds, metrics, models
from customer_segmentation.pipelines.supervised_training.sample import describing
from customer_segmentation.scoring.metadata import metadata_of
from customer_segmentation.segmentation.labelled import (
    LabelledCustomers,
    LeftOut,
    NothingToLearnError,
)
from customer_segmentation.segmentation.training_parameters import TrainingParameters

logger = logging.getLogger(__name__)

# onnx.ModelProto and a fitted scikit-learn pipeline: their libraries are imported when run.
Artifact = Any
Fitted = Any

TOLERANCE = 1e-9
_DEMONSTRATION = (
    "Models relearn the segments from every feature except responses to campaigns. The segments "
    "are made of some of these features, so high scores are expected: they show that other kinds "
    "of models find the same borders, and say nothing about future customers."
)
_COLD_START = (
    "Models predict the segment only from what is known at sign-up. The data hold no customer "
    "without purchases, so the models are validated on existing customers, as known at the "
    "snapshot, whose segments come from their purchases. How well they do on customers who have "
    "just signed up is untested."
)


def relearn_segments(
    customers: LabelledCustomers, parameters: TrainingParameters
) -> folds.Validation | LeftOut:
    """The demonstration: every model on every feature that is no campaign answer."""
    return _validate(customers, describing(customers), models.RELEARNING, parameters)


def validate_cold_start(
    customers: LabelledCustomers, parameters: TrainingParameters
) -> folds.Validation | LeftOut:
    """The cold start: models on what is known at sign-up, out of fold.

    Left out where the source has nothing of it, and where it does no better than sizes alone.
    """
    validation = _validate(
        customers, customers.schema.sign_up_features, models.COMPARED, parameters
    )
    if isinstance(validation, LeftOut):
        return validation
    gains = comparison.gains(validation, parameters.exported).values()
    gained, error = max(gains, key=lambda gain: gain[0] - gain[1])
    if gained > error:
        return validation
    reason = (
        f"{', '.join(validation.inputs)} predict the segment no better than its size does (log "
        f"loss lower by {gained:.3f}, with an error of {error:.3f})"
    )
    logger.warning("Left out: the cold-start model: %s.", reason)
    return LeftOut(reason, is_worse_than_none=gained < 0.0)


def build_cold_start(
    validation: folds.Validation | LeftOut,
    segmenter: Artifact,
    parameters: TrainingParameters,
) -> tuple[Artifact, comparison.Comparison | LeftOut]:
    """The cold-start artifact, checked against scikit-learn, and what it was chosen from.

    Or a file that says there is none. The models are fitted on all customers of the validation.

    Raises:
        RuntimeError: The artifact and scikit-learn disagree.
    """
    from customer_segmentation.scoring import cold_start  # noqa: PLC0415 - onnx takes a second
    from customer_segmentation.scoring.verify import verified  # noqa: PLC0415 - as above

    metadata = metadata_of(segmenter)
    if isinstance(validation, LeftOut):
        artifact = cold_start.build_no_cold_start(validation.reason, metadata)
        verified(artifact.SerializeToString(deterministic=True))
        return artifact, validation
    summary = metrics.summarise(validation, parameters.calibration_bins)
    names = (*models.LIGHT, comparison.full_model(summary))
    candidates = comparison.fit_candidates(names, validation, summary, metadata, parameters)
    files = {name: candidate.file for name, candidate in candidates.items()}
    sizes = {name: len(file) for name, file in files.items()}
    exported = comparison.choose(validation, summary, sizes, parameters.exported)
    chosen = candidates[exported]
    check_against_scikit_learn(chosen.artifact, chosen.fitted, validation)
    customers = validation.customers
    matrix = customers.columns(customers.schema.needed_inputs(validation.inputs))
    rows = comparison.qualities(validation, summary, sizes)
    taken = comparison.latency(files, matrix)
    return chosen.artifact, comparison.Comparison(validation, summary, exported, rows, taken)


def check_against_scikit_learn(
    artifact: Artifact, fitted: Fitted, validation: folds.Validation
) -> None:
    """Compare the artifact's answers with scikit-learn's on every customer it learned from.

    Raises:
        RuntimeError: They disagree.
    """
    from customer_segmentation.scoring.cold_start import probability_output  # noqa: PLC0415 - as above
    from customer_segmentation.scoring.scorer import Scorer  # noqa: PLC0415 - as above

    customers, scorer = validation.customers, Scorer(artifact.SerializeToString(deterministic=True))
    answers = scorer.score(
        np.ascontiguousarray(customers.columns(customers.schema.needed_inputs(validation.inputs)))
    )
    given = np.stack([answers[probability_output(name)] for name in customers.segments], axis=1)
    values = customers.columns(validation.inputs)
    expected = fitted.predict_proba(values)
    worst = float(np.abs(given - expected).max())
    best, second = np.sort(expected, axis=1)[:, :-3:-1].T
    # Rounding decides between two segments that are equally likely.
    wrong = (answers["segment"] != fitted.predict(values)) & (best - second > TOLERANCE)
    # Written so that NaN fails.
    if wrong.any() or not worst <= TOLERANCE:
        message = (
            f"the cold-start artifact disagrees with scikit-learn on {int(wrong.sum())} of "
            f"{len(values)} segments, and by {worst:.3g} on a probability (at most {TOLERANCE:g} "
            "is allowed). Nothing was saved; this is a fault of the graph (scoring/cold_start.py)."
        )
        raise RuntimeError(message)


def report_supervised_metrics(
    demonstration: folds.Validation | LeftOut,
    cold_start: comparison.Comparison | LeftOut,
    artifact: Artifact,
    response: dict[str, Any],
    parameters: TrainingParameters,
) -> tuple[dict[str, Any], dict[str, dict[str, float]]]:
    """Every model's cross-validated metrics: as a report, and flat for MLflow.

    MLflow alone has the latencies: the report is the same for equal data.
    """
    metadata = metadata_of(artifact)
    told = {name: metadata[name] for name in ("version", "segmenter_version")}
    latency: dict[str, Any] = {}
    if isinstance(cold_start, LeftOut):
        told |= _left_out(cold_start)
    else:
        latency, validation = cold_start.latency, cold_start.validation
        answers = validation.probabilities[cold_start.exported]
        is_chosen = parameters.exported == comparison.AUTO
        told |= _section(validation, cold_start.summary) | {
            "exported": cold_start.exported,
            "chosen_by": comparison.RULE if is_chosen else "",
            "full_model": comparison.full_model(cold_start.summary),
            "candidates": cold_start.rows,
            "confusion": metrics.confusion(validation.customers.labels, answers).tolist(),
        }
    demonstrated = (
        _left_out(demonstration)
        if isinstance(demonstration, LeftOut)
        else _section(demonstration, metrics.summarise(demonstration, parameters.calibration_bins))
    )
    report = {
        "demonstration": {"note": _DEMONSTRATION} | demonstrated,
        "cold_start": {"note": _COLD_START} | told,
        "response": response,
    }
    return report, metrics.flat(report, latency)


def _validate(
    customers: LabelledCustomers,
    inputs: Sequence[str],
    names: Sequence[str],
    parameters: TrainingParameters,
) -> folds.Validation | LeftOut:
    every = models.unfitted(parameters.models, parameters.seed)
    chosen = {name: every[name] for name in names}
    try:
        validation = folds.validate(customers, inputs, chosen, parameters.folds, parameters.seed)
    except NothingToLearnError as error:
        logger.warning("Left out: %s.", error)
        return LeftOut(str(error))
    if validation.left_out:
        logger.warning(
            "%d of %d customers lack one of %s: no model learns from them.",
            validation.left_out,
            len(customers.labels),
            ", ".join(validation.inputs),
        )
    return validation


def _left_out(left_out: LeftOut) -> dict[str, Any]:
    return {"left_out": left_out.reason, "is_worse_than_none": left_out.is_worse_than_none}


def _section(validation: folds.Validation, summary: metrics.Summary) -> dict[str, Any]:
    customers = validation.customers
    return {
        "inputs": list(validation.inputs),
        "customers": customers.drawn_from,
        "rows": len(customers.labels),
        "rows_left_out": validation.left_out,
        "groups": validation.groups,
        "folds": len(np.unique(validation.folds)),
        "members": {
            segment.key: int((customers.labels == number).sum())
            for number, segment in enumerate(customers.segments)
        },
        "models": summary,
    }
