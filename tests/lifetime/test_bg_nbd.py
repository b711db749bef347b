"""BG/NBD: as published, as simulated, and where numbers are extreme."""

from __future__ import annotations

from dataclasses import astuple, replace

import numpy as np
import pytest
from scipy.special import hyp2f1

from customer_segmentation.lifetime.bg_nbd import (
    Histories,
    Rates,
    _Likelihood,
    expected_purchases,
    fit_purchases,
    log_likelihood,
    probability_alive,
    purchases_until,
)
from tests.lifetime.simulation import simulate
from tests.services.cdnow import cdnow  # noqa: F401 - a fixture

# Fader, Hardie and Lee (2005), table 2, in weeks.
PUBLISHED = Rates(r=0.243, alpha=4.414, a=0.793, b=2.426)
PLANTED = Rates(r=0.6, alpha=30.0, a=0.8, b=2.5)


def histories(*rows: tuple[float, float, float]) -> Histories:
    """Of one customer each: repeats, recency, age."""
    return Histories(*(np.array(column) for column in zip(*rows, strict=True)), np.ones(len(rows)))


def of(table: dict[str, np.ndarray]) -> Histories:
    return Histories(table["x"], table["t_x"], table["T"], np.ones(len(table["x"])))


def test_the_published_parameters_come_out_of_the_published_customers(
    cdnow: dict[str, np.ndarray],  # noqa: F811 - the fixture
) -> None:
    assert len(cdnow["x"]) == 2357
    found = fit_purchases(of(cdnow))
    assert found.is_clear
    assert np.round(astuple(found.rates), 3) == pytest.approx(astuple(PUBLISHED), abs=5e-4)
    assert found.log_likelihood == pytest.approx(-9582.4, abs=0.05)
    assert log_likelihood(PUBLISHED, of(cdnow)) == pytest.approx(-9582.4, abs=0.05)


def test_the_published_forecast_of_one_customer_comes_out() -> None:
    # Fader and Hardie's spreadsheet: 1.226 purchases in the next 39 weeks.
    (found,) = expected_purchases(PUBLISHED, histories((2.0, 30.43, 38.86)), 39.0)
    assert found == pytest.approx(1.226, abs=5e-4)


def test_days_and_weeks_give_the_same_model(cdnow: dict[str, np.ndarray]) -> None:  # noqa: F811
    weeks = of(cdnow)
    days = replace(weeks, recency=7.0 * weeks.recency, age=7.0 * weeks.age)
    found, other = fit_purchases(weeks).rates, fit_purchases(days).rates
    assert astuple(replace(other, alpha=other.alpha / 7.0)) == pytest.approx(astuple(found))


def test_planted_parameters_are_found_within_their_errors() -> None:
    made, _ = simulate(PLANTED, 100_000, 500.0, 0.0, seed=4)
    found = fit_purchases(made)
    errors = np.array(found.standard_errors)
    off = (np.array(astuple(found.rates)) - astuple(PLANTED)) / errors
    assert np.abs(off).max() < 2.0
    # And these errors are small enough to mean something.
    assert (errors / astuple(PLANTED)).max() < 0.05


def test_coming_purchases_are_those_that_simulated_customers_make() -> None:
    made, later = simulate(PLANTED, 200_000, 500.0, 180.0, seed=5)
    expected = expected_purchases(PLANTED, made, 180.0)
    for is_one in (made.repeats == 0, made.repeats == 1, made.repeats == 4, made.repeats > 12):
        error = later[is_one].std() / np.sqrt(is_one.sum())
        assert is_one.sum() > 1000
        assert abs(expected[is_one].mean() - later[is_one].mean()) < 3.0 * error


def test_the_gradient_is_the_slope_of_the_likelihood() -> None:
    likelihood = _Likelihood(simulate(PLANTED, 500, 400.0, 0.0, seed=6)[0], 300.0)
    place = np.array([0.7, 0.2, 0.9, 2.0])
    _, slope = likelihood(place)
    for number, step in enumerate(np.eye(4) * 1e-6):
        numeric = (likelihood(place + step)[0] - likelihood(place - step)[0]) / 2e-6
        assert slope[number] == pytest.approx(numeric, rel=1e-5, abs=1e-4)


