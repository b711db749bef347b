"""The best list where offers compete: a linear program over all customers, an integer one at last.

Given what one more of each limit would bring (its price), whom to contact with what is a matter of
each customer alone. So the linear program is solved over bins of customers who are alike, and only
bins where prices do not decide alike for all are split. Its value bounds every list from above.
What is left is a choice among the few customers for whom the prices nearly tie.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.groups import Groups, group
from customer_segmentation.campaigns.limits import Limits
from customer_segmentation.campaigns.problem import Answer, Prices, Problem
from customer_segmentation.campaigns.program import LimitRows, Units, best_counts
from customer_segmentation.campaigns.rounding import NEAR, round_off

_FIRST_BINS = 1_000
_PARTS = 16


@dataclass(frozen=True)
class Relaxed:
    """The linear program's answer.

    Attributes:
        counts: (groups x offers) customers, not all whole.
        losses: (groups x (offers + 1)) what a customer's offer, or none, loses against their best
            at these prices.
        bound: Its value.
        prices: Of the limits.
    """

    counts: NDArray[np.float64]
    losses: NDArray[np.float64]
    bound: float
    prices: Prices


class ManyOffers:
    """Customers for whom offers compete, with the bins that the last linear program needed.

    Args:
        least: (segments,) customers needed.
    """

    def __init__(self, problem: Problem, least: NDArray[np.float64]) -> None:
        # What does not pay is chosen only where a least share may need it.
        is_open = (problem.profits > 0.0) | (least[problem.segments] > 0.0)[:, None]
        profits = np.where(is_open, problem.profits, -np.inf)
        self._groups = group(replace(problem, profits=profits))
        self._starts = _first_bins(self._groups)

    def best(self, limits: Limits) -> Answer | None:
        """A list of the highest expected profit, or below `bound`; None where none is possible.

        The bound is reached but where thousands of customers are nearly as good as each other.
        """
        relaxed = self._relax(limits)
        if relaxed is None:
            return None
        counts, losses, bound = relaxed.counts, relaxed.losses, relaxed.bound
        rounded = round_off(self._groups, limits, counts, losses, bound)
        if rounded is None:
            return None
        return Answer(self._groups.customers_of(rounded[0]), rounded[1], relaxed.prices)

    def _relax(self, limits: Limits) -> Relaxed | None:
        """Solve the linear program; None where least shares need more than there is."""
        groups, rows = self._groups, LimitRows(limits)
        weighted = groups.profits * groups.sizes[:, None]
        while True:
            starts = self._starts
            sizes = np.add.reduceat(groups.sizes, starts)
            means = np.add.reduceat(weighted, starts) / sizes[:, None]
            solved = best_counts(limits, Units(means, groups.segments[starts], sizes))
            if solved is None:
                return None
            counts, found = solved
            prices = rows.prices(found.prices)
            gains = np.zeros((len(groups.sizes), groups.profits.shape[1] + 1))
            gains[:, 1:] = groups.profits - prices.of_offers(limits.costs)
            gains[:, 1:] -= prices.by_segment[groups.segments][:, None]
            best = gains.argmax(axis=1)
            top = np.take_along_axis(gains, best[:, None], axis=1)
            bound = float(groups.sizes @ top[:, 0]) + rows.worth(found.prices)
            mixed = np.minimum.reduceat(best, starts) != np.maximum.reduceat(best, starts)
            if bound - found.value <= NEAR * abs(bound) or not mixed.any():
                losses = np.roll(top - gains, -1, axis=1)
                return Relaxed(_spread(groups, starts, counts), losses, bound, prices)
            self._starts = _split(starts, mixed, len(groups.sizes))


def _first_bins(groups: Groups) -> NDArray[np.int64]:
    number = len(groups.sizes)
    step = max(1, number // _FIRST_BINS)
    return np.unique(np.concatenate([groups.cells, np.arange(0, number, step)]))


def _split(starts: NDArray[np.int64], mixed: NDArray[np.bool_], number: int) -> NDArray[np.int64]:
    ends = np.append(starts[1:], number)
    parts = np.linspace(starts[mixed], ends[mixed], _PARTS, endpoint=False).astype(np.int64)
    return np.unique(np.concatenate([starts, parts.ravel()]))


def _spread(
    groups: Groups, starts: NDArray[np.int64], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(groups x offers) customers, from (bins x offers): in a bin they go to its groups in turn."""
    bins = np.repeat(np.arange(len(starts)), np.diff([*starts, len(groups.sizes)]))
    ends = groups.sizes.cumsum()
    before = (ends - groups.sizes)[starts][bins]
    high = (ends - before)[:, None]
    low = high - groups.sizes[:, None]
    upto = counts.cumsum(axis=1)
    return np.maximum(np.minimum(high, upto[bins]) - np.maximum(low, (upto - counts)[bins]), 0.0)
