"""What a window's customers would bring if those who pay were contacted, before anybody answers.

Probabilities of an answer are taken to be right, as they are calibrated: so the estimate follows
the customers (a covariate drift), and not what they think of an offer (a change of the concept).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.value import Calibration, Expected
from customer_segmentation.monitoring.counting import chance_edges
from customer_segmentation.monitoring.summary import Summary

UNSEEN = (
    "The estimated profit takes answers to depend on customers as they did when the model learned: "
    "a change of the concept, such as an offer that no longer tempts anybody, leaves it unmoved. "
    "Only outcomes show that."
)
# Of probabilities, so that their logit is finite.
_EDGE = 1e-9
# Of all customers, whichever segment they are in.
ALL = ""


@dataclass(frozen=True)
class Estimate:
    """What contacting those of some customers who pay would bring.

    Attributes:
        customers: Whose probability of an answer is known.
        contacts: How many of them pay.
        profit: Expected.
        low: The profit will be between low and high with 90 %, if the response model is right.
        high: The upper end.
    """

    customers: int
    contacts: int
    profit: float
    low: float
    high: float

    @property
    def per_customer(self) -> float:
        """The profit a customer; 0 of nobody."""
        return self.profit / self.customers if self.customers else 0.0


def estimated_profit(  # noqa: PLR0913 - an offer, and how sure its answers are
    segments: Sequence[str],
    summary: Summary,
    cost: float,
    value: float,
    calibration: Calibration | None = None,
    *,
    answer_factor: float = 1.0,
    logit: tuple[float, float] = (0.0, 1.0),
) -> dict[str, Estimate] | None:
    """Of each segment, and of `ALL`; None where no probability of an answer is known.

    Within a bin probabilities are taken to be spread evenly.

    Args:
        segments: The keys, in the order of their codes.
        summary: The window's.
        cost: Of a contact.
        value: Of an answer.
        calibration: Of the response model; without one, intervals hold the chance of answers alone.
        answer_factor: How many times as often as the model says the offer is answered.
        logit: Intercept and slope by which outcomes have corrected the log odds since.
    """
    counts = summary.chances[:, :-1]
    if not counts.any():
        return None
    bins = _paying(cost, value, answer_factor, logit)
    parts = {key: counts[code] for code, key in enumerate(segments)}
    parts[ALL] = counts.sum(axis=0)
    return {key: _estimate(each, bins, cost, value, calibration) for key, each in parts.items()}


@dataclass(frozen=True)
class _Bins:
    """Of each bin of probabilities: the share that pays, and what its customers are like.

    Attributes:
        share: Of the customers, who pay.
        q: Their mean probability of an answer to the offer.
        steep: By how much q grows with the log odds that the model says.
        odds: Those log odds.
    """

    share: NDArray[np.float64]
    q: NDArray[np.float64]
    steep: NDArray[np.float64]
    odds: NDArray[np.float64]


def _paying(cost: float, value: float, factor: float, logit: tuple[float, float]) -> _Bins:
    edges = _corrected(chance_edges(), logit)
    low, high = edges[:-1], edges[1:]
    pays = min(1.0, cost / (value * factor)) if value else 1.0
    begin = np.clip(pays, low, high)
    mean = (begin + high) / 2.0
    inside = np.clip(mean, _EDGE, 1.0 - _EDGE)
    q = np.minimum(1.0, mean * factor)
    # Where every customer answers anyway, a higher probability adds none.
    steep = np.where(q < 1.0, factor, 0.0) * mean * (1.0 - mean)
    return _Bins((high - begin) / (high - low), q, steep, np.log(inside / (1.0 - inside)))


def _corrected(p: NDArray[np.float64], logit: tuple[float, float]) -> NDArray[np.float64]:
    intercept, slope = logit
    if (intercept, slope) == (0.0, 1.0):
        return p
    inside = np.clip(p, _EDGE, 1.0 - _EDGE)
    odds = intercept + slope * np.log(inside / (1.0 - inside))
    corrected = 1.0 / (1.0 + np.exp(-odds))
    corrected[0], corrected[-1] = 0.0, 1.0
    return corrected


def _estimate(
    customers: NDArray[np.int64],
    bins: _Bins,
    cost: float,
    value: float,
    calibration: Calibration | None,
) -> Estimate:
    contacts = customers * bins.share
    answers = float(contacts @ bins.q)
    by_chance = value**2 * float(contacts @ (bins.q * (1.0 - bins.q)))
    by_model = 0.0
    if calibration:
        steep = value * contacts * bins.steep
        gradient = np.array([steep.sum(), steep @ bins.odds])
        by_model = max(0.0, float(gradient @ calibration.covariance @ gradient))
    number = float(contacts.sum())
    expected = Expected(round(number), cost * number, answers, value * answers, by_chance, by_model)
    return Estimate(
        int(customers.sum()), expected.contacts, expected.profit(), *expected.interval()
    )
