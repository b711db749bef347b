"""Probabilities are held against answers: a model that is right stays, one that is not is told."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import expit

from customer_segmentation.feedback.calibrating import (
    Calibrated,
    calibrated,
    calibrations,
    lines,
    log_odds,
)
from customer_segmentation.feedback.parameters import FeedbackParameters
from customer_segmentation.scoring.stated import StatedCalibration

PARAMETERS = FeedbackParameters(answer_days=0, least_answers=20, departure=0.01, tolerated=0.1)
OWN = np.array([[0.01, 0.004], [0.004, 0.006]])


def drawn(
    count: int, intercept: float = 0.0, slope: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, and answers whose log odds are so much more."""
    draw = np.random.default_rng(seed)
    p = expit(draw.normal(-0.8, 0.8, count))
    answers = (draw.random(count) < expit(intercept + slope * log_odds(p))).astype(np.int64)
    return p, answers, np.arange(count)


def of(count: int, intercept: float = 0.0, slope: float = 1.0, seed: int = 0) -> Calibrated:
    return calibrated(*drawn(count, intercept, slope, seed), OWN, PARAMETERS)


def test_a_model_that_is_right_is_told_to_be_wrong_at_most_once_in_a_hundred_times() -> None:
    assert sum(of(2_000, seed=seed).departs for seed in range(300)) <= 3


@pytest.mark.parametrize(("intercept", "slope"), [(-0.7, 1.0), (0.0, 0.3), (0.5, 0.6)])
def test_a_model_that_is_wrong_is_found_and_made_right(intercept: float, slope: float) -> None:
    found = of(5_000, intercept, slope)
    assert found.departs
    assert found.used is not None
    assert found.used.intercept == pytest.approx(intercept, abs=0.15)
    assert found.used.slope == pytest.approx(slope, abs=0.15)
    told = [*lines({"a" * 12: found}, 20)]
    assert "Plans use the updated calibration" in told[0]


def test_without_a_departure_few_answers_move_little_and_many_move_all() -> None:
    few, many = of(150, 0.1), of(100_000, 0.1)
    assert not few.departs
    assert not many.departs
    assert few.used is not None
    assert few.found is not None
    assert abs(few.used.intercept) < abs(few.found.intercept)
    assert many.used is not None
    assert many.used.intercept == pytest.approx(0.1, abs=0.03)


def test_too_few_answers_say_nothing() -> None:
    p, answers, groups = drawn(60)
    answers[:] = 0
    answers[:19] = 1
    found = calibrated(p, answers, groups, OWN, PARAMETERS)
    assert (found.found, found.used, found.departs) == (None, None, False)
    assert "too few" in next(lines({"a" * 12: found}, 20))


def test_where_the_order_is_turned_round_only_the_level_is_kept() -> None:
    found = of(3_000, -1.0, -0.8)
    assert found.departs
    assert found.used is not None
    assert found.used.slope == 1.0
    p, answers, _ = drawn(3_000, -1.0, -0.8)
    planned = expit(found.used.intercept + log_odds(p))
    assert planned.sum() == pytest.approx(answers.sum(), abs=0.01)


def test_it_is_stated_as_an_artifact_states_its_own() -> None:
    p, answers, _ = drawn(500)
    contacts = pa.table(
        {
            "customer_id": [str(n // 2) for n in range(500)],
            "day": ["2026-03-01"] * 500,
            "p_response": p,
            "answered": answers.astype(float),
            "response_version": ["a" * 12] * 400 + ["b" * 12] * 100,
        }
    )
    found = calibrations(contacts, {"a" * 12: OWN}, PARAMETERS)
    assert [*found] == ["a" * 12, "b" * 12]
    for one in found.values():
        told = json.loads(json.dumps(one.stated()))
        StatedCalibration.model_validate({k: told[k] for k in ("intercept", "slope", "covariance")})
        StatedCalibration.model_validate(told["used"])


def by_week(*parts: tuple[np.ndarray, np.ndarray, np.ndarray]) -> Calibrated:
    """Contacts of one model, of a week each."""
    p, answers = (np.concatenate([part[place] for part in parts]) for place in (0, 1))
    weeks = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])
    contacts = pa.table(
        {
            "customer_id": [str(n) for n in range(len(p))],
            "day": [f"2026-03-{1 + week:02}" for week in weeks.tolist()],
            "p_response": p,
            "answered": answers.astype(float),
            "response_version": ["a" * 12] * len(p),
        }
    )
    return calibrations(contacts, {"a" * 12: OWN}, PARAMETERS)["a" * 12]


