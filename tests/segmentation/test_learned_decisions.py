"""The numbers that decisions need, learned from weighted rows."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from customer_segmentation.segmentation.learned_decisions import (
    DecisionRule,
    LearnedDecisions,
    learn_decisions,
    weighted_quantiles,
)
from tests.marketing import CHANNELS, DECISIONS, PRODUCTS, SCHEMA

RULE = DecisionRule(
    comfortable_from=0.5, affluent_from=0.8, deal_share_from=0.75, min_deals=3, preview_from=75.0
)
CAP = 0.95
ROWS = 500


@pytest.fixture(scope="module")
def columns() -> dict[str, NDArray[np.float64]]:
    random = np.random.default_rng(0)
    income = random.lognormal(10.8, 0.4, ROWS)
    kids = random.integers(0, 3, ROWS).astype(np.float64)
    spend = 0.01 * np.minimum(income, 80_000.0) - 100.0 * kids + 300.0
    spends = {f"spend_{n}": random.uniform(0, 1, ROWS) * spend for n in PRODUCTS}
    purchases = np.random.default_rng(1).integers(1, 20, ROWS).astype(np.float64)
    return {
        "income": income,
        "kids_home": kids,
        "teens_home": random.integers(0, 2, ROWS).astype(np.float64),
        "deal_share": random.uniform(0, 1, ROWS),
        "spend_total": spend,
        **spends,
        "purchases_total": purchases,
        **{f"purchases_{n}": random.uniform(0, 1, ROWS) * purchases for n in CHANNELS},
    }


def learned(columns: dict[str, NDArray[np.float64]], weights: object = None) -> LearnedDecisions:
    used = np.ones(ROWS) if weights is None else np.asarray(weights, dtype=np.float64)
    return learn_decisions(SCHEMA, columns, used, tuple(DECISIONS), RULE, CAP)


def test_a_weighted_quantile_is_the_first_value_that_reaches_the_share() -> None:
    values, weights = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 1.0, 1.0, 7.0])
    assert weighted_quantiles(values, weights, (0.1, 0.3, 0.31, 1.0)) == [1.0, 3.0, 4.0, 4.0]


def test_a_weight_counts_like_repeated_rows(columns: dict[str, NDArray[np.float64]]) -> None:
    times = np.random.default_rng(1).integers(1, 4, ROWS)
    weighted = learned(columns, times).numbers
    repeated = learn_decisions(
        SCHEMA,
        {name: np.repeat(values, times) for name, values in columns.items()},
        np.ones(times.sum()),
        tuple(DECISIONS),
        RULE,
        CAP,
    ).numbers
    for name, numbers in repeated.items():
        for key, value in numbers.items():
            assert weighted[name][key] == pytest.approx(value, rel=1e-8), (name, key)


def test_thresholds_are_quantiles_of_the_base(columns: dict[str, NDArray[np.float64]]) -> None:
    numbers = learned(columns).numbers
    income = np.quantile(columns["income"], [0.5, 0.8], method="inverted_cdf")
    assert numbers["affluence_tier"]["income_thresholds"] == pytest.approx(income, rel=1e-11)
    share = np.quantile(columns["deal_share"], 0.75, method="inverted_cdf")
    assert numbers["waits_for_offers"] == {
        "min_deal_share": pytest.approx(share, rel=1e-11),
        "min_deals": 3.0,
    }
    assert len(numbers["likely_to_spend"]["potential_thresholds"]) == 19


def test_shares_have_the_weighted_mean_and_spread(
    columns: dict[str, NDArray[np.float64]],
) -> None:
    found = learned(columns).numbers["channel"]
    whole = columns["purchases_total"]
    shares = np.column_stack([columns[f"purchases_{n}"] / whole for n in CHANNELS])
    assert found["means"] == pytest.approx(shares.mean(axis=0))
    assert found["spreads"] == pytest.approx(shares.std(axis=0))


def test_who_bought_nothing_has_no_share_of_anything(
    columns: dict[str, NDArray[np.float64]],
) -> None:
    names = [f"purchases_{n}" for n in (*CHANNELS, "total")]
    half = np.arange(ROWS) % 2 == 0
    found = learned(columns | {name: np.where(half, columns[name], 0.0) for name in names})
    shares = np.column_stack([columns[name] / columns[names[-1]] for name in names[:-1]])
    means = np.where(half[:, None], shares, 0.0).mean(axis=0)
    assert found.numbers["channel"]["means"] == pytest.approx(means)


def test_a_share_that_never_varies_has_spread_1(
    columns: dict[str, NDArray[np.float64]],
) -> None:
    constant = columns | {f"purchases_{CHANNELS[0]}": columns["purchases_total"] * 0.5}
    assert learned(constant).numbers["channel"]["spreads"][0] == 1.0


def test_a_spend_that_follows_from_means_is_predicted(
    columns: dict[str, NDArray[np.float64]],
) -> None:
    found = learned(columns)
    assert found.expected_spend_r2 == pytest.approx(1.0, abs=0.05)
    assert found.numbers["expected_spend"]["potential_weights"][1] == pytest.approx(-100, rel=0.2)


def test_only_the_decisions_asked_for_are_learned(
    columns: dict[str, NDArray[np.float64]],
) -> None:
    found = learn_decisions(SCHEMA, columns, np.ones(ROWS), ("affluence_tier",), RULE, CAP)
    assert found.numbers.keys() == {"affluence_tier"}
    assert found.expected_spend_r2 is None


@pytest.mark.parametrize("rows", [1, 5, 20])
@pytest.mark.parametrize("value", [2_500_000.0, 1e12])
def test_customers_with_a_spend_far_outside_change_nothing_of_the_expected_spend(
    columns: dict[str, NDArray[np.float64]], rows: int, value: float
) -> None:
    spend = columns["spend_total"].copy()
    spend[:rows] = value
    found = learned(columns | {"spend_total": spend})
    assert found.expected_spend_r2 == pytest.approx(1.0, abs=0.05)
    weights = learned(columns).numbers["expected_spend"]["potential_weights"]
    assert found.numbers["expected_spend"]["potential_weights"] == pytest.approx(weights, rel=0.2)


def test_an_income_far_outside_changes_nothing_of_the_expected_spend(
    columns: dict[str, NDArray[np.float64]],
) -> None:
    for value in (0.0, 1e12):
        income = columns["income"] * 0.05 + 60_000.0
        usual = columns | {"income": income, "spend_total": income * 0.01}
        income = income.copy()
        income[0] = value
        expected = learned(usual).expected_spend_r2
        assert learned(usual | {"income": income}).expected_spend_r2 == pytest.approx(
            expected, abs=0.05
        )


@pytest.mark.parametrize("rows", [9, ROWS])
def test_what_is_made_of_an_expected_spend_that_explains_nothing_is_left_out_and_told(
    columns: dict[str, NDArray[np.float64]], rows: int
) -> None:
    spend = np.random.default_rng(2).uniform(0, 1000, ROWS)
    noise = {n: values[:rows] for n, values in (columns | {"spend_total": spend}).items()}
    found = learn_decisions(SCHEMA, noise, np.ones(rows), tuple(DECISIONS), RULE, CAP)
    assert {*found.unexplained} == {"expected_spend", "likely_to_spend", "offer"}
    assert found.numbers.keys().isdisjoint(found.unexplained)
    said = "too few customers" if rows < ROWS else "out-of-fold R2 of -0.0"
    assert said in found.unexplained["offer"]


def test_a_missing_value_teaches_nothing_and_spoils_nothing(
    columns: dict[str, NDArray[np.float64]],
) -> None:
    holes = {name: values.copy() for name, values in columns.items()}
    for number, values in enumerate(holes.values()):
        values[number::40] = np.nan
    found, whole = learned(holes), learned(columns)
    assert found.expected_spend_r2 == pytest.approx(1.0, abs=0.05)
    for name, numbers in whole.numbers.items():
        for key, value in numbers.items():
            assert found.numbers[name][key] == pytest.approx(value, rel=0.3), (name, key)
