"""What a campaign brought: in all, by part, and how often nothing seems to be something."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from customer_segmentation.campaigns.measure import (
    Assigned,
    Outcome,
    Result,
    hold_out_is_off,
    measure,
)


def campaign(
    random: np.random.Generator,
    customers: int,
    *,
    segments: int = 1,
    offers: int = 1,
    hold_out: float = 0.2,
) -> Assigned:
    def named(kind: str, count: int) -> Any:
        names = np.array([f"{kind}_{number}" for number in range(count)], dtype=object)
        return names[random.integers(0, count, customers)]

    held_out = random.random(customers) < hold_out
    segment, offer = named("segment", segments), named("offer", offers)
    return Assigned(segment, offer, held_out, np.where(held_out, 0.0, 2.0))


def answers(random: np.random.Generator, rates: Any) -> Outcome:
    values = (random.random(len(rates)) < rates).astype(float)
    return Outcome("answered", values, values * 10.0)


def whole(results: list[Result]) -> Result:
    (found,) = [one for one in results if one.level == "all"]
    return found


def test_an_a_a_test_raises_a_false_alarm_in_4_to_6_percent() -> None:
    random = np.random.default_rng(3)
    alarms = 0
    for _ in range(1_000):
        assigned = campaign(random, 900, segments=3, hold_out=0.3)
        found = whole(measure(assigned, [answers(random, np.full(900, 0.2))]))
        alarms += found.verdict in {"brought", "cost"}
    assert 40 <= alarms <= 60


def test_of_many_segments_without_an_effect_one_has_one_in_at_most_5_percent() -> None:
    random = np.random.default_rng(4)
    alarms = 0
    for _ in range(60):
        assigned = campaign(random, 6_000, segments=20, hold_out=0.4)
        results = measure(assigned, [answers(random, np.full(6_000, 0.2))])
        alarms += any(
            one.verdict in {"brought", "cost"} for one in results if one.level == "segment"
        )
    assert alarms <= 6


def test_increment_and_profit_are_those_of_the_groups_within_each_part() -> None:
    random = np.random.default_rng(5)
    assigned = campaign(random, 40_000, segments=2, offers=2)
    lift = np.where(assigned.segments == "segment_0", 0.1, 0.0)
    outcome = answers(random, 0.1 + np.where(assigned.held_out, 0.0, lift))
    results = measure(assigned, [outcome])
    by_part = {(one.level, one.segment, one.offer): one for one in results}
    assert len(by_part) == len(results) == 1 + 2 + 2 + 4
    found = by_part["segment and offer", "segment_0", "offer_1"]
    inside = (assigned.segments == "segment_0") & (assigned.offers == "offer_1")
    contacted, held_out = (
        outcome.values[inside & arm] for arm in (~assigned.held_out, assigned.held_out)
    )
    expected = len(contacted) * (contacted.mean() - held_out.mean())
    assert found.incremental == pytest.approx(expected)
    assert found.cost == 2.0 * len(contacted)
    assert found.profit == pytest.approx(10.0 * expected - found.cost)
    assert (found.contacted, found.held_out) == (len(contacted), len(held_out))
    assert found.verdict == "brought"
    assert by_part["segment", "segment_1", ""].verdict == "no effect shown"
    cells = [one for one in results if one.level == "segment and offer"]
    total = whole(results)
    assert total.incremental == pytest.approx(sum(one.incremental for one in cells))
    assert total.low < total.incremental < total.high


def test_shares_of_segments_that_differ_between_the_arms_do_no_harm() -> None:
    held_out = np.array([False] * 900 + [True] * 100 + [False] * 100 + [True] * 900)
    segments = np.array(["often"] * 1_000 + ["seldom"] * 1_000, dtype=object)
    values = np.where(segments == "often", 1.0, 0.0) * (np.arange(2_000) % 2)
    assigned = Assigned(segments, np.full(2_000, "offer", object), held_out, np.zeros(2_000))
    found = whole(measure(assigned, [Outcome("answered", values, values)]))
    assert found.mean_contacted > found.mean_held_out + 0.3
    assert found.incremental == pytest.approx(0.0)
    assert found.verdict == "no effect shown"


def test_a_harmful_campaign_is_called_so() -> None:
    random = np.random.default_rng(6)
    assigned = campaign(random, 5_000)
    found = whole(measure(assigned, [answers(random, np.where(assigned.held_out, 0.4, 0.2))]))
    assert found.verdict == "cost"
    assert found.high < 0.0
    assert found.profit_high < 0.0


def test_too_few_answers_give_no_number() -> None:
    random = np.random.default_rng(7)
    assigned = campaign(random, 200, segments=4)
    found = measure(assigned, [answers(random, np.full(200, 0.05))])
    assert {one.verdict for one in found} == {"too few to tell"}
    assert all(np.isnan([one.incremental, one.low, one.profit]).all() for one in found)


def test_a_part_without_held_out_customers_gives_no_number_and_the_whole_still_does() -> None:
    random = np.random.default_rng(8)
    assigned = campaign(random, 4_000)
    assigned.segments[:3] = "rare"
    assigned.held_out[:3] = False
    results = measure(assigned, [answers(random, np.full(4_000, 0.3))])
    rare = next(one for one in results if one.level == "segment" and one.segment == "rare")
    assert (rare.verdict, rare.held_out) == ("too few to tell", 0)
    assert np.isnan(rare.mean_held_out)
    assert np.isfinite(whole(results).incremental)


def test_the_order_of_customers_changes_nothing() -> None:
    random = np.random.default_rng(9)
    assigned = campaign(random, 3_000, segments=3, offers=2)
    outcome = answers(random, np.full(3_000, 0.2))
    order = random.permutation(3_000)
    turned = Assigned(*(getattr(assigned, n)[order] for n in Assigned.__dataclass_fields__))
    again = Outcome("answered", outcome.values[order], outcome.values[order] * 10.0)
    assert measure(turned, [again]) == measure(assigned, [outcome])


@pytest.mark.parametrize(("share", "is_off"), [(0.1, False), (0.11, False), (0.2, True)])
def test_a_hold_out_that_is_off_its_plan_beyond_chance_is_told(share: float, is_off: bool) -> None:  # noqa: FBT001 - a case
    held_out = np.arange(1_000) < 1_000 * share
    text = np.full(1_000, "one", object)
    assert hold_out_is_off(Assigned(text, text, held_out, np.zeros(1_000)), 0.1) is is_off
