"""Choose k: inertia and its elbow, silhouette, two more indices, and stability, for each k."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class ChoiceOfK:
    """How k is chosen.

    Attributes:
        least: The smallest k a campaign can use.
        most: The largest k that is tried; the smallest is 2.
        starts: k-means starts for each k; the best inertia is kept.
        bootstraps: Resamples that stability is measured on.
        min_stability: Mean adjusted Rand index below which a k is not chosen.
        sample: Rows that silhouettes and stability are measured on at most.
    """

    minimum: int
    maximum: int
    starts: int
    bootstraps: int
    min_stability: float
    sample: int


@dataclass(frozen=True)
class MeasuredK:
    """One k: its centroids and how good they are."""

    k: int
    centroids: Array
    inertia: float
    silhouette: float
    calinski_harabasz: float
    davies_bouldin: float
    stability: float


def nearest(points: Array, centroids: Array) -> Labels:
    """The index of each row's nearest centroid; the lowest where two are as near."""
    cross = points @ centroids.T
    distances = (centroids * centroids).sum(axis=1) - 2.0 * cross
    return distances.argmin(axis=1).astype(np.int64)


def fit_centroids(points: Array, weights: Array, k: int, starts: int, seed: int) -> Array:
    """Centroids (k x columns) of weighted k-means with the best inertia of several starts."""
    from sklearn.cluster import KMeans  # noqa: PLC0415 - seconds that other commands need not pay

    model = KMeans(n_clusters=k, n_init=starts, random_state=seed)
    centroids: Array = model.fit(points, sample_weight=weights).cluster_centers_
    return centroids


def measure_all(
    points: Array, standardised: Array, weights: Array, rule: ChoiceOfK, seed: int
) -> list[MeasuredK]:
    """Every k from 2 to `rule.maximum`, measured.

    Args:
        points: (rows x components), where k-means runs.
        standardised: (rows x features), where silhouettes are measured.
        weights: One a row.
        rule: How many starts, resamples and rows.
        seed: Of every random draw.
    """
    measured = []
    with _one_thread(), _checked_once():
        space = _Space(points, standardised, weights, rule, seed)
        for k in range(2, rule.maximum + 1):
            logger.info("choice of k: %d of at most %d", k, rule.maximum)
            centroids = fit_centroids(points, weights, k, rule.starts, seed)
            measured.append(space.measure(centroids))
    return measured


def measure_one(  # noqa: PLR0913, PLR0917 - those of `measure_all`, and the centroids
    points: Array, standardised: Array, weights: Array, centroids: Array, rule: ChoiceOfK, seed: int
) -> MeasuredK:
    """The same measures of centroids that were found elsewhere."""
    with _one_thread(), _checked_once():
        return _Space(points, standardised, weights, rule, seed).measure(centroids)


class _Space:
    """What the measures of all k share."""

    def __init__(
        self, points: Array, standardised: Array, weights: Array, rule: ChoiceOfK, seed: int
    ) -> None:
        from sklearn.metrics import pairwise_distances  # noqa: PLC0415 - as above

        self._points, self._weights, self._rule, self._seed = points, weights, rule, seed
        self._drawn = representative_rows(weights, rule.sample, seed)
        self._space = standardised[self._drawn]
        # Once for the silhouettes of all k: 8 bytes a pair, 200 MB for 5,000 rows.
        self._distances = pairwise_distances(self._space)

    def measure(self, centroids: Array) -> MeasuredK:
        from sklearn.metrics import (  # noqa: PLC0415 - as above
            calinski_harabasz_score,
            davies_bouldin_score,
            silhouette_score,
        )

        labels = nearest(self._points[self._drawn], centroids)
        silhouette = silhouette_score(self._distances, labels, metric="precomputed")
        return MeasuredK(
            k=len(centroids),
            centroids=centroids,
            inertia=inertia(self._points, self._weights, centroids),
            silhouette=float(silhouette),
            calinski_harabasz=float(calinski_harabasz_score(self._space, labels)),
            davies_bouldin=float(davies_bouldin_score(self._space, labels)),
            stability=stability(self._points, self._weights, centroids, self._rule, self._seed),
        )


def inertia(points: Array, weights: Array, centroids: Array) -> float:
    """The weighted sum of squared distances to the nearest centroid."""
    offsets = points - centroids[nearest(points, centroids)]
    return float((weights * (offsets * offsets).sum(axis=1)).sum())


def representative_rows(weights: Array, size: int, seed: int) -> NDArray[np.intp]:
    """Positions of at most `size` rows that stand for the weighted whole."""
    if len(weights) <= size and np.all(weights == weights[0]):
        return np.arange(len(weights))
    random = np.random.default_rng(seed)
    count = min(size, len(weights))
    # Rows of one weight need not be drawn twice, which silhouettes would take for heaps.
    again = bool(np.any(weights != weights[0]))
    return np.sort(random.choice(len(weights), count, again, weights / weights.sum()))


def stability(points: Array, weights: Array, centroids: Array, rule: ChoiceOfK, seed: int) -> float:
    """Mean adjusted Rand index between the segments and those found again on resamples.

    Source: Hennig, Cluster-wise assessment of cluster stability (2007), with the whole partition
    compared by the adjusted Rand index.
    """
    from sklearn.metrics import adjusted_rand_score  # noqa: PLC0415 - as above

    random = np.random.default_rng(seed)
    chances = weights / weights.sum()
    count = min(rule.sample, len(points))
    drawn = representative_rows(weights, rule.sample, seed)
    reference = nearest(points[drawn], centroids)
    scores = []
    for _ in range(rule.bootstraps):
        again = points[random.choice(len(points), count, p=chances)]
        found = fit_centroids(again, np.ones(count), len(centroids), _RESTARTS, seed)
        scores.append(adjusted_rand_score(reference, nearest(points[drawn], found)))
    return float(np.mean(scores))


# Fewer starts than for the segments themselves: a resample is looked at once.
_RESTARTS = 3


def elbow(measured: Sequence[MeasuredK]) -> int:
    """The k whose inertia lies furthest below the line from the first k to the last.

    Source: Satopaa et al., Finding a "kneedle" in a haystack (2011), without its smoothing.
    """
    ks = np.array([m.k for m in measured], dtype=np.float64)
    inertias = np.array([m.inertia for m in measured])
    across = (ks - ks[0]) / max(ks[-1] - ks[0], 1.0)
    drop = inertias[0] - inertias[-1]
    down = (inertias - inertias[-1]) / (drop if drop > 0.0 else 1.0)
    return int(ks[np.argmax(1.0 - across - down)])


def choose(measured: Iterable[MeasuredK], rule: ChoiceOfK) -> MeasuredK:
    """The k of the best silhouette among those from `rule.minimum` that are stable enough.

    Where none is stable enough, the most stable. Of equals, the smallest.
    """
    allowed = [m for m in measured if m.k >= rule.minimum]
    stable = [m for m in allowed if m.stability >= rule.min_stability]
    if not stable:
        return max(allowed, key=lambda m: (m.stability, -m.k))
    return max(stable, key=lambda m: (m.silhouette, -m.k))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Sums in one order, so that two runs agree to the last digit."""
    # Only libraries that are loaded by then are limited.
    import sklearn.cluster  # noqa: F401, PLC0415
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - as above

    with threadpool_limits(limits=1):
        yield


@contextmanager
def _checked_once() -> Iterator[None]:
    """Without scikit-learn's checks of every input, a third of the time of a small fit."""
    from sklearn import config_context  # noqa: PLC0415 - as above

    with config_context(assume_finite=True, skip_parameter_validation=True):
        yield
