"""Cross-validation: each customer is predicted by models that saw neither it nor its repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.errors import UserError
from customer_segmentation.pipelines.supervised_training.models import one_thread
from customer_segmentation.pipelines.supervised_training.sample import LabelledCustomers, varying

_FILE = "conf/base/parameters_supervised_training.yml"


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
        UserError: There are too few customers of a segment, or nothing to tell them apart by.
    """
    known = varying(customers, inputs)
    if not known:
        message = (
            f"gold_features: none of {', '.join(f'`{name}`' for name in inputs)} tells customers "
            f"apart. Name others in `supervised_training.sign_up_features` ({_FILE})."
        )
        raise UserError(message)
    complete = np.isnan(customers.columns(known)).sum(axis=1) == 0
    learned_from = customers.of(complete)
    groups = learned_from.repeats()
    require_members(learned_from, groups, folds)
    fold_of = assign_folds(learned_from.labels, groups, folds, seed)
    values = learned_from.columns(known)
    count = len(customers.segments)
    with one_thread():
        probabilities = {
            name: _out_of_fold(model, values, learned_from.labels, fold_of, count)
            for name, model in models.items()
        }
    left_out = int((~complete).sum())
    return Validation(known, learned_from, left_out, len(np.unique(groups)), fold_of, probabilities)


def require_members(customers: LabelledCustomers, groups: NDArray[np.int64], folds: int) -> None:
    """Refuse to cross-validate what has fewer distinct members of a segment than folds.

    Raises:
        UserError: With what to change.
    """
    members = {
        segment.key: len(np.unique(groups[customers.labels == number]))
        for number, segment in enumerate(customers.segments)
    }
    if len(members) == 1:
        message = (
            f"gold_segments: `{next(iter(members))}` is the only segment, so there is nothing to "
            "tell apart. Let clustering find two segments or more "
            "(conf/base/parameters_clustering.yml)."
        )
        raise UserError(message)
    fewest = min(members, key=lambda key: members[key])
    if members[fewest] < folds:
        lower = f"lower `supervised_training.folds` to {members[fewest]}, "
        message = (
            f"gold_segments: segment `{fewest}` has {members[fewest]} different customers with "
            f"every input known, fewer than the {folds} folds of the cross-validation. Raise "
            f"`supervised_training.sample_rows` if the base is larger than that, "
            f"{lower if members[fewest] > 1 else ''}({_FILE}), or let clustering find fewer "
            "segments (conf/base/parameters_clustering.yml)."
        )
        raise UserError(message)


def assign_folds(
    labels: NDArray[np.int64], groups: NDArray[np.int64], folds: int, seed: int
) -> NDArray[np.int64]:
    """The fold of each row, stratified: one for all of a group, segments spread evenly.

    Groups are shuffled, then dealt out like cards, segment by segment, large ones first: every
    fold gets members of every segment that has as many groups as folds. scikit-learn's
    StratifiedGroupKFold promises less and takes 0.8 s for each 2,000 groups.
    """
    _, first, group_of, sizes = np.unique(
        groups, return_index=True, return_inverse=True, return_counts=True
    )
    shuffled = np.random.default_rng(seed).permutation(len(sizes))
    dealt = np.lexsort((shuffled, -sizes, labels[first]))
    fold_of_group = np.empty(len(sizes), dtype=np.int64)
    fold_of_group[dealt] = np.arange(len(sizes)) % folds
    return fold_of_group[group_of]


def _out_of_fold(
    model: Any,  # noqa: ANN401 - scikit-learn has no types
    values: NDArray[np.float64],
    labels: NDArray[np.int64],
    fold_of: NDArray[np.int64],
    segments: int,
) -> NDArray[np.float64]:
    from sklearn.base import clone  # noqa: PLC0415 - seconds that other commands need not pay

    probabilities = np.zeros((len(labels), segments))
    for fold in np.unique(fold_of):
        tested = fold_of == fold
        fitted = clone(model).fit(values[~tested], labels[~tested])
        # A training part may lack a segment, whose probability then stays 0.
        probabilities[np.ix_(tested, fitted.classes_)] = fitted.predict_proba(values[tested])
    return probabilities
