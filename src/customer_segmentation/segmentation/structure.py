"""Whether customers form groups at all, or segments only divide a continuum.

The best silhouette over k is compared with what the same procedure finds in tables without groups:
of the same size, with the same rank correlations (a Gaussian copula) and, feature by feature, with
the nearest distribution of one mode. A plain Gaussian reference calls every skewed table grouped;
a test of modes between centroids sees the heap that capping makes.

Source: the idea of a reference of one mode is Hartigan and Hartigan's, The dip test of unimodality
(1985); of comparing a clustering with structureless tables, Tibshirani et al.'s, Estimating the
number of clusters via the gap statistic (2001).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Above all of 19, with chance 1 in 20.
_REFERENCES = 19
_KS = range(2, 7)
_STARTS = 4
# Rows that are compared, at most.
MAX_ROWS = 1_000
# A feature of more different values is taken for a measure, and else for a count or a flag.
_LEVELS = 40
_BINS = (8, 50)


@dataclass(frozen=True)
class Structure:
    """What was found, and what structureless tables show.

    Attributes:
        silhouette: The best over k.
        by_chance: The largest of the same in tables without groups.
    """

    silhouette: float
    by_chance: float

    @property
    def is_grouped(self) -> bool:
        """Whether customers form groups, and more clearly than by chance."""
        return self.silhouette > self.by_chance


def find_structure(values: Array, cap_quantile: float, seed: int) -> Structure:
    """Compare a table with structureless ones.

    Args:
        values: (rows x features), none missing; at most `MAX_ROWS` are needed.
        cap_quantile: Where each feature is cut off.
        seed: Of every random draw.
    """
    import sklearn.cluster  # noqa: PLC0415 - seconds that other commands need not pay
    import sklearn.metrics  # noqa: PLC0415 - as above
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - as above

    unchecked = sklearn.config_context(assume_finite=True, skip_parameter_validation=True)
    with threadpool_limits(limits=1), unchecked:
        own = _best_silhouette(_standardised(values, cap_quantile), seed)
        others = [
            _best_silhouette(_standardised(reference, cap_quantile), seed)
            for reference in _references(values, cap_quantile, seed)
        ]
    return Structure(own, max(others))


def _best_silhouette(points: Array, seed: int) -> float:
    from sklearn.cluster import KMeans  # noqa: PLC0415 - as above
    from sklearn.metrics import pairwise_distances, silhouette_score  # noqa: PLC0415 - as above

    distances, best = pairwise_distances(points), -1.0
    for k in _KS:
        labels = KMeans(k, n_init=_STARTS, random_state=seed).fit_predict(points)
        if 1 < len(np.unique(labels)) < len(points):
            best = max(best, float(silhouette_score(distances, labels, metric="precomputed")))
    return best


def _standardised(values: Array, cap_quantile: float) -> Array:
    capped = np.minimum(values, np.quantile(values, cap_quantile, axis=0))
    deviations = capped.std(axis=0)
    return (capped - capped.mean(axis=0)) / np.where(deviations > 0.0, deviations, 1.0)


def _references(values: Array, cap_quantile: float, seed: int) -> Iterator[Array]:
    from scipy.stats import norm, rankdata  # noqa: PLC0415 - as above

    random = np.random.default_rng(seed)
    # Spearman's correlation of a Gaussian copula as its Pearson correlation.
    with np.errstate(invalid="ignore"):
        ranked = np.nan_to_num(np.corrcoef(rankdata(values, axis=0), rowvar=False))
    correlations = 2.0 * np.sin(np.pi * ranked / 6.0)
    np.fill_diagonal(correlations, 1.0)
    # Such a matrix may miss being one of correlations by a little. Its Cholesky factor is the one
    # root that is the same on every machine.
    sizes, directions = np.linalg.eigh(correlations)
    nearest = (directions * np.maximum(sizes, 1e-6)) @ directions.T
    spread = np.sqrt(np.diag(nearest))
    root = np.linalg.cholesky(nearest / np.outer(spread, spread))
    margins = [_Margin(column, cap_quantile) for column in values.T]
    for _ in range(_REFERENCES):
        uniform = norm.cdf(random.standard_normal(values.shape) @ root.T)
        yield np.column_stack(
            [margin.quantiles(part) for margin, part in zip(margins, uniform.T, strict=True)]
        )


class _Margin:
    """The distribution of one mode that is nearest to that of a feature."""

    def __init__(self, values: Array, cap_quantile: float) -> None:
        levels, counts = np.unique(values, return_counts=True)
        self._is_measure = len(levels) > _LEVELS
        self._places, widths = levels, np.ones(len(levels))
        if self._is_measure:
            # Beyond the cap all values count the same: one bin is enough.
            bins = int(np.clip(np.sqrt(len(values)), *_BINS))
            cap, largest = np.quantile(values, cap_quantile), levels[-1]
            edges = np.linspace(levels[0], cap, bins + 1)
            self._places = np.append(edges, largest) if largest > cap else edges
            counts, widths = np.histogram(values, self._places)[0], np.diff(self._places)
        heights = _of_one_mode(counts / widths, widths)
        shares = heights * widths
        self._reached = np.cumsum(shares / shares.sum())

    def quantiles(self, shares: Array) -> Array:
        """The value that each share of 1 of the distribution does not exceed."""
        last = len(self._reached) - 1
        found = np.minimum(np.searchsorted(self._reached, shares), last)
        if not self._is_measure:
            return self._places[found]
        before = np.concatenate([[0.0], self._reached[:-1]])[found]
        width = self._reached[found] - before
        within = np.where(width > 0.0, (shares - before) / np.where(width > 0.0, width, 1.0), 0.5)
        low, high = self._places[found], self._places[found + 1]
        return low + np.clip(within, 0.0, 1.0) * (high - low)


def _of_one_mode(heights: Array, widths: Array) -> Array:
    """The heights that rise to one place and fall from there, nearest by weighted least squares."""
    from sklearn.isotonic import isotonic_regression  # noqa: PLC0415 - as above

    best, error = heights, np.inf
    for mode in range(len(heights)):
        until, after = slice(mode + 1), slice(mode, None)
        rising = isotonic_regression(heights[until], sample_weight=widths[until])
        falling = isotonic_regression(heights[after], sample_weight=widths[after], increasing=False)
        fitted = np.concatenate([rising[:-1], [max(rising[-1], falling[0])], falling[1:]])
        if (distance := float((widths * (fitted - heights) ** 2).sum())) < error:
            best, error = fitted, distance
    return best
