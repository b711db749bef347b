"""Intervals of a difference: a published example, and how often they hold the truth."""

from __future__ import annotations

import numpy as np
import pytest

from customer_segmentation.campaigns.intervals import Arm, difference


def flags(answered: int, customers: int) -> Arm:
    numbers = (customers, answered, answered, answered)
    return Arm(*(np.array([float(each)]) for each in numbers))


def test_one_stratum_of_answers_has_newcombes_interval() -> None:
    # Newcombe 1998, Statistics in Medicine 17:873, table II, method 10.
    for (first, second), (low, high) in {
        ((56, 70), (48, 80)): (0.0524, 0.3339),
        ((9, 10), (3, 10)): (0.1705, 0.8090),
        ((5, 56), (0, 29)): (-0.0381, 0.1926),
        ((10, 10), (0, 20)): (0.6791, 1.0),
    }.items():
        found = difference(flags(*first), flags(*second), np.ones(1), 0.95)
        assert (found.low, found.high) == (
            pytest.approx(low, abs=5e-5),
            pytest.approx(high, abs=5e-5),
        )


def test_strata_are_weighted_and_each_is_compared_within_itself() -> None:
    strata = np.array([0, 0, 1, 1, 1])
    treated = Arm.of(strata, np.array([4.0, 2.0, 1.0, 1.0, 1.0]), 2)
    control = Arm.of(strata, np.array([1.0, 1.0, 3.0, 0.0, 0.0]), 2)
    found = difference(treated, control, np.array([2.0, 3.0]), 0.95)
    assert found.value == pytest.approx(2 * (3.0 - 1.0) + 3 * (1.0 - 1.0))
    assert found.low < found.value < found.high


def drawn(
    random: np.random.Generator, rate: np.ndarray, size: float, count: int
) -> tuple[np.ndarray, np.ndarray]:
    strata = random.integers(0, len(rate), count)
    bought = (random.random(count) < rate[strata]).astype(float)
    amounts = np.exp(size * random.standard_normal(count)) if size else 1.0
    return strata, bought * amounts


@pytest.mark.parametrize(
    ("size", "strata"), [(0.0, 1), (0.0, 4), (1.0, 1)], ids=["answers", "strata", "amounts"]
)
def test_intervals_hold_the_truth_in_94_to_96_percent_with_30_answers_among_the_held_out(
    size: float, strata: int
) -> None:
    random = np.random.default_rng(1)
    held = np.linspace(0.05, 0.15, strata) if strata > 1 else np.array([0.1])
    contacted, mean = 1.3 * held, np.exp(size**2 / 2)
    covered = 0
    for _ in range(3_000):
        treated = Arm.of(*drawn(random, contacted, size, 2_700), strata)
        control = Arm.of(*drawn(random, held, size, 300), strata)
        found = difference(treated, control, treated.customers, 0.95)
        truth = float((treated.customers * (contacted - held)).sum()) * mean
        covered += found.low <= truth <= found.high
    assert 0.94 <= covered / 3_000 <= 0.96


def test_returns_that_make_an_outcome_negative_have_a_plain_interval() -> None:
    random = np.random.default_rng(1)
    strata = np.zeros(500, np.int64)
    arms = [Arm.of(strata, random.normal(shift, 2.0, 500), 1) for shift in (0.5, 0.0)]
    found = difference(*arms, np.ones(1), 0.95, is_never_negative=False)
    half = 1.96 * np.sqrt(2 * 4.0 / 500)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.1)
