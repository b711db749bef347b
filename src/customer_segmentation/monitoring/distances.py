"""How far two sets of counts are apart, and whether chance alone makes as much.

PSI and the Wasserstein distance are Evidently's (0.7, `legacy/calculations/stattests`), given the
same bins.
"""

from __future__ import annotations

from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.monitoring.bins import Counts

# Customers to be expected in each bin, and in a sample for its mean to be about normal.
_EXPECTED, _FEWEST = 5.0, 30
# Bins that are compared, of about as many customers of the baseline each; categories by themselves.
_COARSE, _CATEGORIES = 10, 20
# What takes the place of an empty bin's share.
_NONE, _RARE = 1e-4, 1e-6
_ROUNDING = 1e-12

Floats = NDArray[np.float64]


def population_stability(one: Counts, other: Counts) -> float | None:
    """PSI of two samples: the sum over bins of (p - q) ln(p / q); None where one is of nobody.

    Args:
        one: (bins,) customers.
        other: (bins,) customers.
    """
    if not one.sum() or not other.sum():
        return None
    p, q = _shares(one), _shares(other)
    return float(((p - q) * np.log(p / q)).sum())


def wasserstein(one: Counts, other: Counts, centers: Floats) -> float:
    """How far the values of one sample must be moved, on the mean, to become those of the other.

    Args:
        one: (bins,) customers.
        other: (bins,) customers.
        centers: (bins,) what value the customers of each bin have; ascending.
    """
    apart = np.cumsum(one / one.sum() - other / other.sum())[:-1]
    return float(np.abs(apart) @ np.diff(centers))


def coarse(baseline: Counts, *, is_ordered: bool) -> NDArray[np.int64]:
    """(bins,) which of about 10 coarser bins each one joins.

    Neighbours join, or the rarest where bins have no order, until each coarse bin has about a tenth
    of the baseline. Where there are few, all stay as they are.
    """
    if len(baseline) <= (_COARSE if is_ordered else _CATEGORIES):
        return np.arange(len(baseline))
    return _joined(baseline, baseline.sum() / _COARSE, is_ordered=is_ordered)


def joined(counts: Counts, places: NDArray[np.int64]) -> Counts:
    """(coarse bins,) the counts of the bins that join."""
    found = np.zeros(int(places.max()) + 1, dtype=np.int64)
    np.add.at(found, places, counts)
    return found


def by_chance(one: Counts, other: Counts, *, is_ordered: bool) -> float | None:
    """The probability that two samples of one population differ as much; None if nobody can tell.

    That is Pearson's test of homogeneity, in bins of which each sample is expected to have 5
    customers at least. Where only one bin has so many, the others together are tested: given how
    many of the rare ones there are, each is as likely in either sample as the samples are large.
    """
    first, second = float(one.sum()), float(other.sum())
    if not first or not second:
        return None
    both = one + other
    fewest = _EXPECTED * (first + second) / min(first, second)
    places = _joined(both, fewest, is_ordered=is_ordered)
    left, right = joined(one, places), joined(other, places)
    from scipy.special import chdtrc  # noqa: PLC0415 - servers count, and never compare

    if len(left) > 1:
        apart = second * left - first * right
        statistic = float((apart * apart / (left + right)).sum() / first / second)
        return float(chdtrc(len(left) - 1, statistic))
    if len(one) < 2:  # noqa: PLR2004 - one bin holds everybody
        return None
    common = int(both.argmax())
    rare, all_rare = int(second - other[common]), int(first + second - both[common])
    return at_least_by_chance(rare, all_rare, second / (first + second))


def at_least_by_chance(found: int, of_them: int, share: float) -> float:
    """The probability of so many of a number of customers, or more, if each is with this chance."""
    from scipy.special import bdtrc  # noqa: PLC0415 - as above

    return float(bdtrc(found - 1, of_them, share)) if found else 1.0


def means_by_chance(one: Floats, other: Floats) -> float | None:
    """The probability that the means of two samples of one population differ as much.

    Both samples' variances are taken for the larger one: of few customers with a long tail, most
    samples lack it, and know too small a variance.

    Args:
        one: (3,) number, sum and sum of squares.
        other: Likewise.
    """
    if min(one[0], other[0]) < _FEWEST:
        return None
    variance = max(deviation(one), deviation(other)) ** 2
    if not variance:
        return None
    from scipy.special import ndtr  # noqa: PLC0415 - as above

    apart = abs(mean(one) - mean(other))
    return float(2.0 * ndtr(-apart / sqrt(variance * (1.0 / one[0] + 1.0 / other[0]))))


def elsewhere(one: Counts, other: Counts) -> float:
    """The share of one sample that is in other bins than the other sample's."""
    return float(np.abs(one / one.sum() - other / other.sum()).sum() / 2.0)


def mean(sums: Floats) -> float:
    """Of (number, sum, sum of squares)."""
    return float(sums[1] / sums[0])


def deviation(sums: Floats) -> float:
    """Of (number, sum, sum of squares); 0 where all are equal, or there is nobody."""
    number, total, squares = map(float, sums)
    variance = squares / number - (total / number) ** 2 if number else 0.0
    # Rounding leaves a little of equal values; what is not finite has none.
    return sqrt(variance) if _ROUNDING * squares / max(number, 1.0) < variance < inf else 0.0


def _shares(counts: Counts) -> Floats:
    shares = counts / counts.sum()
    least = shares[shares > 0.0].min()
    # As Evidently does, so that figures can be compared.
    return np.where(shares > 0.0, shares, least * _RARE if least <= _NONE else _NONE)


def _joined(counts: Counts, fewest: float, *, is_ordered: bool) -> NDArray[np.int64]:
    if (counts >= fewest).all():
        return np.arange(len(counts))
    order = np.arange(len(counts)) if is_ordered else np.argsort(-counts, kind="stable")
    places = np.empty(len(counts), dtype=np.int64)
    place, inside = 0, 0.0
    for each in order:
        if inside >= fewest:
            place, inside = place + 1, 0.0
        places[each] = place
        inside += float(counts[each])
    if place and inside < fewest:
        places[places == place] = place - 1
    return places
