"""Qini curves: what contacting first whom a model ranks first adds to contacting at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.intervals import Numbers

_BINS = 50


@dataclass(frozen=True)
class Qini:
    """A curve (Radcliffe 2007, Direct Marketing Analytics Journal 1:14), less the random line.

    Attributes:
        gains: (51,) what contacting the first 0 to 100 % adds a customer to contacting as many at
            random, in the unit of the outcome.
        band: (51,) half the width of the band that no curve leaves anywhere, but for the told share
            of those whose model knows nothing.
        is_shown: Whether the curve rises above the band.
    """

    gains: tuple[float, ...]
    band: tuple[float, ...]
    is_shown: bool


def qini(  # noqa: PLR0913 - what a test is, and how it is looked at
    effects: Numbers,
    treated: NDArray[np.bool_],
    outcomes: Numbers,
    *,
    permutations: int,
    level: float,
    seed: int,
) -> Qini:
    """The curve of an arm against the control, and its band from permuted treatments.

    Outcomes are taken as they differ from their arm's mean: what all gain alike is no reason to
    contact one before another.

    Args:
        effects: (n,) what the model, which has not learned from them, says of these customers.
        treated: (n,) whether a customer was treated.
        outcomes: (n,) what came of it.
        permutations: How many treatments are drawn.
        level: The share of bands that a model which knows nothing stays in.
        seed: Of the permutations.
    """
    order = np.argsort(-effects, kind="stable")
    treated, outcomes = treated[order], outcomes[order]
    residuals = outcomes.astype(np.float64)
    for of in (treated, ~treated):
        residuals[of] -= residuals[of].mean()
    bins = min(_BINS, len(order))
    starts = (np.arange(bins) * len(order)) // bins
    random = np.random.default_rng(seed)
    curve = _gains(residuals, treated, starts)
    drawn = np.array(
        [_gains(residuals, random.permutation(treated), starts) for _ in range(permutations)]
    )
    spread = drawn.std(axis=0)
    # The ends are 0 in every curve.
    inner = spread > 1e-12 * max(float(spread.max()), 1e-300)
    highest = (drawn[:, inner] / spread[inner]).max(axis=1)
    bound = float(np.quantile(highest, level, method="higher"))
    is_shown = bool((curve[inner] > bound * spread[inner]).any())
    return Qini(
        (0.0, *map(float, curve)), (0.0, *(float(bound * each) for each in spread)), is_shown
    )


def _gains(residuals: Numbers, treated: NDArray[np.bool_], starts: NDArray[np.int64]) -> Numbers:
    """(bins,) the curve at the end of each bin; it ends at 0."""
    total = np.add.reduceat(residuals, starts)
    ones = np.diff(np.append(starts, len(residuals))).astype(np.float64)
    summed = np.add.reduceat(np.where(treated, residuals, 0.0), starts)
    counted = np.add.reduceat(treated.astype(np.float64), starts)
    arms = []
    for sums, counts in ((summed, counted), (total - summed, ones - counted)):
        mean = sums.sum() / counts.sum()
        arms.append(np.cumsum(sums - mean * counts) / counts.sum())
    gains: Numbers = arms[0] - arms[1]
    return gains
