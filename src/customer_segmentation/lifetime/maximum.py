"""Maximum likelihood for a few parameters, all of them positive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
# Parameters -> log-likelihood and its gradient.
Likelihood = Callable[[Numbers], tuple[float, Numbers]]

# In logarithms: what lies beyond cannot be told from the bound itself.
_LOWEST, _HIGHEST = -9.0, 9.0
_AT_BOUND = 1e-3
_STEP = 1e-4
# Newton's steps are exact to their square; L-BFGS stops where the likelihood hardly changes.
_STEPS = 12
# A slope at which no parameter changes in its eighth digit.
_FLAT = 1e-8
# So many rows tell where to begin with all of them.
FEW = 50_000


@dataclass(frozen=True, eq=False)
class Maximum:
    """Where a likelihood is largest.

    Attributes:
        parameters: There.
        log_likelihood: There.
        standard_errors: Of the parameters, from the curvature; NaN where it tells none.
        is_clear: Whether each parameter is told: within its range, and larger than its standard
            error. What is not may still fit with the others.
        curvature: Second derivatives of the cost of a customer, by logarithms of the parameters.
    """

    parameters: Numbers
    log_likelihood: float
    standard_errors: Numbers
    is_clear: bool
    curvature: Numbers


def maximise(likelihood: Likelihood, start: Numbers, size: float) -> Maximum:
    """Find it over the logarithms of the parameters, from near 1.

    Args:
        likelihood: Of data in units in which the parameters are near 1.
        start: Parameters to start from.
        size: How many customers the likelihood is of.
    """
    from scipy.optimize import minimize  # noqa: PLC0415 - slow to import

    cost = _Cost(likelihood, size)
    found = minimize(
        cost,
        np.log(start),
        jac=True,
        method="L-BFGS-B",
        bounds=[(_LOWEST, _HIGHEST)] * len(start),
        options={"maxiter": 500, "ftol": 1e-12, "gtol": 1e-7},
    )
    logs = found.x
    curvature = cost.curvature(logs)
    if _is_inside(logs):
        logs = _newton(cost, logs, curvature)
    return cost.maximum(logs, curvature)


def refine(likelihood: Likelihood, rough: Maximum, size: float) -> Maximum:
    """The maximum near one of a part of the data, with the curvature there.

    A fifth of the time that `maximise` takes; what does not get there so is left to it.
    """
    cost = _Cost(likelihood, size)
    if rough.is_clear:
        logs = _newton(cost, np.log(rough.parameters), rough.curvature)
        if np.abs(cost(logs)[1]).max() < _FLAT:
            return cost.maximum(logs, rough.curvature)
    return maximise(likelihood, rough.parameters, size)


class _Cost:
    """The negative log-likelihood of a customer, and its gradient, by logarithms of parameters."""

    def __init__(self, likelihood: Likelihood, size: float) -> None:
        self._likelihood, self._size = likelihood, size

    def __call__(self, logs: Numbers) -> tuple[float, Numbers]:
        parameters = np.exp(logs)
        value, slope = self._likelihood(parameters)
        return -value / self._size, -slope * parameters / self._size

    def curvature(self, logs: Numbers) -> Numbers:
        """Second derivatives, from differences of the gradient."""
        rows = [
            (self(logs + step)[1] - self(logs - step)[1]) / (2.0 * _STEP)
            for step in np.eye(len(logs)) * _STEP
        ]
        matrix = np.array(rows)
        return (matrix + matrix.T) / 2.0

    def maximum(self, logs: Numbers, curvature: Numbers) -> Maximum:
        parameters, errors = np.exp(logs), _standard_errors(curvature, self._size)
        return Maximum(
            parameters,
            float(-self._size * self(logs)[0]),
            errors * parameters,
            _is_inside(logs) and bool(np.all(errors < 1.0)),
            curvature,
        )


def _newton(cost: _Cost, logs: Numbers, curvature: Numbers) -> Numbers:
    """The last digits; a step that makes it worse is not taken."""
    value, slope = cost(logs)
    for _ in range(_STEPS):
        try:
            nearer = logs - np.linalg.solve(curvature, slope)
        except np.linalg.LinAlgError:
            break
        if not _is_inside(nearer):
            break
        there, slope_there = cost(nearer)
        if not there <= value or np.abs(slope_there).max() >= np.abs(slope).max():
            break
        logs, value, slope = nearer, there, slope_there
    return logs


def _is_inside(logs: Numbers) -> bool:
    return bool(np.all(np.abs(logs) < _HIGHEST - _AT_BOUND))


def _standard_errors(curvature: Numbers, size: float) -> Numbers:
    """Of the logarithms; NaN where the likelihood is flat."""
    nothing = np.full(len(curvature), np.nan)
    try:
        variances = np.diag(np.linalg.inv(curvature * size))
    except np.linalg.LinAlgError:
        return nothing
    return np.sqrt(np.where(variances > 0.0, variances, np.nan))
