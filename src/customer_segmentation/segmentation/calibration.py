"""How far predicted chances are right: answers regressed on the logarithm of the predicted odds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.segmentation.rounding import rounded

Values = NDArray[np.float64]

_STEPS = 50
_TINY = 1e-12


@dataclass(frozen=True)
class Calibration:
    """Answers regressed on predicted log odds: 0 and 1 where these are right.

    Attributes:
        intercept: Added.
        slope: What log odds are multiplied by.
        covariance: (2 x 2) of the two.
    """

    intercept: float
    slope: float
    covariance: Values

    def told(self) -> dict[str, Any]:
        """Fit for JSON."""
        numbers = rounded(self.covariance)
        # Rounding must not make it another kind of matrix.
        numbers[1, 0] = numbers[0, 1]
        intercept, slope = rounded([self.intercept, self.slope]).tolist()
        return {"intercept": intercept, "slope": slope, "covariance": numbers.tolist()}


def calibrate(
    odds: Values,
    answers: NDArray[np.int64],
    groups: NDArray[np.int64],
    weights: Values | None = None,
) -> Calibration:
    """Answers regressed on log odds, by Newton's method.

    Source of the covariance, which holds for customers who repeat each other: Liang and Zeger,
    Longitudinal data analysis using generalized linear models (1986), with working independence.

    Args:
        odds: (rows) predicted.
        answers: (rows) 0 or 1.
        groups: (rows) of repeated customers.
        weights: (rows) how many customers each stands for; None for one each.
    """
    terms = np.column_stack([np.ones_like(odds), odds])
    # A product with 1 changes no number.
    weighted = terms * (np.ones_like(odds) if weights is None else weights)[:, None]
    both = np.array([0.0, 1.0])
    for _ in range(_STEPS):
        chance = chances(terms @ both)
        curvature = (weighted * (chance * (1.0 - chance))[:, None]).T @ terms
        step = np.linalg.solve(curvature + _TINY * np.eye(2), weighted.T @ (answers - chance))
        both += np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < _TINY:
            break
    residuals = weighted * (answers - chances(terms @ both))[:, None]
    summed = np.zeros((groups.max() + 1, 2))
    np.add.at(summed, groups, residuals)
    inverse = np.linalg.inv(curvature + _TINY * np.eye(2))
    covariance = inverse @ (summed.T @ summed) @ inverse
    return Calibration(float(both[0]), float(both[1]), (covariance + covariance.T) / 2.0)


def chances(odds: Values) -> Values:
    """Probabilities of log odds."""
    from scipy.special import expit  # noqa: PLC0415 - slow import

    made: Values = expit(odds)
    return made
