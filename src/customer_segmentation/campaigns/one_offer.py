"""The best list where there is one offer: contacts in falling order of profit, within the limits.

All contacts cost the same, so a budget is a number of contacts. The sets that shares and a number
allow are a generalised matroid, for which the greedy list is optimal (Frank and Tardos 1988).
"""

from __future__ import annotations

from math import inf

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.limits import ROUNDING, Limits
from customer_segmentation.campaigns.problem import NONE, Answer, Prices, Problem


class OneOffer:
    """Customers in the order in which one offer pays."""

    def __init__(self, problem: Problem) -> None:
        self._number = len(problem.segments)
        self._order = _in_order(problem.profits[:, 0], problem.ties)
        self._profits = problem.profits[self._order, 0]
        self._segments = problem.segments[self._order]

    def best(self, limits: Limits) -> Answer | None:
        """The list of highest expected profit; None where least shares need more than there is."""
        most = min(_numbers_of(limits))
        needed, allowed = self._by_shares(limits)
        left = most - needed.sum()
        if left < 0:
            return None
        free = ~needed & allowed & (self._profits > 0.0)
        chosen = needed | (free & (free.cumsum() <= left))
        offers = np.full(self._number, NONE)
        offers[self._order[chosen]] = 0
        return Answer(offers, float(self._profits[chosen].sum()), self._prices(limits, chosen))

    def _by_shares(self, limits: Limits) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Who is needed for a least share, and who is not beyond a largest one."""
        nobody = np.zeros(self._number, dtype=np.bool_)
        if not limits.least.any() and np.isinf(limits.most).all():
            return nobody, ~nobody
        places = _places(self._segments, len(limits.least))
        return places < limits.least[self._segments], places < limits.most[self._segments]

    def _prices(self, limits: Limits, chosen: NDArray[np.bool_]) -> Prices:
        """What the next customer beyond each limit would bring."""
        number = len(limits.least)
        count = np.bincount(self._segments[chosen], minlength=number)
        best, worst = np.zeros(number), np.full(number, inf)
        for segment in range(number):
            inside = self._segments == segment
            best[segment] = self._profits[inside & ~chosen].max(initial=0.0)
            worst[segment] = self._profits[inside & chosen].min(initial=inf)
        is_full = count >= limits.most
        numbers = _numbers_of(limits)
        next_one = best[~is_full].max(initial=0.0) if count.sum() >= min(numbers) else 0.0
        paid, contacts, own = [next_one * (one == min(numbers)) for one in numbers]
        by_most = np.where(is_full, np.maximum(best - next_one, 0.0), 0.0)
        is_least = (count > 0) & (count == limits.least)
        by_least = np.where(is_least, np.minimum(worst - next_one, 0.0), 0.0)
        return Prices(
            budget=paid / limits.costs[0] if paid else 0.0,
            contacts=contacts,
            by_offer=np.array([own]),
            by_segment=by_most + by_least,
        )


def _numbers_of(limits: Limits) -> list[float]:
    """Contacts that the budget pays for, that are allowed in all, and of the offer."""
    cost = limits.costs[0]
    paid = limits.budget / cost if cost else inf
    numbers = [paid, limits.contacts, limits.by_offer[0]]
    return [float(np.floor(one * (1.0 + ROUNDING))) for one in numbers]


def _in_order(profits: NDArray[np.float64], ties: NDArray[np.uint64]) -> NDArray[np.int64]:
    """By falling profit, then by ties, which a sort by both at once takes much longer for."""
    order = np.argsort(-profits)
    is_same = np.diff(profits[order]) == 0.0
    tied = np.concatenate([is_same, [False]]) | np.concatenate([[False], is_same])
    alike = order[tied]
    order[tied] = alike[np.lexsort((ties[alike], -profits[alike]))]
    return order


def _places(segments: NDArray[np.int64], number: int) -> NDArray[np.int64]:
    """(m,) how many of the same segment come before."""
    places = np.empty(len(segments), dtype=np.int64)
    for segment in range(number):
        inside = segments == segment
        places[inside] = np.arange(inside.sum())
    return places
