"""The bins that a number is counted in, chosen once from what the champion learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
# Fine bins of a number; measures join them to coarser ones.
FINE = 50
# Customers of the sample in a bin, but for the last one; fewer would tell of single ones.
_FEWEST = 5
# Values looked at one after another are compared with each edge; fewer are searched for.
_MANY = 2_048


@dataclass(frozen=True)
class Bins:
    """The bins of one numeric column of the matrix.

    Attributes:
        edges: Ascending; bin i holds edges[i - 1] <= value < edges[i], the first all below, the
            last all from the last edge on. A category's codes have an edge before each but the
            first.
        labels: Of a category's codes; empty for numbers and parts of dates.
        centers: Of each bin, the mean of its values, rounded; empty for a category.
        middle: About the mean of all; sums are of what values are above it.
        is_calendar: Whether it is a part of a date, which time alone moves.
    """

    edges: tuple[float, ...]
    labels: tuple[str, ...] = ()
    centers: tuple[float, ...] = ()
    middle: float = 0.0
    is_calendar: bool = False

    @property
    def count(self) -> int:
        """How many bins there are."""
        return len(self.edges) + 1

    def counted(self, values: NDArray[np.float64]) -> Counts:
        """(bins + 1,) how many values each bin holds; the last are those that are not finite."""
        known = values[np.isfinite(values)]
        if len(known) < _MANY:
            found = np.searchsorted(self.edges, known, side="right")
            inside = np.bincount(found, minlength=self.count)
        else:
            # Processors compare many values at once: a third of the time of a search.
            beyond = [np.count_nonzero(known >= edge) for edge in self.edges]
            inside = -np.diff([len(known), *beyond, 0])
        return np.append(inside, len(values) - len(known)).astype(np.int64)

    def summed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(3,) number of the finite values, sum and sum of squares of what they are above."""
        above = values[np.isfinite(values)] - self.middle
        with np.errstate(over="ignore"):
            # No product of vectors: BLAS would wake threads for it, which wait for each other.
            return np.array([len(above), above.sum(), np.square(above).sum()], dtype=np.float64)

    def stated(self) -> dict[str, Any]:
        """As JSON."""
        told = {"edges": list(self.edges), "centers": list(self.centers), "middle": self.middle}
        told |= {"labels": list(self.labels)} if self.labels else {}
        return told | ({"is_calendar": True} if self.is_calendar else {})

    @classmethod
    def of(cls, stated: Mapping[str, Any]) -> Self:
        """From JSON.

        Raises:
            ValueError: Edges do not ascend.
        """
        edges = tuple(float(edge) for edge in stated["edges"])
        if any(not low < high for low, high in pairwise(edges)):
            raise ValueError("edges of bins must ascend")
        centers = tuple(float(center) for center in stated["centers"])
        if centers and len(centers) != len(edges) + 1:
            raise ValueError("each bin has a center")
        labels = tuple(str(label) for label in stated.get("labels", ()))
        is_calendar = bool(stated.get("is_calendar", False))
        return cls(edges, labels, centers, float(stated["middle"]), is_calendar)


def category_bins(labels: Sequence[str]) -> Bins:
    """One bin for each code of a category."""
    return Bins(tuple(float(code) for code in range(1, len(labels))), tuple(labels))


def number_bins(sample: NDArray[np.float64]) -> Bins:
    """Bins of about as many customers each; a value that many have gets one of its own.

    Edges that fewer than 5 customers have are rounded to a hundredth of the deviation: a value can
    be somebody's.

    Args:
        sample: (customers,) missing as NaN.
    """
    known = np.sort(sample[np.isfinite(sample)])
    if not len(known):
        return Bins((), (), (0.0,), 0.0)
    decimals = _decimals(float(known.std()))
    middle = _dyadic(float(known.mean()), float(known.std()))
    if known[0] == known[-1]:
        value = float(known[0])
        return Bins((value, float(np.nextafter(value, np.inf))), (), (value,) * 3, value)
    edges = _edges(known, decimals)
    parts = np.split(known, np.searchsorted(known, edges))
    # A rounded edge can leave a bin empty, which then lies where its neighbour ends.
    means, last = [], float(known[0])
    for part in parts:
        last = float(part.mean()) if len(part) else last
        means.append(round(last, decimals + 1))
    return Bins(tuple(edges), (), tuple(means), middle)


def _edges(known: NDArray[np.float64], decimals: int) -> list[float]:
    values, counts = np.unique(known, return_counts=True)
    share = max(_FEWEST, -(-len(known) // FINE))
    edges: list[float] = []
    inside = 0
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        # What many have begins a bin, and ends it.
        if inside >= share or (inside >= _FEWEST and count >= share):
            edge = value if count >= _FEWEST else round(value, decimals)
            if not edges or edge > edges[-1]:
                edges.append(edge)
                inside = 0
        inside += count
    return edges


def _dyadic(mean: float, deviation: float) -> float:
    """The mean to 1/64 of a deviation, such that whole numbers are exactly as far from it.

    Then their sums are exact, in whichever order an engine adds.
    """
    step = 2.0 ** (np.floor(np.log2(deviation)) - 6.0) if deviation > 0.0 else 1.0
    return float(np.round(mean / step) * step)


def _decimals(deviation: float) -> int:
    """Digits after the point, or before it if below 0, that leave a hundredth of a deviation."""
    return 2 - int(np.floor(np.log10(deviation))) if deviation > 0.0 else 0
