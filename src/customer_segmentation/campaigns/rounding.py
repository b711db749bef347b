"""Whole customers from the linear program's answer, and how near they are to the best.

By reduced costs: in a list that is better than a known one, no customer's offer loses more against
their best at the linear program's prices than the known list's distance from its value. So only
those who could lose less are left to the integer program.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.groups import Groups
from customer_segmentation.campaigns.limits import Limits
from customer_segmentation.campaigns.program import Units, best_counts
from customer_segmentation.campaigns.solver import Solution

# Groups in an integer program.
_CORE = 300
_LARGEST_CORE = 3_000
_WHOLE = 1e-6
# Of the bound: what is nearer counts as reached.
NEAR = 1e-9

Counts = NDArray[np.int64]
Losses = NDArray[np.float64]


def round_off(
    groups: Groups, limits: Limits, counts: NDArray[np.float64], losses: Losses, bound: float
) -> tuple[Counts, float] | None:
    """(groups x offers) whole customers, and what no list exceeds; None where none is possible.

    Args:
        groups: The customers.
        limits: Of the campaign.
        counts: The linear program's.
        losses: (groups x (offers + 1)) what each offer, and none, loses at its prices.
        bound: Its value.
    """
    base = np.floor(counts + _WHOLE).astype(np.int64)
    is_core = np.asarray((np.abs(counts - np.rint(counts)) > _WHOLE).any(axis=1))
    distance = np.partition(losses, 1, axis=1)[:, 1]
    nearest = np.argsort(distance, kind="stable")
    everybody = np.isfinite(losses[:, :-1])
    number = _CORE
    while True:
        core = is_core.copy()
        core[nearest[:number]] = True
        found = _solve_core(groups, limits, base, everybody & core[:, None])
        if found is not None or core.all():
            break
        number *= 8
    if found is None:
        return None
    best, solution = found
    if core.all():
        return best, min(bound, solution.bound)
    gap = bound - solution.value
    open_to = everybody & (losses[:, :-1] <= gap) & (distance <= gap)[:, None]
    if gap <= NEAR * abs(bound) or open_to.any(axis=1).sum() > _LARGEST_CORE:
        return best, bound
    again = _solve_core(groups, limits, _at_best(groups, losses), open_to)
    if again is None or again[1].value < solution.value:
        return best, bound
    return again[0], min(bound, again[1].bound)


def _at_best(groups: Groups, losses: Losses) -> Counts:
    """Every customer at the offer, or none, that is their best at the prices."""
    best = losses.argmin(axis=1)
    counts = np.zeros((len(losses), losses.shape[1] - 1), dtype=np.int64)
    some = best < counts.shape[1]
    counts[some, best[some]] = groups.sizes[some]
    return counts


def _solve_core(
    groups: Groups, limits: Limits, base: Counts, open_to: NDArray[np.bool_]
) -> tuple[Counts, Solution] | None:
    """The best list in which only some groups' offers are open, and all others as in `base`."""
    core = np.flatnonzero(open_to.any(axis=1))
    fixed = base.copy()
    fixed[core] = 0
    numbers = np.zeros((len(limits.least), len(limits.costs)))
    np.add.at(numbers, groups.segments, fixed)
    with np.errstate(invalid="ignore"):
        gained = float(np.where(fixed > 0, fixed * groups.profits, 0.0).sum())
    profits = np.where(open_to, groups.profits, -np.inf)[core]
    units = Units(profits, groups.segments[core], groups.sizes[core])
    solved = best_counts(limits, units, numbers, gained, whole=True)
    if solved is None:
        return None
    fixed[core] = np.rint(solved[0]).astype(np.int64)
    return fixed, solved[1]
