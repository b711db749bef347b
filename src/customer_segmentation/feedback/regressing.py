"""Answers regressed on the log odds that were predicted, and which of it to plan with."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.segmentation.regression import Calibration, calibrate, chances

Values = NDArray[np.float64]
Labels = NDArray[np.int64]

# A slope that is known less well is not used.
_WIDEST_SLOPE = 0.5
# Of Newton's method: until a step is below the smallest one, or so many.
_STEPS, _SMALLEST = 50, 1e-12
# Log odds that differ by less are the same: a model that learned nothing gives all one.
_FLAT = 1e-6
_RIGHT = np.array([0.0, 1.0])


def regressed(odds: Values, answers: Labels, groups: Labels, weights: Values) -> Calibration:
    """Answers on log odds; of log odds that are all the same, the level alone.

    Args:
        odds: (rows) predicted.
        answers: (rows) 0 or 1.
        groups: (rows) the same number for the same customer.
        weights: (rows) how many each stands for.
    """
    if np.ptp(odds) < _FLAT:
        return _level(odds, answers, groups, weights)
    return calibrate(odds, answers, groups, weights)


def by_chance(found: Calibration, own: Values, odds: Values) -> float:
    """How often a model that is right would seem as wrong (Wald's test).

    Args:
        found: By `regressed`.
        own: (2 x 2) covariance of the model's own calibration; zeros where it says nothing.
        odds: (rows) predicted.
    """
    if found.covariance[1, 1] == 0.0:
        variance = found.covariance[0, 0] + _own_of_level(own, odds)
        # Of one degree of freedom.
        return math.erfc(abs(found.intercept) / math.sqrt(2.0 * variance))
    off = np.array([found.intercept, found.slope]) - _RIGHT
    wald = float(off @ np.linalg.solve(found.covariance + own, off))
    # Of two.
    return math.exp(-max(wald, 0.0) / 2.0)


def averaged(found: Calibration, own: Values, odds: Values) -> Calibration:
    """What was found and what the model knew of itself, averaged by precision.

    A model that says nothing of itself adds nothing; one whose order would be turned round stays.

    Args:
        found: As of `by_chance`.
        own: As of `by_chance`.
        odds: As of `by_chance`.
    """
    as_it_is = Calibration(0.0, 1.0, found.covariance)
    if np.linalg.matrix_rank(own) < len(_RIGHT):
        return found if found.slope > 0.0 else as_it_is
    if found.covariance[1, 1] == 0.0:
        of_own, of_found = _own_of_level(own, odds), float(found.covariance[0, 0])
        share = of_own / (of_own + of_found)
        return Calibration(share * found.intercept, 1.0, _of_level(share * of_found))
    told, known = np.linalg.inv(found.covariance), np.linalg.inv(own)
    covariance = np.linalg.inv(told + known)
    mean = covariance @ (told @ np.array([found.intercept, found.slope]) + known @ _RIGHT)
    if mean[1] <= 0.0:
        return as_it_is
    return Calibration(float(mean[0]), float(mean[1]), (covariance + covariance.T) / 2.0)


def alone(found: Calibration, odds: Values, answers: Labels, groups: Labels) -> Calibration:
    """As found; where its slope is not known well or turns the order round, its level alone.

    Args:
        found: By `regressed`.
        odds: As of `regressed`.
        answers: As of `regressed`.
        groups: As of `regressed`.
    """
    if found.slope > 0.0 and found.covariance[1, 1] < _WIDEST_SLOPE**2:
        return found
    return _level(odds, answers, groups, np.ones(len(odds)))


def _level(odds: Values, answers: Labels, groups: Labels, weights: Values) -> Calibration:
    """What is added to log odds so that as many answer as did, with a covariance as `calibrate`."""
    level, curvature, residuals = 0.0, 1.0, weights
    for _ in range(_STEPS):
        chance = chances(odds + level)
        residuals = weights * (answers - chance)
        curvature = float(weights @ (chance * (1.0 - chance))) + _SMALLEST
        step = float(residuals.sum()) / curvature
        level += float(np.clip(step, -2.0, 2.0))
        if abs(step) < _SMALLEST:
            break
    variance = float((np.bincount(groups, residuals) ** 2).sum()) / curvature**2
    return Calibration(level, 1.0, _of_level(variance))


def _of_level(variance: float) -> Values:
    """(2 x 2) of an intercept beside a slope that is not asked for."""
    return np.array([[variance, 0.0], [0.0, 0.0]])


def _own_of_level(own: Values, odds: Values) -> float:
    """The variance of log odds that are all the same, by the model's own calibration."""
    at = np.array([1.0, odds.mean()])
    return float(at @ own @ at)
