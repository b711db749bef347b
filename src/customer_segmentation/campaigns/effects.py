"""What each arm of a randomised test does to a customer, learned from some for others.

scikit-uplift (last release 2022) and causalml (wants older NumPy) do not resolve with this
project's pins, and econml is far more than two regressions: these are scikit-learn's own models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.intervals import Numbers

Arms = NDArray[np.int64]
_PENALTIES = np.logspace(1.0, 6.0, 11)


@dataclass(frozen=True)
class TreeSize:
    """How large boosted trees are, which few customers an arm must not overfit."""

    rounds: int
    leaves: int
    min_leaf: int
    seed: int


@dataclass(frozen=True)
class Effects:
    """What was learned of customers who were not learned from.

    Attributes:
        means: (n x arms) the outcome to be expected in each arm.
        effects: Method -> (n x arms) what each arm adds to the control, which is the first.
    """

    means: Numbers
    effects: Mapping[str, Numbers]


TWO_MODELS, DOUBLY_ROBUST = "two models", "doubly robust"
METHODS = (TWO_MODELS, DOUBLY_ROBUST)


def learn(
    learned: tuple[Numbers, Arms, Numbers], others: Numbers, count: int, size: TreeSize
) -> Effects:
    """Learn by two methods that err in different ways.

    Two models: the difference of boosted trees, one ensemble an arm. Doubly robust: a penalised
    linear regression of the doubly robust contrasts (Kennedy 2023, Electronic Journal of Statistics
    17:3008), whose penalty, chosen by leaving one out, may leave nothing but a constant effect.

    Args:
        learned: Inputs (m x d), which may have NaN; arms (m,); outcomes (m,).
        others: (n x d) inputs of the customers to tell of.
        count: Of arms, each of the same probability.
        size: Of the trees.
    """
    from sklearn.linear_model import RidgeCV  # noqa: PLC0415 - seconds others need not pay
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - as above

    inputs, arms, outcomes = learned
    standardised = _standardising(inputs)
    plain, plain_others = standardised(inputs), standardised(others)
    # On so few customers threads take longer than they save.
    with threadpool_limits(1):
        trees = _by_arm(lambda: _trees(size), learned, others, count)
        contrasts = _contrasts(plain, arms, outcomes, count)
        robust = RidgeCV(_PENALTIES).fit(plain, contrasts).predict(plain_others)
        means = _by_arm(_linear, (plain, arms, outcomes), plain_others, count)
    robust = robust.reshape(len(others), -1)
    return Effects(
        means=means,
        effects={
            TWO_MODELS: trees - trees[:, :1],
            DOUBLY_ROBUST: np.hstack([np.zeros((len(others), 1)), robust]),
        },
    )


def _by_arm(
    model: Callable[[], Any], learned: tuple[Numbers, Arms, Numbers], others: Numbers, count: int
) -> Numbers:
    """(n x arms) predictions of one model an arm."""
    inputs, arms, outcomes = learned
    found = []
    for arm in range(count):
        of = arms == arm
        found.append(model().fit(inputs[of], outcomes[of]).predict(others))
    return np.column_stack(found)


def _contrasts(inputs: Numbers, arms: Arms, outcomes: Numbers, count: int) -> Numbers:
    """(m x other arms) unbiased for each arm's effect at the customer's inputs."""
    from sklearn.model_selection import KFold  # noqa: PLC0415 - seconds others need not pay

    means = np.empty((len(inputs), count))
    for kept, left in KFold(2).split(inputs):
        part = (inputs[kept], arms[kept], outcomes[kept])
        means[left] = _by_arm(_linear, part, inputs[left], count)
    is_in = arms[:, None] == np.arange(count)[None, :]
    scores = means + is_in * count * (outcomes[:, None] - means)
    contrasts: Numbers = scores[:, 1:] - scores[:, :1]
    return contrasts


def _trees(size: TreeSize) -> Any:  # noqa: ANN401 - scikit-learn ships no types
    from sklearn.ensemble import (  # noqa: PLC0415 - as above
        HistGradientBoostingRegressor,
    )

    return HistGradientBoostingRegressor(
        max_iter=size.rounds,
        max_leaf_nodes=size.leaves,
        min_samples_leaf=size.min_leaf,
        early_stopping=False,
        random_state=size.seed,
    )


def _linear() -> Any:  # noqa: ANN401 - as above
    from sklearn.linear_model import Ridge  # noqa: PLC0415 - as above

    return Ridge(1.0)


def _standardising(inputs: Numbers) -> Callable[[Numbers], Numbers]:
    """Mean 0 and deviation 1 as of these inputs; what is missing is the mean."""
    known = ~np.isnan(inputs)
    counts = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, inputs, 0.0)
    means = filled.sum(axis=0) / counts
    deviations = np.sqrt((np.where(known, inputs - means, 0.0) ** 2).sum(axis=0) / counts)
    scale = np.where(deviations > 0.0, deviations, 1.0)

    def standardised(values: Numbers) -> Numbers:
        return np.where(np.isnan(values), 0.0, (values - means) / scale)

    return standardised
