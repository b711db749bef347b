"""What a list is expected to bring, how sure that is, and what other lists would.

An answer is a Bernoulli draw with the customer's probability, so profits vary by v^2 q (1 - q). The
probabilities are uncertain together: logit p was calibrated by an intercept and a slope with a
covariance, which the delta method carries to the profit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.candidates import Candidates, Plan
from customer_segmentation.campaigns.hold_out import Chances, draw_chances, held_out
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.campaigns.profit import answer_probability, expected_profits

LEVEL = 0.9
# How other costs would change the profit of the same list.
COST_CHANGES = (-0.2, 0.0, 0.2)
_CURVE_POINTS = 100
# Of probabilities, so that their logit is finite.
_EDGE = 1e-12

Offers = NDArray[np.int64]


@dataclass(frozen=True)
class Calibration:
    """How sure the response model is of logit p.

    Attributes:
        covariance: (2 x 2) of the intercept and the slope by which logit p was calibrated.
    """

    covariance: NDArray[np.float64]

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Self | None:
        """That of a response model, by its metadata; None if they do not say."""
        stated = metadata.get("calibration")
        return cls(np.array(stated["covariance"], dtype=np.float64)) if stated else None

    def stated(self) -> dict[str, Any]:
        """The same as a model's metadata state it."""
        return {"covariance": self.covariance.tolist()}


@dataclass(frozen=True)
class Expected:
    """What contacting some customers is expected to bring.

    Attributes:
        contacts: How many.
        cost: Of all contacts.
        answers: Expected.
        value: Of the answers.
        by_chance: The variance of the value, if the probabilities are right.
        by_model: The variance of the value, since the probabilities may be wrong together.
    """

    contacts: int
    cost: float
    answers: float
    value: float
    by_chance: float
    by_model: float

    def profit(self, cost_change: float = 0.0) -> float:
        """The value less the cost, where costs are higher by a share."""
        return self.value - self.cost * (1.0 + cost_change)

    def interval(self, level: float = LEVEL, cost_change: float = 0.0) -> tuple[float, float]:
        """Where the profit will be with this probability if the response model is right."""
        reach = NormalDist().inv_cdf(0.5 + level / 2.0) * sqrt(self.by_chance + self.by_model)
        profit = self.profit(cost_change)
        return profit - reach, profit + reach


@dataclass(frozen=True)
class Value:
    """A plan and what could be done instead.

    Attributes:
        plan: Who is contacted.
        explored: Those of them who do not pay, and were drawn by chance.
        alternatives: Name -> another list, with the same customers held out.
        curve: (points x 2) the share of customers who may be contacted, best first, and the
            expected profit of contacting them.
        by_segment: Key of a segment -> its part of the plan.
        by_offer: Name of an offer -> its part.
    """

    plan: Expected
    explored: Expected
    alternatives: dict[str, Expected]
    curve: NDArray[np.float64]
    by_segment: dict[str, Expected]
    by_offer: dict[str, Expected]


def value_of(
    candidates: Candidates,
    plan: Plan,
    parameters: CampaignParameters,
    calibration: Calibration | None,
    chances: Chances | None = None,
) -> Value:
    """What a plan is expected to bring, beside its alternatives.

    Alternatives give each customer the offer that pays most for them, in no regard of the limits;
    whole segments are contacted with the one offer that pays most for the segment, if any does.

    Args:
        candidates: All customers.
        plan: Made of them.
        parameters: Of the campaign.
        calibration: Of the response model; without one, intervals hold the chance of answers alone.
        chances: As for `make_plan`.
    """
    chances = chances or draw_chances(parameters.name, candidates.ids)
    profits = expected_profits(candidates, parameters)
    is_open = ~held_out(chances, parameters.hold_out)
    contacted = np.where(plan.contacted, plan.offers, -1)
    best = np.where(np.isfinite(profits).any(axis=1), profits.argmax(axis=1), -1)
    everybody = np.where(is_open, best, -1)
    by_segments = np.where(is_open, _by_segments(candidates, profits), -1)

    def expected(offers: Offers) -> Expected:
        return expect(candidates.p_response, offers, parameters, calibration)

    planned, all_of_them = expected(contacted), expected(everybody)
    return Value(
        plan=planned,
        explored=expected(np.where(plan.explored, contacted, -1)),
        alternatives={
            "nobody": expected(np.full_like(contacted, -1)),
            "everybody": all_of_them,
            "random": _drawn(all_of_them, planned.contacts, _spread(profits[is_open])),
            "segments": expected(by_segments),
        },
        curve=profit_curve(profits),
        by_segment={
            key: expected(np.where(candidates.segments == place, contacted, -1))
            for place, key in enumerate(candidates.segment_keys)
        },
        by_offer={
            name: expected(np.where(contacted == place, place, -1))
            for place, name in enumerate(parameters.offers)
        },
    )


