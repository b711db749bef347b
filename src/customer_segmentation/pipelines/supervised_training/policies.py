"""What a campaign would have brought, by whom it had contacted, from answers that are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Labels = NDArray[np.int64]
Chosen = NDArray[np.bool_]

# Of the cost, to see how much hangs on it.
COSTS = (0.8, 1.0, 1.2)
_Z = 1.96


@dataclass(frozen=True)
class Answered:
    """Customers whose answer is known, and what was predicted of them out of fold.

    Attributes:
        answers: (rows) 0 or 1.
        chances: (rows) predicted.
        segments: (rows) ids.
        folds: (rows) each was predicted without.
        groups: (rows) of customers who repeat each other.
    """

    answers: Labels
    chances: Values
    segments: Labels
    folds: Labels
    groups: Labels


def profits(customers: Answered, cost: float, value: float) -> dict[str, float]:
    """Policy -> its profit.

    Args:
        customers: Whom one could have contacted.
        cost: Of a contact.
        value: Of an answer.
    """
    chosen, answers = customers.chances * value > cost, customers.answers
    everyone = _profit(np.ones(len(answers), dtype=bool), answers, cost, value)
    return {
        "model": _profit(chosen, answers, cost, value),
        "everybody": everyone,
        "nobody": 0.0,
        # As many as the model contacts: what is to be expected of them.
        "random": everyone * float(chosen.mean()),
        "segments": _profit(by_segment(customers, cost, value), answers, cost, value),
        "perfect": float(answers.sum()) * max(value - cost, 0.0),
    }


def by_segment(customers: Answered, cost: float, value: float) -> Chosen:
    """(rows) whose segment paid among the customers of the other folds."""
    chosen = np.zeros(len(customers.answers), dtype=bool)
    for fold in np.unique(customers.folds):
        here = customers.folds == fold
        for segment in np.unique(customers.segments[here]):
            others = customers.answers[~here & (customers.segments == segment)]
            if len(others) and others.mean() * value > cost:
                chosen[here & (customers.segments == segment)] = True
    return chosen


def interval(customers: Answered, chosen: Chosen, cost: float, value: float) -> tuple[float, float]:
    """Between which the profit of a policy lies for 95 of 100 such bases.

    By the variance between customers, those who repeat each other taken together.
    """
    each = np.where(chosen, customers.answers * value - cost, 0.0)
    by_group = np.bincount(customers.groups, weights=each)
    by_group = by_group[np.bincount(customers.groups) > 0]
    error = float(np.sqrt(len(by_group) * by_group.var(ddof=1)))
    profit = float(each.sum())
    return profit - _Z * error, profit + _Z * error


def told(customers: Answered, cost: float, value: float) -> list[dict[str, Any]]:
    """For each cost of `COSTS`: what every policy brings, and how sure that is of the model's."""
    rows: list[dict[str, Any]] = []
    for share in COSTS:
        paid = cost * share
        chosen = customers.chances * value > paid
        rows.append(
            {
                "cost": _short(paid),
                "contacted": int(chosen.sum()),
                "answers": int(customers.answers[chosen].sum()),
                "profits": {n: _short(p) for n, p in profits(customers, paid, value).items()},
                "interval": [_short(end) for end in interval(customers, chosen, paid, value)],
            }
        )
    return rows


def _profit(chosen: Chosen, answers: Labels, cost: float, value: float) -> float:
    return float(answers[chosen].sum() * value - chosen.sum() * cost)


def _short(number: float) -> float:
    return round(float(number), 6)
