"""Whether customers form groups at all, or segments only divide a continuum.

The silhouette at each k, along the directions that separate the segments best (discriminants), is
compared with what the same procedure finds in tables without groups: of the same size, with the
same rank correlations (a Gaussian copula) and, feature by feature, with the nearest distribution of
one mode. The best of all k alone would hide three groups behind two halves, which every table has;
over all features, those that tell nothing apart would hide groups in the others. A plain Gaussian
reference calls every skewed table grouped; a test of modes between centroids sees the heap that
capping makes.

A feature whose logarithm counts is compared as that logarithm. A category is drawn with its own
shares, which have no mode to speak of: in tables without groups its values are as frequent and as
far apart, so that one of them, however frequent, is not a group by itself. For the rank
correlations its values stand in the order of the customers' means along the main direction of the
other features.

Source: the idea of a reference of one mode is Hartigan and Hartigan's, The dip test of unimodality
(1985); of comparing a clustering with structureless tables, Tibshirani et al.'s, Estimating the
number of clusters via the gap statistic (2001); of looking at groups along discriminants, Ding and
Li's, Adaptive dimension reduction using discriminant analysis and k-means clustering (2007).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.segmentation.scaling import Treatment

Array = NDArray[np.float64]

# Above all of 19, with chance 1 in 20.
_REFERENCES = 19
_TINY = 1e-9
_NONE = -1.0
_KS = range(2, 7)
_STARTS = 4
# Rows that are compared, at most.
MAX_ROWS = 1_000
# A feature of more different values is taken for a measure, and else for a count or a flag.
_LEVELS = 40
_BINS = (8, 50)
# Where a feature is not cut off, its tail has bins of equally many customers instead of one.
_TAIL = 0.95
_TAIL_BINS = 5
# A larger share of customers with the least value of a feature is a heap, and no mode.
_MOST = 0.5


@dataclass(frozen=True)
class Structure:
    """What was found, and what structureless tables show.

    Attributes:
        k: Where the silhouette is furthest above that of tables without groups.
        silhouette: There.
        by_chance: There, what would be as far above as the furthest of the tables without groups,
            each at the k where it is furthest itself.
    """

    k: int
    silhouette: float
    by_chance: float

    @property
    def is_grouped(self) -> bool:
        """Whether customers form groups, and more clearly than by chance."""
        return self.silhouette > self.by_chance


def find_structure(values: Array, treated: Sequence[Treatment], seed: int) -> Structure:
    """Compare a table with structureless ones.

    Args:
        values: (rows x features), none missing; at most `MAX_ROWS` are needed. The flags of a
            category stand side by side.
        treated: How each feature counts.
        seed: Of every random draw.
    """
    import sklearn.cluster  # noqa: PLC0415 - seconds that other commands need not pay
    import sklearn.metrics  # noqa: PLC0415 - as above
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - as above
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - as above

    values = _with_logarithms(values, treated)
    unchecked = sklearn.config_context(assume_finite=True, skip_parameter_validation=True)
    with threadpool_limits(limits=1), unchecked, warnings.catch_warnings():
        # Few customers may have fewer different values than k.
        warnings.simplefilter("ignore", ConvergenceWarning)
        own = _silhouettes(_standardised(values, treated), seed)
        others = np.array(
            [
                _silhouettes(_standardised(reference, treated), seed)
                for reference in _references(values, treated, seed)
            ]
        )
    scores = np.vstack([own, others])
    is_known = (scores > _NONE).all(axis=0)
    if not is_known.any():
        return Structure(_KS[0], float(own[0]), 1.0)
    # How far each table is above all, at the k where it is furthest: all are treated alike.
    means, deviations = scores.mean(axis=0), np.maximum(scores.std(axis=0), _TINY)
    above = np.where(is_known, (scores - means) / deviations, -np.inf)
    best = int(above[0].argmax())
    by_chance = means[best] + above[1:].max() * deviations[best]
    return Structure(_KS[best], float(own[best]), float(by_chance))


def _silhouettes(points: Array, seed: int) -> Array:
    """One a k; -1 where there are not as many different points."""
    from sklearn.cluster import KMeans  # noqa: PLC0415 - as above
    from sklearn.metrics import silhouette_score  # noqa: PLC0415 - as above

    found = np.full(len(_KS), _NONE)
    for place, k in enumerate(_KS):
        if k < len(points):
            labels = KMeans(k, n_init=_STARTS, random_state=seed).fit_predict(points)
            if 1 < len(np.unique(labels)) < len(points):
                found[place] = float(silhouette_score(_apart(points, labels), labels))
    return found


def _apart(points: Array, labels: NDArray[np.int64]) -> Array:
    """The points along the directions that separate the segments best."""
    from sklearn.discriminant_analysis import (  # noqa: PLC0415 - as above
        LinearDiscriminantAnalysis,
    )

    seen = LinearDiscriminantAnalysis().fit(points, labels).transform(points)
    # There is no direction where the points of each segment are one.
    return seen if seen.shape[1] and np.isfinite(seen).all() else points


def _with_logarithms(values: Array, treated: Sequence[Treatment]) -> Array:
    is_log = [one.is_log for one in treated]
    if not any(is_log):
        return values
    found = values.copy()
    found[:, is_log] = np.log1p(found[:, is_log])
    return found


def _standardised(values: Array, treated: Sequence[Treatment]) -> Array:
    """As `learn_scaling` has it, of this table."""
    pairs = list(zip(values.T, treated, strict=True))
    capped = np.minimum(values, [_cap(column, one) for column, one in pairs])
    deviations = capped.std(axis=0)
    categories = np.array([one.category for one in treated])
    for category in {*categories} - {""}:
        flags = categories == category
        deviations[flags] = np.sqrt(np.square(deviations[flags]).sum())
    deviations /= np.sqrt([one.weight for one in treated])
    return (capped - capped.mean(axis=0)) / np.where(deviations > 0.0, deviations, 1.0)


def _cap(values: Array, one: Treatment) -> float:
    cap = np.inf if one.category else float(np.quantile(values, one.cap_quantile))
    return cap if cap > values.min() else np.inf


def _references(values: Array, treated: Sequence[Treatment], seed: int) -> Iterator[Array]:
    from scipy.stats import norm, rankdata  # noqa: PLC0415 - as above

    random = np.random.default_rng(seed)
    margins = _margins(values, treated)
    ranks = rankdata(np.column_stack([margin.values for margin in margins]), axis=0)
    # Spearman's correlation of a Gaussian copula as its Pearson correlation.
    with np.errstate(invalid="ignore"):
        ranked = np.nan_to_num(np.corrcoef(ranks, rowvar=False))
    correlations = 2.0 * np.sin(np.pi * ranked / 6.0)
    np.fill_diagonal(correlations, 1.0)
    # Such a matrix may miss being one of correlations by a little. Its Cholesky factor is the one
    # root that is the same on every machine.
    sizes, directions = np.linalg.eigh(correlations)
    nearest = (directions * np.maximum(sizes, 1e-6)) @ directions.T
    spread = np.sqrt(np.diag(nearest))
    root = np.linalg.cholesky(nearest / np.outer(spread, spread))
    for _ in range(_REFERENCES):
        uniform = norm.cdf(random.standard_normal(ranks.shape) @ root.T)
        yield np.column_stack(
            [margin.quantiles(part) for margin, part in zip(margins, uniform.T, strict=True)]
        )


def _margins(values: Array, treated: Sequence[Treatment]) -> list[_Margin | _Category]:
    """One a feature, and one a category, in their order."""
    categories = np.array([one.category for one in treated])
    along = _main_direction(values[:, categories == ""])
    margins: list[_Margin | _Category] = []
    for place, one in enumerate(treated):
        if not one.category:
            margins.append(_Margin(values[:, place], _cap(values[:, place], one)))
        elif one.category not in categories[:place]:
            margins.append(_Category(values[:, categories == one.category], along))
    return margins


def _main_direction(values: Array) -> Array:
    """Where each row is along the direction in which the ranks of its features vary most."""
    from scipy.stats import rankdata  # noqa: PLC0415 - as above

    if not values.shape[1]:
        return np.zeros(len(values))
    ranks = rankdata(values, axis=0)
    ranks = (ranks - ranks.mean(axis=0)) / np.maximum(ranks.std(axis=0), 1.0)
    direction = np.linalg.eigh(ranks.T @ ranks)[1][:, -1]
    return ranks @ (direction * np.sign(direction[np.abs(direction).argmax()]))


class _Category:
    """The shares of a category's values."""

    def __init__(self, flags: Array, along: Array) -> None:
        shares = flags.mean(axis=0)
        order = np.argsort(along @ flags / np.maximum(flags.sum(axis=0), 1.0), kind="stable")
        self._reached = np.cumsum(shares[order])
        self._order = order
        self.values = np.argsort(order)[flags.argmax(axis=1)].astype(np.float64)

    def quantiles(self, shares: Array) -> Array:
        """(rows x flags) of the value at each share of 1 of the distribution."""
        last = len(self._order) - 1
        found = np.minimum(np.searchsorted(self._reached, shares), last)
        return np.eye(last + 1)[self._order[found]]