def test_equal_histories_count_as_often_as_they_are_there() -> None:
    rows = [(0.0, 0.0, 90.0), (1.0, 20.0, 60.0), (3.0, 50.0, 55.0)]
    once = histories(*rows, *rows, rows[1])
    counted = replace(histories(*rows), customers=np.array([2.0, 3.0, 2.0]))
    assert log_likelihood(PLANTED, counted) == pytest.approx(log_likelihood(PLANTED, once))


def test_the_form_that_cannot_overflow_is_the_published_one() -> None:
    made, period = histories((0.0, 0.0, 40.0), (2.0, 30.0, 38.0), (9.0, 20.0, 60.0)), 39.0
    r, alpha, a, b = astuple(PUBLISHED)
    x, end = made.repeats, alpha + made.age
    series = hyp2f1(r + x, b + x, a + b + x - 1.0, period / (end + period))
    inner = 1.0 - (end / (end + period)) ** (r + x) * series
    published = (a + b + x - 1.0) / (a - 1.0) * inner * probability_alive(PUBLISHED, made)
    assert expected_purchases(PUBLISHED, made, period) == pytest.approx(published, rel=1e-10)


def test_who_bought_once_still_buys_and_is_expected_to_buy_less_the_longer_it_is_ago() -> None:
    made = histories((0.0, 0.0, 0.0), (0.0, 0.0, 100.0), (0.0, 0.0, 1000.0))
    assert probability_alive(PLANTED, made).tolist() == [1.0, 1.0, 1.0]
    expected = expected_purchases(PLANTED, made, 365.0)
    assert expected[0] > expected[1] > expected[2] > 0.0


def test_extreme_histories_give_finite_numbers() -> None:
    made = histories(
        *((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (20_000.0, 3_650.0, 3_650.0), (20_000.0, 1.0, 3_650.0)),
        (3_000.0, 3_000.0, 36_500.0),
    )
    alive = probability_alive(PLANTED, made)
    assert ((alive >= 0.0) & (alive <= 1.0)).all()
    # Who bought every hour and has not for years is gone.
    assert alive[2] > 0.99
    assert alive[3] == pytest.approx(0.0, abs=1e-100)
    for found in purchases_until(PLANTED, made, [1e-3, 1.0, 365.0, 36_500.0]):
        assert np.isfinite(found).all()
        assert (found >= 0.0).all()
    assert np.isfinite(log_likelihood(PLANTED, made))


@pytest.mark.parametrize("a", [1e-4, 0.5, 1.0, 1.0 + 1e-9, 2.0])
def test_a_longer_period_brings_more_whatever_the_parameters(a: float) -> None:
    rates = replace(PLANTED, a=a)
    made = histories((0.0, 0.0, 40.0), (2.0, 30.0, 38.0), (40.0, 60.0, 60.0))
    short, middle, long = purchases_until(rates, made, [30.0, 90.0, 365.0])
    assert ((short < middle) & (middle < long)).all()
    near = expected_purchases(replace(rates, a=a + 1e-4), made, 90.0)
    assert middle == pytest.approx(near, rel=1e-3)


def test_where_nobody_leaves_the_fit_says_that_its_parameters_mean_nothing() -> None:
    draw = np.random.default_rng(7)
    repeats = draw.poisson(draw.gamma(2.0, 2.0, 4_000)).astype(float)
    age = np.full(4_000, 100.0)
    # The last of so many purchases at any times.
    recency = age * draw.random(4_000) ** (1.0 / np.maximum(repeats, 1.0)) * (repeats > 0)
    made = Histories(repeats, recency, age, np.ones(4_000))
    found = fit_purchases(made)
    assert not found.is_clear
    expected = expected_purchases(found.rates, made, 100.0)
    assert expected.sum() == pytest.approx(repeats.sum(), rel=0.05)
