"""Centroids fitted on every customer: Lloyd's passes by engine aggregates, and MLlib's k-means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans

from customer_segmentation.errors import UserError
from customer_segmentation.segmentation.choice import inertia
from customer_segmentation.segmentation.mllib import fit_by_mllib
from customer_segmentation.segmentation.projection import Projection
from customer_segmentation.segmentation.refinement import refine
from customer_segmentation.segmentation.scaling import Scaling

FEATURES = ("first", "second")
# A space that is the features themselves.
SCALING = Scaling(FEATURES, np.full(2, 1e6), np.zeros(2), np.ones(2))
PROJECTION = Projection(np.eye(2), np.full(2, 0.5))


def customers() -> np.ndarray[Any, Any]:
    random = np.random.default_rng(5)
    groups = np.array([[0.0, 0.0], [6.0, 0.0], [0.0, 6.0]])
    return groups[random.integers(0, 3, 600)] + random.normal(size=(600, 2))


def table(engine: Callable[..., Any], points: np.ndarray[Any, Any]) -> nw.LazyFrame[Any]:
    return nw.from_native(engine(dict(zip(FEATURES, points.T, strict=True)))).lazy()


def test_a_pass_moves_each_centroid_to_the_mean_of_those_nearest_to_it(
    frame_of: Callable[..., Any],
) -> None:
    rows = table(frame_of, np.array([[0.0, 0.0], [2.0, 0.0], [10.0, 4.0]]))
    start = np.array([[0.0, 1.0], [9.0, 0.0], [50.0, 50.0]])
    moved = refine(rows, SCALING, PROJECTION, start, passes=1)
    # Nobody is nearest to the third: it stays.
    np.testing.assert_allclose(moved, [[1.0, 0.0], [10.0, 4.0], [50.0, 50.0]], rtol=1e-12)


def test_passes_end_where_scikit_learns_do(frame_of: Callable[..., Any]) -> None:
    points = customers()
    start = points[:3]
    expected = KMeans(3, init=start, n_init=1, tol=0.0).fit(points).cluster_centers_
    found = refine(table(frame_of, points), SCALING, PROJECTION, start, passes=50)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_mllib_is_refused_without_spark() -> None:
    with pytest.raises(UserError, match=r"needs tables of Spark.*scikit_learn"):
        fit_by_mllib(table(pd.DataFrame, customers()), SCALING, PROJECTION, 3, 1)


@pytest.mark.spark
def test_mllib_and_passes_on_spark_find_what_scikit_learn_finds(spark: Any) -> None:
    points = customers()
    best = KMeans(3, n_init=10, random_state=1).fit(points)
    rows = table(lambda columns: spark.createDataFrame(pd.DataFrame(columns)), points)
    weights = np.ones(len(points))
    found = fit_by_mllib(rows, SCALING, PROJECTION, 3, 1)
    assert inertia(points, weights, found) < 1.001 * best.inertia_
    refined = refine(rows, SCALING, PROJECTION, best.cluster_centers_ + 0.3, passes=3)
    assert inertia(points, weights, refined) < 1.001 * best.inertia_
