"""Choose k: inertia and its elbow, silhouette, two more indices, and stability, for each k."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from customer_segmentation.schema.parameters import Parameters

logger = logging.getLogger(__name__)

Array = NDArray[np.float64]
Labels = NDArray[np.int64]


# Fewer starts than for the segments themselves: a resample is looked at once.
_RESTARTS = 3


class ChoiceOfK(Parameters):
    """How k is chosen: the block `clustering.k` of the configuration.

    Attributes:
        minimum: The smallest k a campaign can use.
        maximum: The largest k that is tried; the smallest is 2.
        starts: k-means starts for each k; the best inertia is kept.
        bootstraps: Resamples that stability is measured on.
        min_stability: Mean adjusted Rand index below which a k is not chosen.
        sample_rows: Rows that silhouettes and stability are measured on at most.
    """

    minimum: int = Field(ge=2)
    maximum: int = Field(ge=2)
    starts: int = Field(ge=1)
    bootstraps: int = Field(ge=1)
    min_stability: float = Field(ge=0.0, le=1.0)
    sample_rows: int = Field(ge=100)

    @model_validator(mode="after")
    def _minimum_is_not_above_maximum(self) -> Self:
        if self.minimum > self.maximum:
            message = f"minimum ({self.minimum}) is above maximum ({self.maximum})"
            raise ValueError(message)
        return self


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
    distances = (centroids * centroids).sum(axis=1) - 2.0 * (points @ centroids.T)
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
    """Fit and measure every k from 2 to `rule.maximum`; arguments as for `measure`."""
    candidates = _fit_each_k(points, weights, rule, seed)
    return measure(candidates, points, standardised, weights, rule, seed)


def measure(  # noqa: PLR0913, PLR0917 - all that the measures depend on
    candidates: Iterable[Array],
    points: Array,
    standardised: Array,
    weights: Array,
    rule: ChoiceOfK,
    seed: int,
) -> list[MeasuredK]:
    """How good the centroids of each candidate are.

    Args:
        candidates: Of each, (k x components).
        points: (rows x components), where k-means runs.
        standardised: (rows x features), where silhouettes are measured.
        weights: One a row.
        rule: How many starts, resamples and rows.
        seed: Of every random draw.
    """
    # Only libraries that are loaded by then are limited to one thread.
    import sklearn.cluster  # noqa: PLC0415 - as above
    from sklearn import metrics  # noqa: PLC0415 - as above
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - as above

    drawn = representative_rows(weights, rule.sample_rows, seed)
    space, measured = standardised[drawn], []
    # One thread sums in one order, so that two runs agree to the last digit. scikit-learn's checks
    # of every input take a third of the time of a small fit.
    unchecked = sklearn.config_context(assume_finite=True, skip_parameter_validation=True)
    with threadpool_limits(limits=1), unchecked:
        # Once for the silhouettes of all k: 8 bytes a pair, 200 MB for 5,000 rows.
        distances = metrics.pairwise_distances(space)
        for centroids in candidates:
            labels = nearest(points[drawn], centroids)
            silhouette = metrics.silhouette_score(distances, labels, metric="precomputed")
            measured.append(
                MeasuredK(
                    k=len(centroids),
                    centroids=centroids,
                    inertia=inertia(points, weights, centroids),
                    silhouette=float(silhouette),
                    calinski_harabasz=float(metrics.calinski_harabasz_score(space, labels)),
                    davies_bouldin=float(metrics.davies_bouldin_score(space, labels)),
                    stability=stability(points, weights, centroids, rule, seed),
                )
            )
    return measured


def _fit_each_k(points: Array, weights: Array, rule: ChoiceOfK, seed: int) -> Iterator[Array]:
    for k in range(2, rule.maximum + 1):
        logger.info("choice of k: %d of at most %d", k, rule.maximum)
        yield fit_centroids(points, weights, k, rule.starts, seed)


def inertia(points: Array, weights: Array, centroids: Array) -> float:
    """The weighted sum of squared distances to the nearest centroid."""
    offsets = points - centroids[nearest(points, centroids)]
    return float((weights * (offsets * offsets).sum(axis=1)).sum())


def representative_rows(weights: Array, size: int, seed: int) -> NDArray[np.intp]:
    """Positions of at most `size` rows that stand for the weighted whole."""
    if len(weights) <= size and np.all(weights == weights[0]):
        return np.arange(len(weights))
    # Rows of one weight need not be drawn twice, which silhouettes would take for heaps.
    replace = bool(np.any(weights != weights[0]))
    random, count = np.random.default_rng(seed), min(size, len(weights))
    return np.sort(random.choice(len(weights), count, replace, weights / weights.sum()))


def stability(points: Array, weights: Array, centroids: Array, rule: ChoiceOfK, seed: int) -> float:
    """Mean adjusted Rand index between the segments and those found again on resamples.

    Source: Hennig, Cluster-wise assessment of cluster stability (2007), with the whole partition
    compared by the adjusted Rand index.
    """
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - as above
    from sklearn.metrics import adjusted_rand_score  # noqa: PLC0415 - as above

    random = np.random.default_rng(seed)
    chances = weights / weights.sum()
    count = min(rule.sample_rows, len(points))
    drawn = representative_rows(weights, rule.sample_rows, seed)
    reference = nearest(points[drawn], centroids)
    scores = []
    with warnings.catch_warnings():
        # A resample of few may have fewer different customers than there are segments.
        warnings.simplefilter("ignore", ConvergenceWarning)
        for _ in range(rule.bootstraps):
            resample = points[random.choice(len(points), count, p=chances)]
            refitted = fit_centroids(resample, np.ones(count), len(centroids), _RESTARTS, seed)
            scores.append(adjusted_rand_score(reference, nearest(points[drawn], refitted)))
    return float(np.mean(scores))


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
