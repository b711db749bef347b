"""Gamma-Gamma: what a purchase of a customer is worth.

Fader and Hardie (2013), "The Gamma-Gamma Model of Monetary Value",
brucehardie.com/notes/025. A customer's purchases are Gamma distributed (p, nu) around a mean of
their own, whose nu is Gamma distributed (q, gamma). It takes for granted that how much customers
spend on a purchase has nothing to do with how often they buy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from customer_segmentation.lifetime.maximum import FEW, Numbers, maximise, refine


@dataclass(frozen=True)
class Values:
    """The parameters of the model, `gamma` in the unit of money."""

    p: float
    q: float
    gamma: float

    @property
    def mean(self) -> float:
        """Of a purchase, over all customers; q is above 1, below which there is none."""
        return self.p * self.gamma / (self.q - 1.0)


@dataclass(frozen=True)
class ValueModel:
    """A fitted model, and how it was fitted; standard errors are in the order of `Values`."""

    values: Values
    log_likelihood: float
    standard_errors: tuple[float, ...]
    is_clear: bool


def fit_values(purchases: Numbers, means: Numbers) -> ValueModel:
    """The parameters under which these means are most likely.

    Args:
        purchases: How many each mean is of, at least 1.
        means: Above 0, one a customer.
    """
    # The sums below shall not depend on the order of the customers.
    order = np.lexsort((means, purchases))
    x, z = purchases[order], means[order]
    unit = float(z.mean())
    # In q - 1, so that there is a mean.
    start, step = np.array([2.0, 2.0, 1.0]), -(-len(x) // FEW)
    few = _Likelihood(x[::step], z[::step] / unit)
    found = maximise(few, start, float(len(x[::step])))
    if step > 1:
        found = refine(_Likelihood(x, z / unit), found, float(len(x)))
    p, above_one, gamma = found.parameters.tolist()
    errors = found.standard_errors * np.array([1.0, 1.0, unit])
    return ValueModel(
        Values(p, 1.0 + above_one, gamma * unit),
        found.log_likelihood - len(x) * float(np.log(unit)),
        tuple(errors.tolist()),
        found.is_clear,
    )


def log_likelihood(values: Values, purchases: Numbers, means: Numbers) -> float:
    """Of the means, under any parameters (equation 1a of the note)."""
    found, _ = _Likelihood(purchases, means)(np.array([values.p, values.q - 1.0, values.gamma]))
    return found


def expected_value(values: Values, purchases: Numbers, spend: Numbers) -> Numbers:
    """The mean of a customer's coming purchases; without any, that of all customers.

    Args:
        values: The parameters.
        purchases: That the spend is of.
        spend: On all of them together; below 0 counts as 0.
    """
    p, q = values.p, values.q
    return p * (values.gamma + np.maximum(spend, 0.0)) / (p * purchases + q - 1.0)


class _Likelihood:
    """Log-likelihood and gradient in (p, q - 1, gamma)."""

    def __init__(self, purchases: Numbers, means: Numbers) -> None:
        self._x, self._z = purchases, means
        self._log_z, self._log_x = np.log(means), np.log(purchases)
        self._counts, places = np.unique(purchases, return_inverse=True)
        self._customers = np.bincount(places.reshape(-1)).astype(np.float64)

    def __call__(self, parameters: Numbers) -> tuple[float, Numbers]:
        from scipy.special import digamma, gammaln  # noqa: PLC0415 - slow to import

        p, above_one, gamma = parameters.tolist()
        q = 1.0 + above_one
        x, z, n, customers = self._x, self._z, self._counts, self._customers
        total = gamma + x * z
        log_total = np.log(total)
        common = gammaln(p * n + q) - gammaln(p * n) - gammaln(q) + q * np.log(gamma)
        each = (p * x - 1.0) * self._log_z + p * x * self._log_x - (p * x + q) * log_total
        of_all = digamma(p * n + q)
        slopes = [
            customers @ (n * (of_all - digamma(p * n)))
            + np.sum(x * (self._log_z + self._log_x - log_total)),
            customers @ (of_all - digamma(q) + np.log(gamma)) - np.sum(log_total),
            q / gamma * len(x) - np.sum((p * x + q) / total),
        ]
        return float(customers @ common + np.sum(each)), np.array(slopes)
