"""BG/NBD: how often customers buy, and whether they still do.

Fader, Hardie and Lee (2005), "Counting Your Customers the Easy Way: An Alternative to the
Pareto/NBD Model", Marketing Science 24(2), 275-284. While active, a customer buys at a rate of
their own, which is Gamma distributed (r, alpha); after each purchase but the first they leave with
a probability of their own, which is Beta distributed (a, b).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.lifetime.maximum import FEW, Numbers, maximise, refine

# Around a = 1 the expected purchases are a quotient of two numbers near 0.
_NEAR_ONE = 1e-5


@dataclass(frozen=True, eq=False)
class Histories:
    """When customers bought: the different histories, in any fixed order.

    Attributes:
        repeats: Purchases after the first.
        recency: From the first purchase to the last.
        age: From the first purchase to the end of observation, in the same unit.
        customers: With this history.
    """

    repeats: Numbers
    recency: Numbers
    age: Numbers
    customers: Numbers

    @cached_property
    def unit(self) -> float:
        """The mean age, in which the model is fitted; 1 where all are 0."""
        return float(np.average(self.age, weights=self.customers)) or 1.0

    def thinned(self, most: int) -> Histories:
        """Every so many of them, so that at most so many are left; itself where it has no more."""
        step = -(-len(self.repeats) // most)
        if step <= 1:
            return self
        parts = (self.repeats, self.recency, self.age, self.customers)
        return Histories(*(part[::step] for part in parts))


@dataclass(frozen=True)
class Rates:
    """The parameters of the model, `alpha` in the unit of time of the histories."""

    r: float
    alpha: float
    a: float
    b: float


@dataclass(frozen=True)
class PurchaseModel:
    """A fitted model, and how it was fitted; standard errors are in the order of `Rates`."""

    rates: Rates
    log_likelihood: float
    standard_errors: tuple[float, ...]
    is_clear: bool


def fit_purchases(histories: Histories) -> PurchaseModel:
    """The parameters under which these histories are most likely."""
    unit = histories.unit
    few = histories.thinned(FEW)
    found = maximise(_Likelihood(few, unit), np.ones(4), float(few.customers.sum()))
    if few is not histories:
        found = refine(_Likelihood(histories, unit), found, float(histories.customers.sum()))
    scale = np.array([1.0, unit, 1.0, 1.0])
    # A density of times: in another unit it is another number.
    shift = float(histories.customers @ histories.repeats) * np.log(unit)
    return PurchaseModel(
        Rates(*(found.parameters * scale).tolist()),
        found.log_likelihood - shift,
        tuple((found.standard_errors * scale).tolist()),
        found.is_clear,
    )


def log_likelihood(rates: Rates, histories: Histories) -> float:
    """Of the histories, under any parameters (equation 6 of the paper)."""
    unit = histories.unit
    value, _ = _Likelihood(histories, unit)(
        np.array([rates.r, rates.alpha / unit, rates.a, rates.b])
    )
    return value - float(histories.customers @ histories.repeats) * float(np.log(unit))


def probability_alive(rates: Rates, histories: Histories) -> Numbers:
    """That a customer has not left, one number a history; 1 for who bought once.

    In this model nobody leaves before the second purchase (Fader, Hardie and Lee 2008, "Computing
    P(alive) Using the BG/NBD Model").
    """
    from scipy.special import expit  # noqa: PLC0415 - slow to import

    return np.asarray(expit(-_log_odds_of_having_left(rates, histories)), dtype=np.float64)


def expected_purchases(rates: Rates, histories: Histories, period: float) -> Numbers:
    """Purchases in a coming period, one number a history (equation 10 of the paper)."""
    (found,) = purchases_until(rates, histories, [period])
    return found


def purchases_until(rates: Rates, histories: Histories, ends: Iterable[float]) -> Iterator[Numbers]:
    """The same until each of these ends of a period that begins now."""
    alive = probability_alive(rates, histories)
    # What of it depends on repeats and age alone is computed once for each pair of them.
    ages, of_age = np.unique(histories.age, return_inverse=True)
    codes, places = np.unique(histories.repeats * len(ages) + of_age, return_inverse=True)
    repeats, age = codes // len(ages), ages[(codes % len(ages)).astype(np.int64)]
    for end in ends:
        yield alive * _purchases_if_alive(rates, repeats, age, end)[places]


def _log_odds_of_having_left(rates: Rates, histories: Histories) -> Numbers:
    x, r, alpha = histories.repeats, rates.r, rates.alpha
    # Below 1 purchase the logarithm is not used.
    more = np.log(rates.a) - np.log(rates.b + np.maximum(x, 1.0) - 1.0)
    waited = np.log(alpha + histories.age) - np.log(alpha + histories.recency)
    return np.where(x > 0.0, more + (r + x) * waited, -np.inf)


def _purchases_if_alive(rates: Rates, repeats: Numbers, age: Numbers, period: float) -> Numbers:
    """The same of a customer who has not left; it depends on repeats and age alone."""
    if abs(rates.a - 1.0) < _NEAR_ONE:
        sides = [replace(rates, a=1.0 + side) for side in (-_NEAR_ONE, _NEAR_ONE)]
        below, above = (_of_one_alive(each, repeats, age, period) for each in sides)
        return (below + above) / 2.0
    return _of_one_alive(rates, repeats, age, period)


def _of_one_alive(rates: Rates, x: Numbers, age: Numbers, period: float) -> Numbers:
    """By Euler's transformation of the paper's 2F1, whose terms overflow for many purchases."""
    from scipy.special import hyp2f1  # noqa: PLC0415 - slow to import

    r, alpha, a, b = rates.r, rates.alpha, rates.a, rates.b
    total = a + b + x - 1.0
    # Of the logarithm of (alpha + age) / (alpha + age + period).
    shrunk = -np.log1p(period / (alpha + age))
    series = hyp2f1(a - 1.0, a + b - 1.0 - r, total, -np.expm1(shrunk))
    return np.asarray(total / (a - 1.0) * (1.0 - np.exp((a - 1.0) * shrunk) * series))


class _Likelihood:
    """Log-likelihood and gradient in (r, alpha, a, b), with times in a unit.

    Special functions are evaluated once a number of repeats, of which there are few.
    """

    def __init__(self, histories: Histories, unit: float) -> None:
        weights = histories.customers
        self._x, self._weights = histories.repeats, weights
        self._recency, self._age = histories.recency / unit, histories.age / unit
        self._has_repeat: NDArray[np.bool_] = self._x > 0.0
        self._counts, places = np.unique(self._x, return_inverse=True)
        self._customers = np.bincount(places.reshape(-1), weights=weights)

    def __call__(self, parameters: Numbers) -> tuple[float, Numbers]:
        from scipy.special import digamma, expit, gammaln  # noqa: PLC0415 - slow to import

        r, alpha, a, b = parameters.tolist()
        x, weights, n = self._x, self._weights, self._counts
        until_end, until_last = alpha + self._age, alpha + self._recency
        log_end, log_last = np.log(until_end), np.log(until_last)
        active = -(r + x) * log_end
        left = np.where(
            self._has_repeat,
            np.log(a) - np.log(b + np.maximum(x, 1.0) - 1.0) - (r + x) * log_last,
            -np.inf,
        )
        share_left = np.where(self._has_repeat, expit(left - active), 0.0)
        common = gammaln(r + n) - gammaln(r) + r * np.log(alpha)
        common += gammaln(a + b) - gammaln(a + b + n) + gammaln(b + n) - gammaln(b)
        value = self._customers @ common + weights @ np.logaddexp(active, left)
        of_left, of_active = weights * share_left, weights * (1.0 - share_left)
        both = digamma(a + b) - digamma(a + b + n)
        slopes = [
            self._customers @ (digamma(r + n) - digamma(r) + np.log(alpha))
            - (of_active @ log_end + of_left @ log_last),
            r / alpha * weights.sum()
            - (of_active @ ((r + x) / until_end) + of_left @ ((r + x) / until_last)),
            self._customers @ both + of_left.sum() / a,
            self._customers @ (both + digamma(b + n) - digamma(b))
            - of_left @ (1.0 / (b + np.maximum(x, 1.0) - 1.0)),
        ]
        return float(value), np.array(slopes)
