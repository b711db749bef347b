"""Expected profits are those of the probabilities, and intervals hold what they say."""

from __future__ import annotations

import numpy as np
import pytest

from customer_segmentation.campaigns.planning import make_plan
from customer_segmentation.campaigns.value import Calibration, expect, value_of
from tests.campaigns.made import campaign, candidates, offer

_COVARIANCE = np.array([[0.01, 0.004], [0.004, 0.005]])


def test_the_parts_of_a_plan_are_those_of_its_customers() -> None:
    of = candidates([0.9, 0.5, 0.1, 0.6], [0, 0, 1, 1])
    value = value_of(of, make_plan(of, campaign()), campaign(), None)
    assert value.plan.contacts == 3
    assert value.plan.cost == 9.0
    assert value.plan.answers == pytest.approx(2.0)
    assert value.plan.profit() == pytest.approx(22.0 - 9.0)
    assert value.plan.profit(-0.2) == pytest.approx(22.0 - 7.2)
    assert value.plan.by_chance == pytest.approx(121.0 * (0.09 + 0.25 + 0.24))
    assert value.by_segment["affluent"].profit() == pytest.approx(1.4 * 11.0 - 6.0)
    assert value.by_segment["low_spend"].contacts == 1
    assert value.by_offer["voucher"] == value.plan


def test_alternatives_are_nobody_everybody_a_random_list_and_segments_that_pay() -> None:
    of = candidates([0.9, 0.1, 0.2, 0.3], [0, 0, 1, 1])
    value = value_of(of, make_plan(of, campaign()), campaign(), None)
    profits = {name: one.profit() for name, one in value.alternatives.items()}
    assert profits == pytest.approx(
        {
            "nobody": 0.0,
            "everybody": 1.5 * 11.0 - 12.0,
            "random": (1.5 * 11.0 - 12.0) * 2 / 4,
            "segments": 11.0 - 6.0,
        }
    )
    # The best one, 9.9 - 3, and the next, 3.3 - 3, pay.
    assert value.plan.contacts == 2
    assert value.plan.profit() == pytest.approx(7.2)


def test_who_is_held_out_is_in_no_list_and_in_the_curve() -> None:
    of = candidates([0.9] * 1_000)
    parameters = campaign(hold_out=0.3)
    plan = make_plan(of, parameters)
    value = value_of(of, plan, parameters, None)
    assert value.plan.contacts == 1_000 - plan.held_out.sum() < 1_000
    for name in ("everybody", "random", "segments"):
        assert value.alternatives[name].profit() == pytest.approx(value.plan.profit())
    assert value.curve[-1] == pytest.approx([1.0, 1_000 * (9.9 - 3.0)])
    assert len(value.curve) == 101


def test_the_curve_rises_to_the_best_share_and_falls_after_it() -> None:
    of = candidates(np.linspace(0.0, 1.0, 11).tolist())
    curve = value_of(of, make_plan(of, campaign()), campaign(), None).curve
    assert curve[0] == pytest.approx([0.0, 0.0])
    best = curve[:, 1].argmax()
    assert curve[best, 0] == pytest.approx(8 / 11)
    assert (np.diff(curve[: best + 1, 1]) > 0).all()
    assert (np.diff(curve[best:, 1]) < 0).all()


@pytest.mark.parametrize("covariance", [np.zeros((2, 2)), _COVARIANCE])
def test_intervals_hold_the_share_of_outcomes_that_they_say(covariance: np.ndarray) -> None:
    random = np.random.default_rng(5)
    parameters = campaign(offers={"a": offer(1.0, 11.0), "b": offer(2.0, 20.0, answer_factor=1.5)})
    p = random.beta(1, 5, 600)
    offers = random.integers(-1, 2, 600)
    expected = expect(p, offers, parameters, Calibration(covariance))
    low, high = expected.interval(0.95)
    logits = np.log(p / (1.0 - p))
    held, number = 0, 4_000
    for intercept, slope in random.multivariate_normal([0.0, 1.0], covariance, number):
        true = 1.0 / (1.0 + np.exp(-(intercept + slope * logits)))
        chance = np.where(offers == 1, np.minimum(1.0, true * 1.5), true)
        answered = random.random(600) < chance
        values = np.array([11.0, 20.0, 0.0])[offers]
        profit = (answered * values).sum() - expected.cost
        held += low <= profit <= high
    assert 0.94 <= held / number <= 0.96


def test_a_random_list_varies_as_lists_that_are_drawn_do() -> None:
    random = np.random.default_rng(6)
    p = random.beta(1, 5, 500)
    of = candidates(p.tolist())
    parameters = campaign(most_contacts=50)
    drawn = value_of(of, make_plan(of, parameters), parameters, None).alternatives["random"]
    profits = []
    for _ in range(4_000):
        some = random.choice(p, 50, replace=False)
        profits.append((random.random(50) < some).sum() * 11.0 - 150.0)
    assert drawn.profit() == pytest.approx(np.mean(profits), abs=3.0)
    assert drawn.by_chance**0.5 == pytest.approx(np.std(profits), rel=0.05)
