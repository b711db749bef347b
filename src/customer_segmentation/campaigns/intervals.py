"""How far two arms of a randomised test differ, with intervals that hold for rare answers."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
# An arm's own mean of a purchase counts as much as so many purchases of both arms together.
_SHRUNK_BY = 50.0


@dataclass(frozen=True)
class Arm:
    """What came of the customers of an arm, by stratum.

    Attributes:
        customers: (s,) how many there are.
        total: (s,) sum of their outcomes.
        squares: (s,) sum of the squares of their outcomes.
        positive: (s,) how many outcomes are not 0.
    """

    customers: Numbers
    total: Numbers
    squares: Numbers
    positive: Numbers

    @classmethod
    def of(cls, strata: NDArray[np.int64], outcomes: Numbers, count: int) -> Arm:
        """The sums of single outcomes.

        Args:
            strata: (n,) the stratum of each customer.
            outcomes: (n,) their outcomes.
            count: How many strata there are.
        """
        ones, positive = np.ones(len(outcomes)), (outcomes != 0.0).astype(np.float64)
        parts = (ones, outcomes, outcomes**2, positive)
        return cls(*(np.bincount(strata, part, count).astype(np.float64) for part in parts))

    def only(self, inside: NDArray[np.bool_]) -> Arm:
        """The sums of some strata."""
        return Arm(*(part[inside] for part in self._parts))

    def merged(self, into: NDArray[np.int64]) -> Arm:
        """The sums of fewer strata; `into` numbers them."""
        return Arm(*(np.bincount(into, part).astype(np.float64) for part in self._parts))

    @property
    def _parts(self) -> tuple[Numbers, Numbers, Numbers, Numbers]:
        return self.customers, self.total, self.squares, self.positive

    @property
    def means(self) -> Numbers:
        """(s,) mean outcome of a customer."""
        return self.total / self.customers


@dataclass(frozen=True)
class Estimate:
    """A number and the interval that holds it."""

    value: float
    low: float
    high: float

    def minus(self, amount: float) -> Estimate:
        """The same less a number that is known."""
        return Estimate(self.value - amount, self.low - amount, self.high - amount)


def difference(
    treated: Arm, control: Arm, weights: Numbers, level: float, *, is_never_negative: bool = True
) -> Estimate:
    """The sum over strata of weight times (mean of the treated - mean of the control).

    Each arm gets a score interval of its own, and the two are joined by their recovered variances
    (Newcombe 1998, Statistics in Medicine 17:873; Zou and Donner 2008, 27:1693). For 0/1 outcomes
    in one stratum it is Newcombe's interval of a difference of proportions. Welch's t holds too
    seldom where answers are rare and few customers are held out: `benchmarks/measurement.py`.

    Args:
        treated: With at least one customer in each stratum.
        control: Likewise.
        weights: (s,) at least 0.
        level: The share of such intervals that hold the truth.
        is_never_negative: Whether no outcome is below 0.
    """
    z = NormalDist().inv_cdf(0.5 + level / 2.0)
    first, second = (
        _score(arm, other, weights, z) if is_never_negative else _normal(arm, weights, z)
        for arm, other in ((treated, control), (control, treated))
    )
    value = first.value - second.value
    return Estimate(
        value,
        value - float(np.hypot(first.value - first.low, second.high - second.value)),
        value + float(np.hypot(first.high - first.value, second.value - second.low)),
    )


def _score(arm: Arm, other: Arm, weights: Numbers, z: float) -> Estimate:
    """All t for which (t - estimate)^2 <= z^2 (t unit - t^2 share): Wilson's, for a sum of means.

    Unit and share say how the variance of the sum depends on the sum. How unequal strata and
    purchases are is learned from both arms, since the few purchases of one would tell too little of
    it, and would tell least whenever its mean is low. For 0/1 outcomes in one stratum, both are
    1 / customers.
    """
    value = float((weights * arm.means).sum())
    customers = arm.customers + other.customers
    means = weights * (arm.total + other.total) / customers
    squares = weights**2 * (arm.squares + other.squares) / customers
    expected = float(means.sum())
    if expected == 0.0:
        return Estimate(0.0, 0.0, 0.0)
    share = float((means**2 / arm.customers).sum()) / expected**2
    unit = _scale(arm, other) * float((squares / arm.customers).sum()) / expected
    a, b = 1.0 + z * z * share, 2.0 * value + z * z * unit
    root = sqrt(max(b * b - 4.0 * a * value**2, 0.0))
    return Estimate(value, (b - root) / (2.0 * a), (b + root) / (2.0 * a))


def _scale(arm: Arm, other: Arm) -> float:
    """How much larger purchases of an arm are than those of both; 1 for 0/1 outcomes."""
    total, bought = float(arm.total.sum()), float(arm.positive.sum())
    common = (total + other.total.sum()) / (bought + other.positive.sum())
    return float((total / common + _SHRUNK_BY) / (bought + _SHRUNK_BY))


def _normal(arm: Arm, weights: Numbers, z: float) -> Estimate:
    value = float((weights * arm.means).sum())
    spread = (arm.squares - arm.customers * arm.means**2) / np.maximum(arm.customers - 1.0, 1.0)
    half = z * float(np.sqrt((weights**2 * np.maximum(spread, 0.0) / arm.customers).sum()))
    return Estimate(value, value - half, value + half)
