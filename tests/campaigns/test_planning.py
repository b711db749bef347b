"""The planner's list is the best one within the limits, or it says which limit leaves none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from customer_segmentation.campaigns.candidates import Candidates, Plan
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.campaigns.planning import make_plan
from customer_segmentation.errors import UserError
from customer_segmentation.tables.campaign import (
    CHOSEN,
    DOES_NOT_PAY,
    LIMIT,
    NO_CONSENT,
    NO_OFFER,
    WHY,
)
from tests.campaigns.made import campaign, candidates, lists, offer, profit_of

# Few enough values for ties, and profits that differ by more than rounding where they differ.
_P = st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.3, 0.5, 0.75, 1.0])
_SHARES = st.sampled_from([0.0, 0.2, 0.5, 0.75, 1.0])
_COSTS = st.sampled_from([0.0, 0.1, 1.0, 2.5, 3.0])


@st.composite
def _instances(draw: st.DrawFn, most_offers: int = 3) -> tuple[CampaignParameters, Candidates]:
    number, offers = draw(st.integers(1, 6)), draw(st.integers(1, most_offers))
    limit = st.none() | st.integers(0, number)
    shares = {}
    for key in draw(st.sets(st.sampled_from(["affluent", "low_spend"]))):
        low, high = sorted([draw(_SHARES), draw(_SHARES)])
        shares[key] = {"least": low, "most": high}
    parameters = campaign(
        budget=draw(st.none() | st.sampled_from([0.0, 0.3, 1.1, 4.0, 6.0, 9.5])),
        most_contacts=draw(limit),
        shares=shares,
        offers={
            f"offer_{place}": offer(
                draw(_COSTS),
                draw(st.sampled_from([0.0, 5.0, 11.0])),
                answer_factor=draw(st.sampled_from([0.5, 1.0, 2.0])),
                most=draw(limit),
            )
            for place in range(offers)
        },
    )
    of = candidates(
        draw(st.lists(_P, min_size=number, max_size=number)),
        draw(st.lists(st.integers(0, 1), min_size=number, max_size=number)),
        draw(
            st.lists(
                st.lists(st.booleans(), min_size=offers, max_size=offers),
                min_size=number,
                max_size=number,
            )
        ),
        draw(st.lists(st.sampled_from([0, 0, 0, 4]), min_size=number, max_size=number)),
    )
    return parameters, of


@settings(max_examples=250, deadline=None)
@given(_instances())
def test_no_list_within_the_limits_is_expected_to_bring_more(
    instance: tuple[CampaignParameters, Candidates],
) -> None:
    parameters, of = instance
    best = max((profit_of(one, parameters, of) for one in lists(parameters, of)), default=None)
    could = (of.barred == 0) & of.allowed.any(axis=1)
    asks_nobody = any(
        share.least and not could[of.segments == of.segment_keys.index(key)].any()
        for key, share in parameters.shares.items()
    )
    if best is None or asks_nobody:
        with pytest.raises(UserError):
            make_plan(of, parameters)
        return
    plan = make_plan(of, parameters)
    assert plan.expected.sum() == pytest.approx(best, abs=1e-6)
    assert profit_of(plan.offers, parameters, of) == pytest.approx(best, abs=1e-6)
    assert plan.bound == pytest.approx(best, abs=1e-6)
    assert any((one == plan.offers).all() for one in lists(parameters, of))


@settings(max_examples=60, deadline=None)
@given(_instances(), st.randoms(use_true_random=False), st.sampled_from([0.0, 0.3]))
def test_the_plan_does_not_depend_on_the_order_of_customers(
    instance: tuple[CampaignParameters, Candidates], random: Any, share: float
) -> None:
    parameters, of = instance
    parameters = parameters.model_copy(update={"hold_out": share})
    order = np.array(random.sample(range(len(of.ids)), len(of.ids)))
    plan, again = _planned(of, parameters), _planned(_sorted(of, order), parameters)
    if isinstance(plan, str) or isinstance(again, str):
        assert plan == again
        return
    assert (again.offers == plan.offers[order]).all()
    assert (again.held_out == plan.held_out[order]).all()
    assert again.binding == plan.binding


def test_equal_customers_are_chosen_by_their_ids_and_not_by_their_place() -> None:
    of = candidates([0.5] * 100)
    plan = make_plan(of, campaign(most_contacts=30))
    assert plan.contacted.sum() == 30
    assert not plan.contacted[:30].all()
    turned = make_plan(_sorted(of, np.arange(100)[::-1]), campaign(most_contacts=30))
    assert (turned.contacted[::-1] == plan.contacted).all()


def test_many_offers_and_limits_keep_their_limits_and_come_near_the_bound() -> None:
    random = np.random.default_rng(1)
    number = 20_000
    parameters = campaign(
        budget=4_000.0,
        most_contacts=8_000,
        shares={"affluent": {"least": 0.3, "most": 0.5}, "low_spend": {"most": 0.2}},
        offers={
            "a": offer(0.5, 11.0),
            "b": offer(1.2, 14.0, answer_factor=1.3, most=600),
            "c": offer(3.0, 22.0, answer_factor=1.7, most=1_000),
        },
    )
    of = candidates(
        random.beta(1, 6, number).tolist(), random.integers(0, 2, number).tolist(), offers=3
    )
    plan = make_plan(of, parameters)
    profit = plan.expected.sum()
    assert 0.0 <= plan.bound - profit <= 1e-4 * plan.bound
    costs = np.array([0.5, 1.2, 3.0])[plan.offers[plan.contacted]]
    assert costs.sum() <= 4_000.0
    counts = np.bincount(plan.offers[plan.contacted], minlength=3)
    assert counts[1] <= 600
    assert counts[2] <= 1_000
    assert {one.split(":")[0] for one in plan.binding} >= {
        "budget",
        "shares.affluent.least",
        "shares.low_spend.most",
    }


def test_each_customer_has_the_first_reason_that_applies() -> None:
    of = candidates(
        [0.9, 0.8, 0.1, 0.7, 0.9],
        allowed=[[True], [True], [True], [False], [True]],
        barred=[0, 0, 0, 0, WHY.index(NO_CONSENT)],
    )
    plan = make_plan(of, campaign(most_contacts=1))
    assert [WHY[code] for code in plan.why] == [CHOSEN, LIMIT, DOES_NOT_PAY, NO_OFFER, NO_CONSENT]
    assert plan.binding == ("most_contacts: 1",)


def test_a_budget_of_nothing_contacts_nobody_and_says_so() -> None:
    plan = make_plan(candidates([0.9, 0.8]), campaign(budget=0.0, currency="EUR"))
    assert not plan.contacted.any()
    assert plan.binding == ("budget: 0.00 EUR, of which one more would bring about 2.30",)


def test_costs_above_every_value_contact_nobody_and_name_the_best_contact() -> None:
    plan = make_plan(candidates([0.2, 0.1]), campaign(currency="EUR"))
    assert not plan.contacted.any()
    (told,) = plan.binding
    assert told == (
        "costs: no contact pays; the best would be voucher, which costs 3.00 EUR and is "
        "expected to bring 2.20 EUR (an answer of probability 0.200, worth 11.00 EUR)"
    )


def test_an_offer_that_nobody_may_get_is_named() -> None:
    of = candidates([0.9], allowed=[[True, False]])
    plan = make_plan(of, campaign(offers={"a": offer(), "b": offer()}))
    assert plan.contacted.all()
    assert plan.binding == ("offers.b: nobody may get it",)


@pytest.mark.parametrize(
    ("changes", "barred", "message"),
    [
        (
            {"shares": {"low_spent": {"least": 0.1}}},
            [0, 0, 0],
            "shares: there is no segment `low_spent`: did you mean low_spend?",
        ),
        (
            {"shares": {"low_spend": {"least": 0.1}}},
            [0, 0, 4],
            (
                "shares.low_spend.least is 0.1, and of the 1 customers of low_spend nobody may be "
                "contacted (no consent: 1)"
            ),
        ),
        (
            {"shares": {"affluent": {"least": 1.0}}, "most_contacts": 1},
            [0, 0, 0],
            "need 2 contacts (affluent: 2), and most_contacts is 1",
        ),
        (
            {"shares": {"affluent": {"least": 1.0}}, "budget": 5.0, "currency": "EUR"},
            [0, 0, 0],
            "which cost 6.00 EUR at least, and the budget is 5.00 EUR",
        ),
        (
            {"shares": {"affluent": {"least": 1.0}}, "offers": {"a": offer(most=1)}},
            [0, 0, 0],
            "which offers.a.most (1) do not allow together",
        ),
    ],
)
def test_limits_that_cannot_hold_together_are_named(
    changes: dict[str, Any], barred: list[int], message: str
) -> None:
    of = candidates([0.5, 0.5, 0.5], [0, 0, 1], barred=barred)
    with pytest.raises(UserError) as refused:
        make_plan(of, campaign(**changes))
    assert message in str(refused.value)


def _planned(of: Candidates, parameters: CampaignParameters) -> Plan | str:
    """The plan, or why there is none."""
    try:
        return make_plan(of, parameters)
    except UserError as error:
        return str(error)


def _sorted(of: Candidates, order: NDArray[np.int64]) -> Candidates:
    return replace(
        of,
        ids=of.ids[order],
        segments=of.segments[order],
        p_response=of.p_response[order],
        allowed=of.allowed[order],
        barred=of.barred[order],
    )
