"""Policies of a randomised test: noise says nothing, and what is there is found."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from customer_segmentation.campaigns.effects import TreeSize
from customer_segmentation.campaigns.intervals import Numbers
from customer_segmentation.campaigns.policies import (
    BEST_CONSTANT,
    Trial,
    Valued,
    value_policies,
)
from customer_segmentation.campaigns.qini import qini

SIZE = TreeSize(rounds=5, leaves=4, min_leaf=50, seed=1)
ARMS = ("none", "first", "second")
policies_of = partial(value_policies, splits=2, size=SIZE)


def made(seed: int, customers: int = 1_500) -> tuple[Trial, Numbers, np.random.Generator]:
    """Customers in three arms, with outcomes that depend on who they are and on no arm."""
    random = np.random.default_rng(seed)
    inputs = random.standard_normal((customers, 3))
    outcomes = 0.5 * inputs[:, 0] + random.exponential(1.0, customers)
    return Trial(inputs, random.integers(0, 3, customers), ARMS), outcomes, random


def curve_is_shown(tested: Trial, outcomes: Numbers, found: Valued, arm: int) -> bool:
    both = (tested.arms == 0) | (tested.arms == arm)
    return qini(
        found.effects[both, arm],
        tested.arms[both] == arm,
        outcomes[both],
        permutations=100,
        level=1.0 - 0.05 / 2,
        seed=1,
    ).is_shown


def test_noise_says_nothing_in_95_percent_of_seeds() -> None:
    said = 0
    for seed in range(25):
        tested, outcomes, _ = made(seed, 600)
        found = value_policies(tested, outcomes, cost=0.0, splits=1, size=SIZE)
        curves = [curve_is_shown(tested, outcomes, found, arm) for arm in (1, 2)]
        said += any(policy.is_better for policy in found.policies) or any(curves)
    # Of 25 with 5 percent each, more than 3 come in one of 30 times.
    assert said <= 3


@pytest.mark.parametrize("is_linear", [True, False], ids=["linear", "in the middle"])
def test_strong_differences_between_customers_are_found_and_beat_every_constant(
    is_linear: bool,  # noqa: FBT001 - a case
) -> None:
    tested, outcomes, _ = made(1, 6_000)
    x = tested.inputs
    gain = x[:, 1] if is_linear else np.where(np.abs(x[:, 1]) < 0.7, 1.0, -1.0)
    outcomes = outcomes + np.choose(tested.arms, [np.zeros(len(gain)), gain, -gain])
    found = policies_of(tested, outcomes, cost=0.0)
    best = max(found.policies, key=lambda policy: policy.over_control.value)
    assert best.is_better
    assert best.over_constant
    # Always the right arm brings E|gain|.
    most = float(np.abs(gain).mean())
    assert 0.7 * most < best.over_constant.value < 1.1 * most
    assert all(curve_is_shown(tested, outcomes, found, arm) for arm in (1, 2))


def test_an_arm_that_is_best_for_all_is_beaten_by_nothing() -> None:
    tested, outcomes, _ = made(2, 3_000)
    found = policies_of(tested, outcomes + 0.5 * (tested.arms == 1), cost=0.0)
    assert found.best == "first"
    first, second = found.constants
    assert (first.name, second.name) == ("first", "second")
    assert first.over_control.low < 0.5 < first.over_control.high
    assert not any(policy.is_better for policy in found.policies)


def test_a_constant_is_worth_the_difference_of_the_means_less_its_cost() -> None:
    tested, outcomes, _ = made(3)
    found = policies_of(tested, outcomes, cost=0.1)
    means = [outcomes[tested.arms == arm].mean() for arm in range(3)]
    for arm, constant in enumerate(found.constants, start=1):
        assert constant.over_control.value == pytest.approx(means[arm] - means[0] - 0.1)
        treated, control = (outcomes[tested.arms == each] for each in (arm, 0))
        half = 1.96 * np.sqrt(treated.var() / len(treated) + control.var() / len(control))
        assert constant.over_control.high - constant.over_control.value == pytest.approx(
            half, rel=0.01
        )


def test_a_contact_that_costs_more_than_it_brings_is_not_made() -> None:
    tested, outcomes, _ = made(4)
    found = policies_of(tested, outcomes + 0.1 * (tested.arms > 0), cost=5.0)
    assert found.best == "none"
    for policy in found.policies:
        assert policy.shares[0] == pytest.approx(1.0)
        assert policy.over_control.value == pytest.approx(0.0)


def test_shares_of_arms_sum_to_one_and_more_splits_make_no_smaller_error() -> None:
    tested, outcomes, _ = made(5)
    errors = []
    for splits in (1, 6):
        found = value_policies(tested, outcomes, cost=0.0, splits=splits, size=SIZE)
        for policy in found.policies:
            assert sum(policy.shares) == pytest.approx(1.0)
        (constant,) = [one for one in found.policies if one.name == BEST_CONSTANT]
        errors.append(constant.over_control.high - constant.over_control.value)
    assert errors[1] > 0.8 * errors[0]


def test_what_is_missing_is_no_reason_to_leave_a_customer_out() -> None:
    tested, outcomes, random = made(6)
    tested.inputs[random.random(tested.inputs.shape) < 0.2] = np.nan
    found = policies_of(tested, outcomes, cost=0.0)
    assert np.isfinite(found.effects).all()


def test_a_curve_begins_and_ends_at_nothing_and_is_the_gain_over_the_random_line() -> None:
    treated = np.tile([True, False], 500)
    outcomes = np.where(treated & (np.arange(1_000) < 500), 1.0, 0.0)
    curve = qini(-np.arange(1_000.0), treated, outcomes, permutations=100, level=0.95, seed=1)
    assert (curve.gains[0], curve.gains[-1]) == (0.0, pytest.approx(0.0))
    # The first half holds all of a mean effect of 0.5, the random line a half of it.
    assert max(curve.gains) == pytest.approx(0.25)
    assert curve.is_shown
