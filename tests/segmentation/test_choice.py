"""The choice of k: what is measured, and which k the rule picks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import silhouette_score

from customer_segmentation.segmentation.choice import (
    ChoiceOfK,
    MeasuredK,
    choose,
    elbow,
    fit_centroids,
    inertia,
    measure_all,
    nearest,
    representative_rows,
)

Blobs = Callable[..., NDArray[np.float64]]
RULE = ChoiceOfK(minimum=3, maximum=6, starts=3, bootstraps=5, min_stability=0.8, sample_rows=1000)


def measured_k(k: int, **measures: float) -> MeasuredK:
    plain = {"inertia": 1.0, "silhouette": 0.3, "stability": 0.9}
    return MeasuredK(
        k, np.zeros((k, 1)), calinski_harabasz=1.0, davies_bouldin=1.0, **(plain | measures)
    )


def measure(points: NDArray[np.float64], weights: NDArray[np.float64] | None = None) -> list:
    used = np.ones(len(points)) if weights is None else weights
    return measure_all(points, points, used, RULE, seed=1)


def test_the_nearest_of_equals_is_the_lowest_index() -> None:
    centroids = np.array([[0.0], [2.0], [0.0]])
    assert nearest(np.array([[1.0], [0.1], [1.9]]), centroids).tolist() == [0, 0, 1]


def test_inertia_weighs_the_squared_distances() -> None:
    points, centroids = np.array([[0.0], [3.0], [10.0]]), np.array([[1.0], [10.0]])
    assert inertia(points, np.array([1.0, 2.0, 5.0]), centroids) == 1.0 + 2.0 * 4.0


def test_a_weight_pulls_a_centroid_like_repeated_rows(blobs: Blobs) -> None:
    times = np.random.default_rng(0).integers(1, 5, 240)
    weighted = fit_centroids(blobs(), times.astype(np.float64), 4, 5, 1)
    repeated = fit_centroids(np.repeat(blobs(), times, axis=0), np.ones(times.sum()), 4, 5, 1)
    for centroid in repeated:
        assert np.linalg.norm(weighted - centroid, axis=1).min() < 1e-9


def test_separated_blobs_are_found_stable_and_chosen(blobs: Blobs) -> None:
    measured = measure(blobs())
    chosen = choose(measured, RULE)
    assert [m.k for m in measured] == [2, 3, 4, 5, 6]
    assert chosen.k == elbow(measured) == 4
    assert chosen.stability == pytest.approx(1.0)
    labels = nearest(blobs(), chosen.centroids)
    assert chosen.silhouette == pytest.approx(silhouette_score(blobs(), labels))


def test_noise_is_less_stable_than_blobs(blobs: Blobs) -> None:
    noise = np.random.default_rng(0).normal(size=(240, 3))
    assert max(m.stability for m in measure(noise)) < 0.8 < measure(blobs())[2].stability


def test_inertia_falls_with_k(blobs: Blobs) -> None:
    inertias = [m.inertia for m in measure(blobs(spread=3.0))]
    assert inertias == sorted(inertias, reverse=True)


def test_two_measurements_agree_to_the_last_digit(blobs: Blobs) -> None:
    weights = np.random.default_rng(0).uniform(1.0, 9.0, 240)
    for here, there in zip(measure(blobs(), weights), measure(blobs(), weights), strict=True):
        assert here.centroids.tobytes() == there.centroids.tobytes()
        assert replace(here, centroids=there.centroids) == there


def test_representative_rows_are_all_rows_when_few_and_of_one_weight() -> None:
    assert representative_rows(np.full(5, 3.0), 10, 1).tolist() == [0, 1, 2, 3, 4]
    assert len(representative_rows(np.ones(50), 10, 1)) == 10


def test_representative_rows_come_as_often_as_they_weigh() -> None:
    weights = np.array([1.0, 3.0] * 500)
    drawn = representative_rows(weights, 1000, 1)
    assert (drawn % 2).mean() == pytest.approx(0.75, abs=0.05)


def test_the_elbow_is_where_a_known_curve_bends() -> None:
    curve = {2: 100.0, 3: 60.0, 4: 25.0, 5: 21.0, 6: 18.0, 7: 16.0}
    assert elbow([measured_k(k, inertia=value) for k, value in curve.items()]) == 4


def test_a_single_k_and_a_flat_curve_have_an_elbow() -> None:
    assert elbow([measured_k(2)]) == 2
    assert elbow([measured_k(k) for k in (2, 3, 4)]) == 2


pick = partial(choose, rule=RULE)


def test_a_k_below_the_least_is_not_chosen() -> None:
    assert pick([measured_k(2, silhouette=0.9), measured_k(3), measured_k(4)]).k == 3


def test_an_unstable_k_is_not_chosen() -> None:
    assert pick([measured_k(3, silhouette=0.5, stability=0.79), measured_k(4)]).k == 4


def test_where_no_k_is_stable_the_most_stable_is_chosen() -> None:
    unstable = {3: 0.5, 4: 0.7, 5: 0.7, 6: 0.6}
    assert pick([measured_k(k, stability=value) for k, value in unstable.items()]).k == 4


def test_of_equal_silhouettes_the_smallest_k_is_chosen() -> None:
    assert pick([measured_k(k) for k in (6, 5, 4, 3)]).k == 3
