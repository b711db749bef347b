"""Gamma-Gamma: as published, as simulated, and for customers without a repeat purchase."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest

from customer_segmentation.lifetime.gamma_gamma import (
    Values,
    _Likelihood,
    expected_value,
    fit_values,
    log_likelihood,
)
from tests.services.cdnow import cdnow  # noqa: F401 - a fixture

# Fader and Hardie (2013), section 4.
PUBLISHED = Values(p=6.25, q=3.74, gamma=15.44)


def simulate(values: Values, customers: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    purchases = draw.geometric(0.3, customers).astype(float)
    scale = draw.gamma(values.q, 1.0 / values.gamma, customers)
    return purchases, draw.gamma(values.p * purchases) / scale / purchases


def test_the_published_parameters_come_out_of_the_published_customers(
    cdnow: dict[str, np.ndarray],  # noqa: F811 - the fixture
) -> None:
    again = cdnow["x"] > 0
    assert again.sum() == 946
    purchases, means = cdnow["x"][again], cdnow["zbar"][again]
    found = fit_values(purchases, means)
    assert found.is_clear
    assert astuple(found.values) == pytest.approx(astuple(PUBLISHED), rel=2e-3)
    # The printed ones are rounded; no others are likelier.
    assert found.log_likelihood == pytest.approx(log_likelihood(PUBLISHED, purchases, means), 1e-6)
    assert found.log_likelihood >= log_likelihood(PUBLISHED, purchases, means)


def test_planted_parameters_are_found_within_their_errors() -> None:
    planted = Values(p=4.0, q=3.0, gamma=20.0)
    found = fit_values(*simulate(planted, 100_000, seed=2))
    errors = np.array(found.standard_errors)
    off = (np.array(astuple(found.values)) - astuple(planted)) / errors
    assert np.abs(off).max() < 2.0
    assert (errors / astuple(planted)).max() < 0.05


def test_the_gradient_is_the_slope_of_the_likelihood() -> None:
    purchases, means = simulate(PUBLISHED, 300, seed=3)
    likelihood = _Likelihood(purchases, means / means.mean())
    place = np.array([3.0, 2.0, 0.8])
    _, slope = likelihood(place)
    for number, step in enumerate(np.eye(3) * 1e-6):
        numeric = (likelihood(place + step)[0] - likelihood(place - step)[0]) / 2e-6
        assert slope[number] == pytest.approx(numeric, rel=1e-5)


def test_pounds_and_pence_give_the_same_model_in_any_order_of_the_customers() -> None:
    purchases, means = simulate(PUBLISHED, 2_000, seed=4)
    found = fit_values(purchases, means)
    turned = fit_values(purchases[::-1], means[::-1])
    assert turned == found
    pence = fit_values(purchases, 100.0 * means).values
    assert astuple(pence) == pytest.approx(
        (found.values.p, found.values.q, 100 * found.values.gamma)
    )


def test_who_never_bought_again_gets_the_mean_of_all_and_who_did_moves_from_it() -> None:
    mean = 6.25 * 15.44 / 2.74
    purchases, spend = np.array([0.0, 1.0, 50.0, 50.0]), np.array([0.0, mean, 5_000.0, -3.0])
    found = expected_value(PUBLISHED, purchases, spend)
    assert PUBLISHED.mean == pytest.approx(mean)
    assert found[:2] == pytest.approx([mean, mean])
    # Of fifty purchases of 100 each nearly 100; who sent all back is worth little, but not nothing.
    assert 98.0 < found[2] < 100.0
    assert 0.0 < found[3] < 1.0


def test_customers_who_all_spend_the_same_are_no_reason_to_fail() -> None:
    found = fit_values(np.full(60, 2.0), np.full(60, 10.0))
    assert not found.is_clear
    assert found.values.mean == pytest.approx(10.0, rel=0.01)
