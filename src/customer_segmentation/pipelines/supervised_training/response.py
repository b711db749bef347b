"""Learn who answers a campaign, out of fold, from what is known before the contact."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.pipelines.supervised_training import policies
from customer_segmentation.pipelines.supervised_training.folds import (
    LeftOut,
    NothingToLearnError,
    known_inputs,
)
from customer_segmentation.pipelines.supervised_training.sample import LabelledCustomers
from customer_segmentation.scoring.metadata import P_RESPONSE, VERSION, metadata_of
from customer_segmentation.segmentation import regression
from customer_segmentation.segmentation.fitting import assign_folds, one_thread
from customer_segmentation.segmentation.response import Regression, ResponseModel
from customer_segmentation.segmentation.training_parameters import TrainingParameters

logger = logging.getLogger(__name__)

# onnx.ModelProto: its library is imported when run.
Artifact = Any

# Answers, and customers who did not answer, below which their share is hardly known.
_FEWEST = 20
_TOLERANCE = 1e-9
_DIGITS = 6


@dataclass(frozen=True)
class ResponseValidation:
    """A regression of the answers, and its predictions out of fold.

    Attributes:
        customers: Those who are learned from.
        example: The same, as the regression is given them.
        folds: (rows) each was predicted without.
        odds: (rows) the predictions, as log odds.
        learned: From all of them.
        shape: What inner folds chose for it.
        calibration: Of the predictions.
        left_out: How many others there were, who lack an input or whose answer is not known.
    """

    customers: LabelledCustomers
    example: regression.Example
    folds: NDArray[np.int64]
    odds: NDArray[np.float64]
    learned: Regression
    shape: regression.Shape
    calibration: regression.Calibration
    left_out: int

    @property
    def answered(self) -> policies.Answered:
        """What policies are compared on."""
        example, chances = self.example, regression.chances(self.odds)
        segments = self.customers.labels
        return policies.Answered(example.answers, chances, segments, self.folds, example.groups)


def validate_response(
    customers: LabelledCustomers, parameters: TrainingParameters
) -> ResponseValidation | LeftOut:
    """The regression, and predictions by what was learned without each customer's fold.

    Left out where the source has no answers, and where it tells no more than their share.
    """
    try:
        example, kept = examples(customers, parameters)
    except NothingToLearnError as nothing:
        return _left_out(str(nothing))
    folds = assign_folds(example.answers, example.groups, parameters.folds, parameters.seed)
    with one_thread():
        odds = regression.out_of_fold(example, folds, parameters)
        learned, shape = regression.learn(example, parameters)
    gained, error = _gain(example, odds, folds)
    if gained <= error:
        return _left_out(
            "what is known before the contact predicts the answer no better than the share of "
            f"those who answered (log loss lower by {gained:.3f}, with an error of {error:.3f})",
            is_worse=gained < 0.0,
        )
    calibration = regression.calibrate(odds, example.answers, example.groups)
    return ResponseValidation(
        *(customers.of(kept), example, folds, odds),
        *(learned, shape, calibration, int((~kept).sum())),
    )


def examples(
    customers: LabelledCustomers, parameters: TrainingParameters
) -> tuple[regression.Example, NDArray[np.bool_]]:
    """Whom answers are learned from, and which of the customers they are.

    Raises:
        NothingToLearnError: There are too few answers, or nothing that could tell them.
    """
    schema, response = customers.schema, customers.schema.roles.response
    if not response:
        raise NothingToLearnError("the schema names no answer to a campaign (`roles.response`)")
    if response not in customers.names:
        raise NothingToLearnError(f"the source has no column {response}")
    (answers,) = customers.columns([response]).T
    is_known = ~np.isnan(answers)
    if not {*np.unique(answers[is_known]).tolist()} <= {0.0, 1.0}:
        raise NothingToLearnError(f"{response} is no answer of yes or no")
    looked_at = [
        name
        for name in customers.names
        if schema.is_quantity(name) and schema.is_known_before(name)
    ]
    names = known_inputs(customers, looked_at)
    if not names:
        raise NothingToLearnError(
            "nothing that is known before the contact differs between customers"
        )
    kept = is_known & ~np.isnan(customers.columns(names)).any(axis=1)
    some = customers.of(kept)
    example = regression.Example(
        names, some.columns(names), answers[kept].astype(np.int64), some.repeats()
    )
    # Some are left for every inner fold of what an outer fold leaves.
    fewest = max(_FEWEST, 2 * parameters.folds)
    for answer, spoken in enumerate(("did not answer", "answered")):
        different = len(np.unique(example.groups[example.answers == answer]))
        if different < fewest:
            raise NothingToLearnError(
                f"{different} different customers {spoken}, of at least {fewest} that are needed"
            )
    return example, kept


def build_response(validation: ResponseValidation | LeftOut, segmenter: Artifact) -> Artifact:
    """The response model's artifact, checked on the customers; or a file that says why not.

    Raises:
        RuntimeError: The artifact answers otherwise than what was learned.
    """
    from customer_segmentation.scoring import response  # noqa: PLC0415 - onnx takes a second
    from customer_segmentation.scoring.verify import verified  # noqa: PLC0415 - as above

    metadata = metadata_of(segmenter)
    if isinstance(validation, LeftOut):
        none = response.build_no_response(validation.reason, metadata)
        verified(none.SerializeToString(deterministic=True))
        return none
    schema = validation.customers.schema
    artifact = response.build_response(
        ResponseModel(
            response=schema.roles.response,
            regression=validation.learned,
            calibration=validation.calibration.told(),
            segmenter_version=metadata[VERSION],
            schema=schema,
            provenance=metadata["provenance"],
            metrics=measured(validation),
        )
    )
    _check(artifact, validation)
    return artifact


def report_response(
    validation: ResponseValidation | LeftOut,
    artifact: Artifact,
    planning: CampaignParameters,
) -> dict[str, Any]:
    """What the report says of the answers, with cost and value of the first offer."""
    about = {"version": metadata_of(artifact)[VERSION]}
    if isinstance(validation, LeftOut):
        is_worse = validation.is_worse_than_none
        return about | {"left_out": validation.reason, "is_worse_than_none": is_worse}
    name, offer = next(iter(planning.offers.items()))
    answered = validation.answered
    return about | {
        "offer": name,
        "cost": offer.cost,
        "value": offer.value,
        "currency": planning.currency,
        "inputs": list(validation.example.names),
        "customers": validation.customers.drawn_from,
        "rows": len(answered.answers),
        "rows_left_out": validation.left_out,
        "bends": validation.shape.bends,
        "inverse_penalty": validation.shape.inverse_penalty,
        "calibration": validation.calibration.told(),
        "measured": measured(validation),
        "policies": policies.told(answered, offer.cost, offer.value),
    }


def measured(validation: ResponseValidation) -> dict[str, Any]:
    """How good the predictions are, out of fold."""
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - slow import

    answers, odds = validation.example.answers, validation.odds
    share = float(answers.mean())
    numbers = {
        "roc_auc": float(roc_auc_score(answers, odds)),
        "log_loss": regression.log_loss(odds, answers),
        "log_loss_of_share": -(share * np.log(share) + (1 - share) * np.log(1 - share)),
        "answered": share,
    }
    rows = {"rows": len(answers), "groups": len(np.unique(validation.example.groups))}
    folds = {"folds": len(np.unique(validation.folds))}
    return rows | folds | {name: round(float(n), _DIGITS) for name, n in numbers.items()}


def _gain(
    example: regression.Example, odds: NDArray[np.float64], folds: NDArray[np.int64]
) -> tuple[float, float]:
    """By how much less log loss than the share of the other folds, and the error of that."""
    gained = -regression.losses(odds, example.answers)
    for fold in np.unique(folds):
        share = example.answers[folds != fold].mean()
        even = np.full(int((folds == fold).sum()), np.log(share / (1.0 - share)))
        gained[folds == fold] += regression.losses(even, example.answers[folds == fold])
    by_fold = [gained[folds == fold].mean() for fold in np.unique(folds)]
    return float(np.mean(by_fold)), float(np.std(by_fold, ddof=1) / np.sqrt(len(by_fold)))


def _check(artifact: Artifact, validation: ResponseValidation) -> None:
    """Compare the artifact's answers with what was learned, on every customer it is from.

    Raises:
        RuntimeError: They differ.
    """
    from customer_segmentation.scoring.scorer import Scorer  # noqa: PLC0415 - as above

    scorer, example = Scorer(artifact.SerializeToString(deterministic=True)), validation.example
    odds = regression.predict(validation.learned, example)
    matrix = np.ascontiguousarray(validation.customers.columns(scorer.columns))
    given = scorer.score(matrix)[P_RESPONSE]
    worst = float(np.abs(given - regression.chances(odds)).max())
    # Written so that NaN fails.
    if not worst <= _TOLERANCE:
        message = (
            f"the response model's artifact differs by {worst:.3g} from what was learned (at most "
            f"{_TOLERANCE:g} is allowed). Nothing was saved; this is a fault of the graph "
            "(scoring/response.py)."
        )
        raise RuntimeError(message)


def _left_out(reason: str, *, is_worse: bool = False) -> LeftOut:
    logger.warning("Left out: the response model: %s.", reason)
    return LeftOut(reason, is_worse_than_none=is_worse)