def test_a_model_that_was_right_for_months_is_found_wrong_since_last_week() -> None:
    right = [drawn(400, seed=seed) for seed in range(20)]
    found = by_week(*right, drawn(400, -1.0, seed=99))
    assert found.departs
    assert (found.since, found.turned) == ("2026-03-21", "2026-03-21")
    assert found.contacts == 400
    assert found.used is not None
    assert found.used.intercept == pytest.approx(-1.0, abs=0.4)
    told = [*lines({"a" * 12: found}, 20)]
    assert "of 400 contacts since 2026-03-21 answered" in told[0]
    # What the twenty weeks say together: hardly wrong.
    p, answers = (np.concatenate([week[n] for week in [*right, drawn(400, -1.0)]]) for n in (0, 1))
    together = calibrated(p, answers, np.arange(len(p)), OWN, PARAMETERS)
    assert together.moved is not None
    assert together.moved < PARAMETERS.tolerated


def test_a_market_turned_before_a_model_that_was_never_right() -> None:
    weeks = [*(drawn(400, seed=seed) for seed in range(4)), drawn(400, -1.0), drawn(400, -1.0)]
    p, answers = (np.concatenate([week[place] for week in weeks]) for place in (0, 1))
    contacts = pa.table(
        {
            "customer_id": [str(n) for n in range(len(p))],
            "day": [f"2026-03-{1 + n // 400:02}" for n in range(len(p))],
            "p_response": p,
            "answered": answers.astype(float),
            # The second was learned just before the market turned.
            "response_version": ["a" * 12] * 1_600 + ["b" * 12] * 800,
        }
    )
    found = calibrations(contacts, {}, PARAMETERS)
    assert not found["a" * 12].departs
    assert found["b" * 12].departs
    assert found["b" * 12].turned == "2026-03-05"


def test_weeks_of_a_model_that_is_right_make_no_more_false_alarms() -> None:
    found = [by_week(*(drawn(100, seed=100 * n + w) for w in range(10))) for n in range(100)]
    assert sum(one.departs for one in found) <= 1
    assert {one.since for one in found if not one.departs} == {""}


def test_answers_far_from_what_was_predicted_are_fitted_all_the_same() -> None:
    # Three in four were expected: whole steps of Newton's method go to and fro.
    p = expit(np.linspace(-2.0, 4.0, 200))
    answers = (np.arange(200) % 5 == 0).astype(np.int64)
    found = calibrated(p, answers, np.arange(200), OWN, PARAMETERS).found
    assert found is not None
    fitted = expit(found.intercept + found.slope * log_odds(p))
    assert fitted.sum() == pytest.approx(answers.sum(), abs=1e-6)
    assert (fitted - answers) @ log_odds(p) == pytest.approx(0.0, abs=1e-6)


def test_a_model_that_gives_everybody_the_same_chance_is_held_against_their_share() -> None:
    p, groups = np.full(2_000, 0.1), np.arange(2_000)
    thrice, right = ((np.arange(2_000) % n == 0).astype(np.int64) for n in (3, 10))
    wrong = calibrated(p, thrice, groups, OWN, PARAMETERS)
    assert wrong.departs
    assert wrong.used is not None
    assert expit(wrong.used.intercept + wrong.used.slope * log_odds(p)) == pytest.approx(
        thrice.mean()
    )
    as_it_is = calibrated(p, right, groups, OWN, PARAMETERS)
    assert as_it_is.p_value == pytest.approx(1.0)
    assert as_it_is.used is not None
    assert as_it_is.used.intercept == pytest.approx(0.0, abs=1e-9)
    # Half as sure, it moves half as far.
    few = calibrated(
        p[:300], (np.arange(300) % 9 == 0).astype(np.int64), groups[:300], OWN, PARAMETERS
    )
    assert not few.departs
    assert few.used is not None
    assert few.found is not None
    assert 0.0 < few.used.intercept < few.found.intercept


def test_few_answers_never_turn_the_order_of_customers_round() -> None:
    draw = np.random.default_rng(3)
    p = 0.1 + 0.004 * draw.standard_normal(200_000)
    answers = (draw.random(200_000) < 0.2 - p).astype(np.int64)
    for own in (np.zeros((2, 2)), 1e4 * np.eye(2)):
        found = calibrated(p, answers, np.arange(200_000), own, PARAMETERS)
        assert found.found is not None
        assert found.found.slope < 0.0
        assert not found.departs
        assert found.used is not None
        assert found.used.slope > 0.0


def test_what_is_told_of_chance_is_what_was_judged() -> None:
    # Of one day, chance would show so much less often than the bound; of one of twelve, not.
    found = by_week(*(drawn(60, -0.3, seed=24 + week) for week in range(12)))
    assert found.p_value is not None
    assert found.moved is not None
    assert found.moved > PARAMETERS.tolerated
    assert PARAMETERS.departure / 12 < found.p_value / 12 < PARAMETERS.departure
    assert not found.departs
