"""PSI and Wasserstein distance: Evidently's figures, and the tests that tell chance from drift."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2_contingency, wasserstein_distance

from customer_segmentation.monitoring.bins import number_bins
from customer_segmentation.monitoring.bounds import Bounds
from customer_segmentation.monitoring.distances import (
    by_chance,
    coarse,
    deviation,
    joined,
    means_by_chance,
    population_stability,
    wasserstein,
)
from customer_segmentation.monitoring.findings import Window
from customer_segmentation.monitoring.measures import measure
from customer_segmentation.monitoring.summary import Baseline, nobody

# Evidently 0.7.23's `_psi(reference, current, ColumnType.Numerical, 0.1)` of made-up samples, and
# its normed Wasserstein distance; EVIDENTLY_PYTHON and benchmarks/monitoring.py make them anew.
EVIDENTLY = {
    "normal": (0.3706921359079354, 0.5740439797322563),
    "counts": (0.12572557594745631, 0.3377472766390563),
    "skewed": (0.20797345778478174, 0.8790375645514554),
}


def samples(kind: str):
    draw = np.random.default_rng(7)
    if kind == "normal":
        return draw.normal(size=1_000), draw.normal(0.5, 1.0, 800)
    if kind == "counts":
        return draw.poisson(2.0, 1_000).astype(float), draw.poisson(2.6, 800).astype(float)
    return draw.lognormal(size=1_000), draw.lognormal(0.3, 1.2, 800)


def in_bins_of_evidently(reference, current):
    both = np.concatenate([reference, current])
    edges = np.histogram_bin_edges(both, bins="sturges")
    if len(np.unique(reference)) <= 20:
        edges = np.append(np.unique(both), np.inf)
    return np.histogram(reference, edges)[0], np.histogram(current, edges)[0]


@pytest.mark.parametrize("kind", sorted(EVIDENTLY))
def test_psi_is_evidentlys_in_the_same_bins(kind):
    found = population_stability(*in_bins_of_evidently(*samples(kind)))
    assert found == pytest.approx(EVIDENTLY[kind][0], rel=1e-9)


@pytest.mark.parametrize("kind", sorted(EVIDENTLY))
def test_the_wasserstein_distance_is_evidentlys_of_the_same_values(kind):
    reference, current = samples(kind)
    values = np.unique(np.concatenate([reference, current]))
    counts = (np.bincount(np.searchsorted(values, s), minlength=len(values)) for s in samples(kind))
    found = wasserstein(*counts, values) / reference.std()
    assert found == pytest.approx(EVIDENTLY[kind][1], rel=1e-9)
    assert found == pytest.approx(wasserstein_distance(reference, current) / reference.std())


@pytest.mark.parametrize("kind", sorted(EVIDENTLY))
def test_in_our_own_bins_the_distance_is_near_that_of_the_values(kind):
    reference, current = (values[:, None] for values in samples(kind))
    empty = Baseline("v1", "2014-06-30", (), {"x": number_bins(reference[:, 0])}, nobody("v1", 0))
    baseline = replace(empty, summary=empty.summarise(("x",), reference, {}))
    window = Window("batch", "2014-07-01", "2014-07-02", len(current), "v1")
    now = baseline.summarise(("x",), current, {})
    findings = measure(window, baseline, now, None, Bounds())
    value = next(one.value for one in findings if one.measure == "wasserstein")
    assert value == pytest.approx(EVIDENTLY[kind][1], rel=0.05)


def test_the_test_of_bins_is_pearsons():
    one, other = np.array([40, 50, 60]), np.array([300, 200, 100])
    expected = chi2_contingency(np.stack([one, other])).pvalue
    assert by_chance(one, other, is_ordered=True) == pytest.approx(expected, rel=1e-9)


def test_rare_bins_join_before_they_are_tested():
    one, other = np.array([900, 90, 6, 3, 1]), np.array([180, 19, 1, 0, 0])
    expected = chi2_contingency(np.array([[900, 100], [180, 20]]), correction=False).pvalue
    assert by_chance(one, other, is_ordered=True) == pytest.approx(expected, rel=1e-9)


def test_a_rare_bin_that_fills_is_no_chance_even_among_few():
    learned = np.array([9_990, 10])
    assert by_chance(learned, np.array([100, 0]), is_ordered=True) == 1.0
    assert by_chance(learned, np.array([99, 1]), is_ordered=True) > 0.05
    assert by_chance(learned, np.array([80, 20]), is_ordered=True) < 1e-10


def test_nobody_can_tell_of_nobody():
    nobody, some = np.zeros(3, dtype=int), np.array([1, 2, 3])
    assert population_stability(nobody, some) is None
    assert by_chance(some, nobody, is_ordered=True) is None
    assert by_chance(np.array([5]), np.array([7]), is_ordered=True) is None


def test_coarse_bins_hold_about_a_tenth_each_and_all_of_them_everybody():
    counts = np.array([500, *[10] * 50])
    places = coarse(counts, is_ordered=True)
    found = joined(counts, places)
    assert found.tolist() == [500, 100, 100, 100, 100, 100]
    assert (np.diff(places) >= 0).all()


def test_means_of_one_population_are_as_far_apart_as_they_should_be():
    draw = np.random.default_rng(3)
    chances = []
    for _ in range(2_000):
        pair = (draw.lognormal(0.0, 1.0, size) for size in (2_000, 300))
        chances.append(means_by_chance(*([len(v), v.sum(), (v * v).sum()] for v in pair)))
    assert np.mean(np.array(chances) < 0.05) <= 0.06
    assert np.mean(np.array(chances) < 0.0001) <= 0.0005


def test_equal_values_have_no_deviation_whatever_rounding_leaves():
    values = np.full(1_000, 0.1)
    assert deviation(np.array([1_000, values.sum(), (values * values).sum()])) == 0.0
    assert deviation(np.array([2.0, 0.0, np.inf])) == 0.0