class _Margin:
    """The distribution of one mode that is nearest to that of a feature.

    Where most customers have the least value, having bought nothing, say, it is of the others.
    """

    def __init__(self, values: Array, cap: float) -> None:
        self.values = values
        least = values == values.min()
        self._heap = float(least.mean())
        self._of_others: _Margin | None = None
        if _MOST < self._heap < 1.0:
            self._of_others, self._least = _Margin(values[~least], cap), float(values.min())
            return
        levels, counts = np.unique(values, return_counts=True)
        self._is_measure = len(levels) > _LEVELS
        self._places, widths = levels, np.ones(len(levels))
        if self._is_measure:
            bins, largest = int(np.clip(np.sqrt(len(values)), *_BINS)), levels[-1]
            # Beyond the cap all values count the same: one bin is enough.
            tail = np.array([largest])
            if cap >= largest:
                tail = np.quantile(values, np.linspace(_TAIL, 1.0, _TAIL_BINS + 1))
                cap = tail[0]
            edges = np.linspace(levels[0], cap, bins + 1)
            self._places = np.unique(np.append(edges, tail))
            counts, widths = np.histogram(values, self._places)[0], np.diff(self._places)
        heights = _of_one_mode(counts / widths, widths)
        shares = heights * widths
        self._reached = np.cumsum(shares / shares.sum())

    def quantiles(self, shares: Array) -> Array:
        """The value that each share of 1 of the distribution does not exceed."""
        if self._of_others:
            others = np.maximum(shares - self._heap, 0.0) / (1.0 - self._heap)
            return np.where(shares < self._heap, self._least, self._of_others.quantiles(others))
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
