"""What a campaign brought against those whom it left alone, in all and by segment and offer."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.intervals import Arm, Estimate, Numbers, difference
from customer_segmentation.tables.schemas import BROUGHT, COST, LEVELS, NOT_SHOWN, TOO_FEW

# The share of intervals that hold the truth.
LEVEL = 0.95
# With fewer answers to be expected in an arm, no interval is worth its name; amounts also differ in
# their size.
_LEAST_ANSWERS, _LEAST_PURCHASES = 5.0, 10.0
# Strata with fewer customers in an arm are taken together.
_LEAST_IN_STRATUM = 5.0
# A hold-out further from its planned share would come by chance once in so many campaigns.
_BY_CHANCE = 0.001


@dataclass(frozen=True)
class Assigned:
    """The customers of a campaign, n of them, whether contacted or held out.

    Attributes:
        segments: (n,) key of the segment when the campaign was sent.
        offers: (n,) the offer that each got, or would have got.
        held_out: (n,) whether the customer got nothing.
        costs: (n,) of the contact; 0 for who is held out.
    """

    segments: NDArray[np.object_]
    offers: NDArray[np.object_]
    held_out: NDArray[np.bool_]
    costs: Numbers


@dataclass(frozen=True)
class Outcome:
    """What came of each customer.

    Attributes:
        name: Such as `answered`.
        values: (n,) 0 for who did nothing.
        worth: (n,) what it is worth to the retailer; None where another outcome says so.
    """

    name: str
    values: Numbers
    worth: Numbers | None

    @property
    def is_flag(self) -> bool:
        """Whether it is 0 or 1."""
        return bool(np.isin(self.values, (0.0, 1.0)).all())


@dataclass(frozen=True)
class Result:
    """What a campaign brought in a part of it: nothing is claimed unless `verdict` says so.

    Attributes:
        outcome: Its name.
        level: One of `tables.schemas.LEVELS`.
        segment: '' for all.
        offer: '' for all.
        contacted: Customers who got an offer.
        held_out: Customers who would have got one.
        mean_contacted: Their mean outcome; NaN without customers.
        mean_held_out: Likewise.
        incremental: What the contacted did beyond what they would have done alone, in all; NaN, as
            all below, if there are too few to tell.
        low: Lower bound of its 95 % interval.
        high: Upper bound.
        cost: Of the contacts.
        profit: Worth of the increment less the cost; NaN where another outcome tells it.
        profit_low: Lower bound of its 95 % interval.
        profit_high: Upper bound.
        verdict: One of `tables.schemas.VERDICTS`. Of parts, an effect counts only if it is shown
            even though so many are looked at (Bonferroni): else one of 20 would seem to have one.
    """

    outcome: str
    level: str
    segment: str
    offer: str
    contacted: int
    held_out: int
    mean_contacted: float
    mean_held_out: float
    incremental: float
    low: float
    high: float
    cost: float
    profit: float
    profit_low: float
    profit_high: float
    verdict: str


RESULT_COLUMNS = tuple(field.name for field in fields(Result))


def measure(assigned: Assigned, outcomes: list[Outcome]) -> list[Result]:
    """What a campaign brought, by outcome and level; each level has every customer once.

    What is chosen differs between segments and offers, so that arms are compared within them and
    joined by the numbers of the contacted (post-stratification).
    """
    cells, of_cell = _cells(assigned)
    results = []
    for outcome in outcomes:
        sums = _sums(assigned, outcome, of_cell, len(cells))
        for level in LEVELS:
            named = [_part(level, *cell) for cell in cells]
            parts = sorted({*named})
            for part in parts:
                inside = np.array([each == part for each in named])
                results.append(_result(outcome, level, part, sums.only(inside), len(parts)))
    return results


def hold_out_is_off(assigned: Assigned, planned: float) -> bool:
    """Whether the share of the held-out is further from the planned one than chance explains.

    If so, who is held out was not left to chance alone, and no comparison with them holds.
    """
    from scipy.stats import binomtest  # noqa: PLC0415 - a second that other commands need not pay

    held_out = int(assigned.held_out.sum())
    return bool(binomtest(held_out, len(assigned.held_out), planned).pvalue < _BY_CHANCE)


def _cells(assigned: Assigned) -> tuple[list[tuple[str, str]], NDArray[np.int64]]:
    """The pairs of segment and offer that there are, and which one each customer is in."""
    segments, of_segment = np.unique(assigned.segments.astype(str), return_inverse=True)
    offers, of_offer = np.unique(assigned.offers.astype(str), return_inverse=True)
    codes, of_cell = np.unique(of_segment * len(offers) + of_offer, return_inverse=True)
    pairs = (divmod(int(code), len(offers)) for code in codes)
    return [(str(segments[s]), str(offers[o])) for s, o in pairs], of_cell.astype(np.int64)


def _part(level: str, segment: str, offer: str) -> tuple[str, str]:
    return (segment if "segment" in level else "", offer if "offer" in level else "")


@dataclass(frozen=True)
class _Arms:
    """Sums of the contacted and of the held-out, by cell."""

    contacted: Arm
    held_out: Arm
    is_never_negative: bool

    def only(self, inside: NDArray[np.bool_]) -> _Arms:
        """Those of some cells."""
        contacted, held_out = self.contacted.only(inside), self.held_out.only(inside)
        return _Arms(contacted, held_out, self.is_never_negative)

    def difference(self, level: float) -> Estimate:
        """What the contacted have beyond what they would have as the held-out, in all."""
        strata = _strata(self.contacted.customers, self.held_out.customers)
        contacted, held_out = self.contacted.merged(strata), self.held_out.merged(strata)
        return difference(
            *(contacted, held_out, contacted.customers, level),
            is_never_negative=self.is_never_negative,
        )


@dataclass(frozen=True)
class _Sums:
    """All that is needed of an outcome, by cell."""

    values: _Arms
    worth: _Arms | None
    costs: Numbers

    def only(self, inside: NDArray[np.bool_]) -> _Sums:
        """The same of some cells."""
        worth = self.worth.only(inside) if self.worth else None
        return _Sums(self.values.only(inside), worth, self.costs[inside])


def _sums(assigned: Assigned, outcome: Outcome, of_cell: NDArray[np.int64], count: int) -> _Sums:
    def arm(of: NDArray[np.bool_], values: Numbers) -> Arm:
        return Arm.of(of_cell[of], values[of], count)

    def summed(values: Numbers) -> _Arms:
        held_out = assigned.held_out
        is_never_negative = bool((values >= 0.0).all())
        return _Arms(arm(~held_out, values), arm(held_out, values), is_never_negative)

    spent = np.where(assigned.held_out, 0.0, assigned.costs)
    costs = np.bincount(of_cell, spent, count).astype(np.float64)
    worth = None if outcome.worth is None else summed(outcome.worth)
    return _Sums(summed(outcome.values), worth, costs)


def _result(outcome: Outcome, level: str, part: tuple[str, str], sums: _Sums, parts: int) -> Result:
    """The result of one of so many parts."""
    contacted, held_out = sums.values.contacted, sums.values.held_out
    cost = float(sums.costs.sum())
    incremental = profit = shown = None
    if _suffice(contacted, held_out, _LEAST_ANSWERS if outcome.is_flag else _LEAST_PURCHASES):
        incremental = sums.values.difference(LEVEL)
        shown = sums.values.difference(1.0 - (1.0 - LEVEL) / parts)
        profit = sums.worth.difference(LEVEL).minus(cost) if sums.worth else None
    return Result(
        outcome.name,
        level,
        *part,
        int(contacted.customers.sum()),
        int(held_out.customers.sum()),
        _mean(contacted),
        _mean(held_out),
        *_numbers(incremental),
        cost,
        *_numbers(profit),
        _verdict(shown),
    )


def _suffice(contacted: Arm, held_out: Arm, least: float) -> bool:
    """Whether as many answers as are needed are to be expected in each arm.

    The rate is that of both arms together: a rule about the answers that came would keep the
    results that chance made large.
    """
    customers = [float(arm.customers.sum()) for arm in (contacted, held_out)]
    rate = (contacted.positive.sum() + held_out.positive.sum()) / sum(customers)
    return min(customers) * float(rate) >= least


def _strata(contacted: Numbers, held_out: Numbers) -> NDArray[np.int64]:
    """Cells as strata with enough customers: small ones are one, or part of the largest.

    It does no harm to the comparison, since everybody is held out with the same probability.
    """
    is_small = np.minimum(contacted, held_out) < _LEAST_IN_STRATUM
    strata = np.where(is_small, -1, np.cumsum(~is_small) - 1)
    if not is_small.any():
        return strata.astype(np.int64)
    together = min(contacted[is_small].sum(), held_out[is_small].sum())
    if together >= _LEAST_IN_STRATUM or is_small.all():
        rest = int(strata.max(initial=-1)) + 1
    else:
        rest = int(strata[np.argmax(np.where(is_small, -1.0, contacted))])
    return np.where(is_small, rest, strata).astype(np.int64)


def _mean(arm: Arm) -> float:
    customers = float(arm.customers.sum())
    return float(arm.total.sum()) / customers if customers else float("nan")


def _numbers(found: Estimate | None) -> tuple[float, float, float]:
    return (found.value, found.low, found.high) if found else (float("nan"),) * 3


def _verdict(shown: Estimate | None) -> str:
    if shown is None:
        return TOO_FEW
    return BROUGHT if shown.low > 0.0 else COST if shown.high < 0.0 else NOT_SHOWN
