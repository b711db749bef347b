"""Customers whom no limit and no profit tells apart, together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.problem import NONE, Problem


@dataclass(frozen=True)
class Groups:
    """Customers of equal segment, allowed offers and response, by segment, offers and response.

    Attributes:
        profits: (groups x offers) of one customer; -inf where it is not allowed.
        segments: (groups,)
        sizes: (groups,) customers.
        cells: (cells,) the first group of each segment and set of allowed offers.
        order: (m,) the customers, group by group, by `ties` within one.
    """

    profits: NDArray[np.float64]
    segments: NDArray[np.int64]
    sizes: NDArray[np.int64]
    cells: NDArray[np.int64]
    order: NDArray[np.int64]

    def customers_of(self, counts: NDArray[np.int64]) -> NDArray[np.int64]:
        """(m,) the offer of each customer, from (groups x offers) how many get which."""
        unused = self.sizes - counts.sum(axis=1)
        each = np.column_stack([counts, unused]).ravel()
        offers = np.array([*range(counts.shape[1]), NONE])
        given = np.empty(len(self.order), dtype=np.int64)
        given[self.order] = np.repeat(np.tile(offers, len(counts)), each)
        return given


def group(problem: Problem) -> Groups:
    """The groups of a problem, the same in any order of its customers."""
    allowed = problem.profits > -np.inf
    sets = allowed @ (1 << np.arange(allowed.shape[1]))
    order = np.lexsort((problem.ties, problem.responses, sets, problem.segments))
    cells = (np.diff(problem.segments[order]) != 0) | (np.diff(sets[order]) != 0)
    changes = cells | (np.diff(problem.responses[order]) != 0)
    firsts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    starts = np.concatenate([[True], cells])[firsts]
    return Groups(
        profits=problem.profits[order[firsts]],
        segments=problem.segments[order[firsts]],
        sizes=np.diff([*firsts, len(order)]),
        cells=np.flatnonzero(starts),
        order=order,
    )
