"""Who does not pay is contacted by chance, within the limits; the chance is written down."""

from __future__ import annotations

import numpy as np
import pytest

from customer_segmentation.campaigns.candidates import (
    DOES_NOT_PAY,
    EXPLORATION,
    HELD_OUT,
    WHY,
)
from customer_segmentation.campaigns.planning import make_plan
from customer_segmentation.campaigns.value import value_of
from customer_segmentation.errors import UserError
from tests.campaigns.made import campaign, candidates, offer

# A tenth of 2,000 customers pays.
MIXED = [0.9] * 200 + [0.05] * 1800


def test_without_exploration_nobody_is_contacted_who_does_not_pay() -> None:
    plan = make_plan(candidates(MIXED), campaign())
    assert plan.contacted.sum() == 200
    assert not plan.explored.any()
    assert plan.chance.tolist() == [1.0] * 200 + [0.0] * 1800


def test_a_share_of_those_who_do_not_pay_is_contacted_and_their_chance_is_written_down() -> None:
    plan = make_plan(candidates(MIXED), campaign(exploration=0.1))
    assert plan.contacted[:200].all()
    assert 140 < plan.explored.sum() < 220
    assert not plan.explored[:200].any()
    assert (plan.contacted[200:] == plan.explored[200:]).all()
    assert plan.chance.tolist() == [1.0] * 200 + [0.1] * 1800
    assert {WHY[code] for code in plan.why[plan.explored]} == {EXPLORATION}
    assert {WHY[code] for code in plan.why[~plan.contacted]} == {DOES_NOT_PAY}


def test_a_customer_is_drawn_whoever_else_is_there() -> None:
    together = make_plan(candidates(MIXED), campaign(exploration=0.1))
    ids = [f"c{place}" for place in range(200, 2000)]
    apart = make_plan(candidates([0.05] * 1800, ids=ids), campaign(exploration=0.1))
    assert (apart.explored == together.explored[200:]).all()


def test_the_hold_out_is_drawn_alike_of_the_chosen_and_the_explored() -> None:
    plan = make_plan(candidates([0.05] * 20_000), campaign(exploration=0.3, hold_out=0.2))
    held = plan.held_out[plan.explored]
    assert abs(held.mean() - 0.2) < 0.02
    assert {WHY[code] for code in plan.why[plan.held_out]} == {HELD_OUT}


@pytest.mark.parametrize(
    "limit",
    [
        {"budget": 600.0},
        {"most_contacts": 200},
        {"offers": {"voucher": offer(most=200)}},
        {"shares": {"affluent": {"least": 0.05, "most": 0.1}}},
    ],
    ids=["budget", "contacts", "an offer", "a segment"],
)
def test_limits_hold_with_exploration(limit: dict[str, object]) -> None:
    parameters = campaign(exploration=0.05, **limit)
    plan = make_plan(candidates(MIXED), parameters)
    assert plan.explored.any()
    assert plan.contacted.sum() <= 200
    # What is left goes to those who pay.
    assert plan.contacted.sum() == 200


def test_a_least_share_counts_those_who_are_explored() -> None:
    of = candidates([0.05] * 2000)
    plan = make_plan(of, campaign(exploration=0.1, shares={"affluent": {"least": 0.2}}))
    assert plan.contacted.sum() == 400


def test_exploration_that_alone_breaks_a_limit_is_refused_with_the_share_that_fits() -> None:
    with pytest.raises(UserError, match=r"lower `campaign_planning\.exploration` from 0\.5 to"):
        make_plan(candidates(MIXED), campaign(exploration=0.5, budget=600.0))


def test_nobody_is_explored_who_may_not_be_contacted() -> None:
    of = candidates([0.05] * 1000, barred=[4] * 500 + [0] * 500, allowed=[[True], [False]] * 500)
    plan = make_plan(of, campaign(exploration=1.0))
    assert plan.explored.sum() == 250
    assert (plan.chance[~plan.explored] == 0.0).all()


def test_each_gets_the_offer_that_loses_least() -> None:
    offers = {"dear": offer(cost=5.0), "cheap": offer(cost=1.0)}
    plan = make_plan(candidates([0.05] * 100, offers=2), campaign(exploration=1.0, offers=offers))
    assert (plan.offers == 1).all()


def test_what_exploration_costs_is_told_apart() -> None:
    of, parameters = candidates(MIXED), campaign(exploration=0.1)
    plan = make_plan(of, parameters)
    value = value_of(of, plan, parameters, None)
    without = value_of(of, make_plan(of, campaign()), campaign(), None)
    explored = int(plan.explored.sum())
    assert value.explored.contacts == explored
    assert value.explored.profit() == pytest.approx(explored * (0.05 * 11 - 3))
    assert value.plan.profit() - value.explored.profit() == pytest.approx(without.plan.profit())
    assert np.isclose(plan.bound, without.plan.profit())
