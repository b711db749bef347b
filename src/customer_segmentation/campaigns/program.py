"""Limits and customers as a program for the solver.

Beside the customers of each unit and offer, x, it has the number of each segment and offer, N.
Limits are limits of N, and x only shares N out among units, which is a transportation problem:
where N is whole, the best x is whole too. So only N, a few numbers, need be declared whole.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.limits import Limits
from customer_segmentation.campaigns.problem import Prices
from customer_segmentation.campaigns.solver import Program, Solution, solve


@dataclass(frozen=True)
class Units:
    """Customers, a row for each lot of them that a program treats alike.

    Attributes:
        profits: (units x offers) of one customer; -inf where the offer is closed.
        segments: (units,)
        sizes: (units,) customers.
    """

    profits: NDArray[np.float64]
    segments: NDArray[np.int64]
    sizes: NDArray[np.int64]


@dataclass(frozen=True)
class LimitRows:
    """The limits as rows over N, by segment and offer.

    Costs are divided by the highest, since a solver's tolerances are absolute.
    """

    limits: Limits

    @property
    def _unit(self) -> float:
        return float(self.limits.costs.max()) or 1.0

    @property
    def low(self) -> NDArray[np.float64]:
        """(rows,) at least."""
        offers, least = len(self.limits.costs), self.limits.least
        return np.concatenate([np.full(2 + offers, -np.inf), np.where(least > 0, least, -np.inf)])

    @property
    def high(self) -> NDArray[np.float64]:
        """(rows,) at most."""
        limits = self.limits
        first = [limits.budget / self._unit, limits.contacts]
        return np.concatenate([first, limits.by_offer, limits.most])

    @property
    def entries(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """(segments * offers x 4) the rows in which a number stands, and its coefficients."""
        segments, offers = len(self.limits.least), len(self.limits.costs)
        segment, offer = np.divmod(np.arange(segments * offers), offers)
        ones = np.ones(len(segment))
        rows = np.column_stack([0 * offer, 0 * offer + 1, 2 + offer, 2 + offers + segment])
        return rows, np.column_stack([self.limits.costs[offer] / self._unit, ones, ones, ones])

    def used(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """(rows,) what (segments x offers) customers take."""
        by_offer = numbers.sum(axis=0)
        paid = by_offer @ self.limits.costs / self._unit
        return np.concatenate([[paid, by_offer.sum()], by_offer, numbers.sum(axis=1)])

    def prices(self, duals: NDArray[np.float64]) -> Prices:
        """The prices of a program's first rows."""
        first, offers = self._of_sign(duals), len(self.limits.costs)
        return Prices(
            float(first[0] / self._unit),
            float(first[1]),
            first[2 : 2 + offers],
            first[2 + offers :],
        )

    def worth(self, duals: NDArray[np.float64]) -> float:
        """What the limits are worth at their prices."""
        first = self._of_sign(duals)
        limit = np.where(first > 0.0, self.high, self.low)
        return float((first * np.where(first == 0.0, 0.0, limit)).sum())

    def _of_sign(self, duals: NDArray[np.float64]) -> NDArray[np.float64]:
        """The duals, 0 where there is no limit that they could be of."""
        first = duals[: len(self.low)]
        first = np.where(np.isinf(self.high), np.minimum(first, 0.0), first)
        return np.where(np.isinf(self.low), np.maximum(first, 0.0), first)


def best_counts(
    limits: Limits,
    units: Units,
    fixed: NDArray[np.float64] | None = None,
    offset: float = 0.0,
    *,
    whole: bool = False,
) -> tuple[NDArray[np.float64], Solution] | None:
    """(units x offers) how many customers of each unit get which offer; None if none is possible.

    Args:
        limits: For the units and what is fixed.
        units: The customers.
        fixed: (segments x offers) others who get an offer.
        offset: What these bring.
        whole: Whole customers only.
    """
    program, numbers, where = _program(limits, units, fixed, offset)
    found = solve(replace(program, whole=numbers) if whole else program)
    if found is None:
        return None
    x = found.x
    if whole:
        exact = np.rint(found.x[numbers])
        lower, upper = program.lower.copy(), program.upper.copy()
        lower[numbers] = upper[numbers] = exact
        shared = solve(replace(program, lower=lower, upper=upper))
        if shared is None:
            return None
        x = shared.x
    counts = np.zeros_like(units.profits)
    counts[where] = x[~numbers]
    return counts, found


def _program(
    limits: Limits, units: Units, fixed: NDArray[np.float64] | None, offset: float
) -> tuple[Program, NDArray[np.bool_], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The program, which of its columns are N, and the units and offers of the others."""
    rows = LimitRows(limits)
    limit_rows, limit_values = rows.entries
    offers, number = len(limits.costs), len(limit_rows)
    taken = rows.used(fixed) if fixed is not None else np.zeros(len(rows.low))
    unit, offer = np.nonzero(units.profits > -np.inf)
    links = len(rows.low) + np.arange(number)
    # N has its limits' rows and, less itself, the row that makes it the sum of x.
    of_numbers = np.column_stack([limit_rows, links])
    of_units = np.column_stack(
        [links[units.segments[unit] * offers + offer], len(rows.low) + number + unit]
    )
    sizes = units.sizes.astype(np.float64)
    program = Program(
        gain=np.concatenate([np.zeros(number), units.profits[unit, offer]]),
        lower=np.zeros(number + len(unit)),
        upper=np.concatenate([np.full(number, np.inf), sizes[unit]]),
        low=np.concatenate([rows.low - taken, np.zeros(number), np.full(len(sizes), -np.inf)]),
        high=np.concatenate([rows.high - taken, np.zeros(number), sizes]),
        columns=np.repeat(np.arange(number + len(unit)), [5] * number + [2] * len(unit)),
        rows=np.concatenate([of_numbers.ravel(), of_units.ravel()]),
        values=np.concatenate(
            [np.column_stack([limit_values, -np.ones(number)]).ravel(), np.ones(2 * len(unit))]
        ),
        offset=offset,
    )
    return program, np.arange(number + len(unit)) < number, (unit, offer)