def expect(
    p_response: NDArray[np.float64],
    offers: Offers,
    parameters: CampaignParameters,
    calibration: Calibration | None,
) -> Expected:
    """What contacting customers brings: (n,) their probabilities and offers, -1 for none."""
    cost = answers = value = by_chance = 0.0
    gradient = np.zeros(2)
    for place, offer in enumerate(parameters.offers.values()):
        p = p_response[offers == place]
        q = answer_probability(p, offer)
        cost += offer.cost * len(p)
        answers += float(q.sum())
        value += offer.value * float(q.sum())
        by_chance += offer.value**2 * float((q * (1.0 - q)).sum())
        if calibration:
            # Where every customer answers anyway, a higher probability adds none.
            slope = np.where(q < 1.0, offer.answer_factor, 0.0) * p * (1.0 - p) * offer.value
            inside = np.clip(p, _EDGE, 1.0 - _EDGE)
            logits = np.log(inside / (1.0 - inside))
            gradient += [slope.sum(), slope @ logits]
    by_model = float(gradient @ calibration.covariance @ gradient) if calibration else 0.0
    return Expected(int((offers >= 0).sum()), cost, answers, value, by_chance, max(0.0, by_model))


def profit_curve(profits: NDArray[np.float64]) -> NDArray[np.float64]:
    """(at most 101 points x 2) contacted share, best first, and cumulative expected profit."""
    best = profits.max(axis=1)
    ordered = np.sort(best[np.isfinite(best)])[::-1]
    total = np.concatenate([[0.0], ordered.cumsum()])
    places = np.unique(np.linspace(0, len(ordered), _CURVE_POINTS + 1).astype(np.int64))
    return np.column_stack([places / max(1, len(ordered)), total[places]])


def _drawn(everybody: Expected, contacts: int, spread: float) -> Expected:
    """As many contacts, drawn by chance from everybody.

    Args:
        everybody: What contacting them all brings.
        contacts: How many.
        spread: The variance of the expected profit between customers.
    """
    share = contacts / everybody.contacts if everybody.contacts else 0.0
    return Expected(
        contacts,
        everybody.cost * share,
        everybody.answers * share,
        everybody.value * share,
        everybody.by_chance * share + contacts * (1.0 - share) * spread,
        everybody.by_model * share**2,
    )


def _spread(profits: NDArray[np.float64]) -> float:
    best = profits.max(axis=1, initial=-np.inf)
    known = best[np.isfinite(best)]
    return float(known.var()) if len(known) else 0.0


def _by_segments(candidates: Candidates, profits: NDArray[np.float64]) -> Offers:
    """(n,) the offer of each customer's segment, where it pays on the mean."""
    offers = np.full(len(profits), -1)
    for place in range(len(candidates.segment_keys)):
        inside = candidates.segments == place
        own = profits[inside]
        sums = np.where(np.isfinite(own), own, 0.0).sum(axis=0)
        best = int(sums.argmax())
        if sums[best] > 0.0:
            offers[inside] = np.where(np.isfinite(own[:, best]), best, -1)
    return offers
