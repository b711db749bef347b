"""Learn who answers a campaign, out of fold, from what is known before the contact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.segmentation import regression
from customer_segmentation.segmentation.fitting import assign_folds, one_thread
from customer_segmentation.segmentation.labelled import (
    LabelledCustomers,
    LeftOut,
    NothingToLearnError,
    known_inputs,
)
from customer_segmentation.segmentation.regression import Calibration, calibrate
from customer_segmentation.segmentation.response import Regression
from customer_segmentation.segmentation.training_parameters import TrainingParameters

# Answers, and customers who did not answer, below which their share is hardly known.
_FEWEST = 20
_DIGITS = 6


@dataclass(frozen=True)
class LearnedAnswers:
    """A regression of the answers, and its predictions out of fold.

    Attributes:
        customers: Those who are learned from.
        example: The same, as the regression is given them.
        folds: (rows) each was predicted without.
        odds: (rows) the predictions, as log odds.
        learned: From all of them.
        shape: What inner folds chose for it.
        calibration: Of the predictions.
        kept: (all rows) which of those that were given they are; the others lack an input, or their
            answer is not known.
        about: What else the artifact states of where it comes from.
    """

    customers: LabelledCustomers
    example: regression.Example
    folds: NDArray[np.int64]
    odds: NDArray[np.float64]
    learned: Regression
    shape: regression.Shape
    calibration: Calibration
    kept: NDArray[np.bool_]
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def left_out(self) -> int:
        """How many rows that were given nothing is learned from."""
        return int((~self.kept).sum())


def learn_answers(
    customers: LabelledCustomers, parameters: TrainingParameters
) -> LearnedAnswers | LeftOut:
    """The regression, and predictions by what was learned without each customer's fold.

    Left out where the source has no answers, and where it tells no more than their share.
    """
    try:
        example, kept = examples(customers, parameters)
    except NothingToLearnError as nothing:
        return LeftOut(str(nothing))
    folds = assign_folds(example.answers, example.groups, parameters.folds, parameters.seed)
    with one_thread():
        odds = regression.out_of_fold(example, folds, parameters)
        learned, shape = regression.learn(example, parameters)
    gained, error = _gain(example, odds, folds)
    if gained <= error:
        return LeftOut(
            "what is known before the contact predicts the answer no better than the share of "
            f"those who answered (log loss lower by {gained:.3f}, with an error of {error:.3f})",
            is_worse_than_none=gained < 0.0,
        )
    calibration = calibrate(odds, example.answers, example.groups, example.weights)
    return LearnedAnswers(
        *(customers.of(kept), example, folds, odds),
        *(learned, shape, calibration, kept),
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
        names, some.columns(names), answers[kept].astype(np.int64), some.repeats(), some.weights
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


def measured(learned: LearnedAnswers) -> dict[str, Any]:
    """How good the predictions are, out of fold."""
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - slow import

    answers, odds = learned.example.answers, learned.odds
    weights, share = learned.example.weights, learned.example.share
    numbers = {
        "roc_auc": float(roc_auc_score(answers, odds, sample_weight=weights)),
        "log_loss": regression.log_loss(odds, answers, weights),
        "log_loss_of_share": -(share * np.log(share) + (1 - share) * np.log(1 - share)),
        "answered": share,
    }
    rows = {"rows": len(answers), "groups": len(np.unique(learned.example.groups))}
    folds = {"folds": len(np.unique(learned.folds))}
    told = {name: round(float(n), _DIGITS) for name, n in numbers.items()}
    return rows | folds | told | dict(learned.about)


def _gain(
    example: regression.Example, odds: NDArray[np.float64], folds: NDArray[np.int64]
) -> tuple[float, float]:
    """By how much less log loss than the share of the other folds, and the error of that."""
    gained, weights = -regression.losses(odds, example.answers), example.weights
    for fold in np.unique(folds):
        share = example.of(folds != fold).share
        even = np.full(int((folds == fold).sum()), np.log(share / (1.0 - share)))
        gained[folds == fold] += regression.losses(even, example.answers[folds == fold])
    parts = [folds == fold for fold in np.unique(folds)]
    by_fold = [
        np.average(gained[part], weights=None if weights is None else weights[part])
        for part in parts
    ]
    return float(np.mean(by_fold)), float(np.std(by_fold, ddof=1) / np.sqrt(len(by_fold)))
