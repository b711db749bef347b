"""Cross-validation: each customer is predicted by models that saw neither it nor its repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.segmentation.fitting import assign_folds, one_thread
from customer_segmentation.segmentation.labelled import (
    LabelledCustomers,
    NothingToLearnError,
    known_inputs,
)


@dataclass(frozen=True)
class Validation:
    """Out-of-fold predictions of several models on the same customers and folds.

    Attributes:
        inputs: What the models look at.
        customers: Those with every input known.
        left_out: How many others there were.
        groups: Their number, repeated customers being one.
        folds: The fold that each customer is predicted in.
        probabilities: For each model, (rows x segments).
    """

    inputs: tuple[str, ...]
    customers: LabelledCustomers
    left_out: int
    groups: int
    folds: NDArray[np.int64]
    probabilities: dict[str, NDArray[np.float64]]


def validate(
    customers: LabelledCustomers,
    inputs: Sequence[str],
    models: dict[str, Any],
    folds: int,
    seed: int,
) -> Validation:
    """Predict every customer out of fold with every model.

    Args:
        customers: Whom to learn from.
        inputs: What the models may look at; what is the same for all is left out.
        models: Unfitted scikit-learn classifiers by name.
        folds: How many.
        seed: Of the folds.

    Raises:
        NothingToLearnError: There are too few customers of a segment, or nothing to tell them
            apart by.
    """
    from sklearn import model_selection  # noqa: PLC0415 - seconds others need not pay

    known = known_inputs(customers, inputs)
    if not known:
        columns = ", ".join(customers.schema.needed_columns(inputs))
        message = f"none of {columns} is present and differs between customers"
        if not inputs:
            message = "the schema names no sign_up_features"
        raise NothingToLearnError(message)
    is_complete = np.isnan(customers.columns(known)).sum(axis=1) == 0
    complete = customers.of(is_complete)
    labels, groups = complete.labels, complete.repeats()
    _require_members(complete, groups, folds)
    fold_of = assign_folds(labels, groups, folds, seed)
    # Every training part has every segment: each has members in every fold.
    split, values = model_selection.PredefinedSplit(fold_of), complete.columns(known)
    with one_thread():
        probabilities = {
            name: model_selection.cross_val_predict(
                model, values, labels, cv=split, method="predict_proba"
            )
            for name, model in models.items()
        }
    left_out = int((~is_complete).sum())
    return Validation(known, complete, left_out, len(np.unique(groups)), fold_of, probabilities)


def _require_members(customers: LabelledCustomers, groups: NDArray[np.int64], folds: int) -> None:
    """Raise NothingToLearnError if a segment has fewer distinct members than there are folds."""
    members = {
        segment.key: len(np.unique(groups[customers.labels == number]))
        for number, segment in enumerate(customers.segments)
    }
    fewest = min(members, key=lambda key: members[key])
    if len(members) == 1:
        message = f"`{fewest}` is the only segment: there is nothing to tell apart"
        raise NothingToLearnError(message)
    if members[fewest] < folds:
        message = (
            f"segment `{fewest}` has {members[fewest]} different customers to learn from, fewer "
            f"than the {folds} folds of the cross-validation (`supervised_training.folds`)"
        )
        raise NothingToLearnError(message)
