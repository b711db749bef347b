"""Who is held out is drawn once, by chance, and is like who is contacted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from customer_segmentation.campaigns.hold_out import draw_chances, held_out
from customer_segmentation.campaigns.planning import make_plan
from tests.campaigns.made import campaign, candidates, offer


def _ids(number: int) -> np.ndarray:
    return np.array([f"c{place}" for place in range(number)], dtype=object)


def test_a_customer_s_draw_does_not_depend_on_who_else_is_there() -> None:
    together = draw_chances("spring", _ids(50))
    alone = draw_chances("spring", _ids(50)[20:21])
    assert alone.hold_out[0] == together.hold_out[20]
    assert alone.ties[0] == together.ties[20]


def test_another_campaign_draws_anew() -> None:
    spring, summer = (draw_chances(name, _ids(20_000)).hold_out for name in ("spring", "summer"))
    assert abs(np.corrcoef(spring, summer)[0, 1]) < 0.03


def test_the_share_is_the_one_asked_for() -> None:
    share = held_out(draw_chances("spring", _ids(100_000)), 0.1).mean()
    assert abs(share - 0.1) < 0.004


def test_who_is_held_out_stays_so_when_a_campaign_is_planned_again() -> None:
    of = candidates(np.linspace(0.1, 0.9, 500).tolist())
    first = make_plan(of, campaign(hold_out=0.2))
    second = make_plan(of, campaign(hold_out=0.2, budget=300.0))
    both = (first.offers >= 0) & (second.offers >= 0)
    assert (first.held_out == second.held_out)[both].all()
    assert first.held_out[both].any()
    assert second.contacted.sum() <= 100


def test_customers_held_out_keep_the_offer_that_they_would_have_got() -> None:
    of = candidates([0.9] * 200, offers=2)
    plan = make_plan(of, campaign(hold_out=0.3, offers={"a": offer(), "b": offer(cost=2.0)}))
    assert plan.held_out.any()
    assert (plan.offers == 1).all()
    assert (plan.contacted == ~plan.held_out).all()


def test_contacts_keep_the_limits_and_use_nearly_all_of_them() -> None:
    of = candidates(np.random.default_rng(2).beta(1, 3, 3_000).tolist(), offers=2)
    offers = {"a": offer(1.0), "b": offer(2.5, 20.0, answer_factor=1.3, most=100)}
    for share in (0.1, 0.3, 0.5):
        parameters = campaign(hold_out=share, budget=900.0, offers=offers)
        plan = make_plan(of, parameters)
        counts = np.bincount(plan.offers[plan.contacted], minlength=2)
        assert 0.93 * 900.0 <= counts @ [1.0, 2.5] <= 900.0
        assert 90 <= counts[1] <= 100


def test_the_choice_does_not_look_at_who_is_held_out() -> None:
    """Over many campaigns, who is held out answers as often as who is contacted.

    A choice that saw the draws would take whoever costs nothing for being held out.
    """
    random = np.random.default_rng(3)
    differences = []
    for number in range(300):
        of = candidates(random.beta(1, 3, 400).tolist())
        of = replace(of, ids=np.array([f"{number}-{one}" for one in of.ids], dtype=object))
        plan = make_plan(of, campaign(hold_out=0.3, budget=300.0))
        answers = random.random(400) < of.p_response
        differences.append(answers[plan.contacted].mean() - answers[plan.held_out].mean())
    error = np.std(differences) / np.sqrt(len(differences))
    assert abs(np.mean(differences)) < 3.0 * error
    assert error < 0.01
