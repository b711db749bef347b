"""Every feature: what it is worth for a customer worked out by hand, and what it needs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_segmentation.schema.parts import KEY
from tests.marketing import (
    CONTRACT,
    FEATURES,
    available_features,
    describe,
    needed_columns,
    needed_inputs,
    numeric_columns,
    on_arrays,
    on_frame,
    uses_outcome,
)

# A married master of 56 years with a child and a teenager.
CUSTOMER = {
    "as_of_year": 2014.0,
    "as_of_day": 181.0,
    "year_birth": 1958.0,
    "education": 3.0,
    "marital_status": 2.0,
    "income": 50_000.0,
    "kids_home": 1.0,
    "teens_home": 1.0,
    "enrolled_year": 2012.0,
    "enrolled_day": 248.0,
    "spend_wines": 250.0,
    "spend_fruits": 50.0,
    "spend_meat": 100.0,
    "spend_fish": 25.0,
    "spend_sweets": 0.0,
    "spend_gold": 75.0,
    "purchases_deals": 4.0,
    "purchases_web": 5.0,
    "purchases_catalog": 1.0,
    "purchases_store": 4.0,
    "accepted_campaign_1": 1.0,
    "accepted_campaign_2": 0.0,
    "accepted_campaign_3": 0.0,
    "accepted_campaign_4": 1.0,
    "accepted_campaign_5": 0.0,
}
BY_HAND = {
    "age": 56.0,
    # 4 September 2012 to 30 June 2014: 118 days left of 2012, 365 of 2013, 181 of 2014.
    "tenure_days": 664.0,
    "children": 2.0,
    "partnered": 1.0,
    "household_size": 4.0,
    "education_basic": 0.0,
    "education_graduation": 0.0,
    "education_second_cycle": 0.0,
    "education_master": 1.0,
    "education_phd": 0.0,
    "marital_status_single": 0.0,
    "marital_status_together": 0.0,
    "marital_status_married": 1.0,
    "marital_status_divorced": 0.0,
    "marital_status_widow": 0.0,
    "spend_total": 500.0,
    "spend_share_wines": 0.5,
    "spend_share_fruits": 0.1,
    "spend_share_meat": 0.2,
    "spend_share_fish": 0.05,
    "spend_share_sweets": 0.0,
    "spend_share_gold": 0.15,
    "spend_to_income": 0.01,
    "purchases_total": 10.0,
    "purchase_share_web": 0.5,
    "purchase_share_catalog": 0.1,
    "purchase_share_store": 0.4,
    "deal_share": 0.4,
    "average_basket": 50.0,
    "campaigns_accepted": 2.0,
}
RATIOS = [name for name in FEATURES if "share" in name] + ["spend_to_income", "average_basket"]


def values_of(customer: dict[str, float | None], engine: Callable[..., Any]) -> dict[str, Any]:
    """Every feature of one customer; a second one keeps the columns' type."""
    table = engine({name: [value, 1.0] for name, value in customer.items()})
    found = on_frame(nw.from_native(table).lazy(), FEATURES).select(*FEATURES).collect()
    values = found.rows(named=True)[0]
    return {name: None if pd.isna(value) else value for name, value in values.items()}


def test_every_feature_has_the_value_worked_out_by_hand(frame_of: Callable[..., Any]) -> None:
    assert values_of(CUSTOMER, frame_of) == BY_HAND


def test_every_ratio_is_0_where_its_denominator_is_0(frame_of: Callable[..., Any]) -> None:
    nothing = {name: 0.0 for name in CUSTOMER if name.startswith(("spend", "purchases", "income"))}
    found = values_of(CUSTOMER | nothing | {"purchases_deals": 3.0}, frame_of)
    assert {name: found[name] for name in RATIOS} == dict.fromkeys(RATIOS, 0.0)


@pytest.mark.parametrize("column", CUSTOMER)
def test_a_missing_input_makes_exactly_its_features_missing(
    column: str, frame_of: Callable[..., Any]
) -> None:
    found = values_of(CUSTOMER | {column: None}, frame_of)
    assert found == {
        name: None if column in needed_inputs([name]) else value for name, value in BY_HAND.items()
    }


@pytest.mark.parametrize(
    ("marital_status", "partnered", "household"),
    [(0.0, 0.0, 3.0), (1.0, 1.0, 4.0), (2.0, 1.0, 4.0), (3.0, 0.0, 3.0), (4.0, 0.0, 3.0)],
)
def test_who_lives_together_or_is_married_has_a_partner(
    marital_status: float, partnered: float, household: float
) -> None:
    columns = {name: np.array([[value]]) for name, value in CUSTOMER.items()}
    columns["marital_status"] = np.array([[marital_status]])
    found = on_arrays(["partnered", "household_size"], columns)
    assert (found["partnered"].item(), found["household_size"].item()) == (partnered, household)


def test_every_category_has_a_feature_that_is_1_for_it_alone() -> None:
    for column, codes in (("education", 5), ("marital_status", 5)):
        names = [name for name in FEATURES if FEATURES[name].inputs == (column,)]
        indicators = [name for name in names if name.startswith(column)]
        found = on_arrays(indicators, {column: np.arange(float(codes))[None, :]})
        assert np.array_equal(np.vstack([*found.values()]), np.eye(codes))


@given(st.lists(st.tuples(st.dates(), st.dates()), min_size=1))
def test_tenure_is_the_number_of_days_between_two_dates(days: list[tuple[date, date]]) -> None:
    columns = {
        f"{name}_{part}": np.array([[float(number(pair[place])) for pair in days]])
        for place, name in enumerate(("as_of", "enrolled"))
        for part, number in (
            ("year", lambda day: day.year),
            ("day", lambda day: day.timetuple().tm_yday),
        )
    }
    found = on_arrays(["tenure_days"], columns)["tenure_days"]
    assert found.tolist() == [[float((as_of - enrolled).days) for as_of, enrolled in days]]


def test_every_feature_has_its_name_a_description_and_a_unit() -> None:
    for name, feature in FEATURES.items():
        assert feature.name == name
        assert describe(name) == (feature.description, feature.unit)
        assert len(feature.description) > 10
        assert feature.unit
    assert len({feature.description for feature in FEATURES.values()}) == len(FEATURES)


def test_no_feature_has_the_name_of_a_column() -> None:
    columns = [column.name for column in CONTRACT]
    assert set(FEATURES).isdisjoint({*columns, *numeric_columns([*columns, "as_of"])})


def test_features_come_down_to_columns_in_the_order_of_first_use() -> None:
    assert needed_inputs(["deal_share", "income", "age"]) == (
        *("purchases_deals", "purchases_web", "purchases_catalog", "purchases_store"),
        *("income", "as_of_year", "year_birth"),
    )


def test_needed_columns_are_the_sources_and_not_the_snapshots_day() -> None:
    assert needed_columns(["tenure_days", "age"]) == ("year_birth", "enrolled_on")


def test_only_features_of_campaign_answers_use_an_outcome() -> None:
    assert [name for name in FEATURES if uses_outcome(name)] == ["campaigns_accepted"]
    assert uses_outcome("responded")
    assert uses_outcome("accepted_campaign_3")
    assert not uses_outcome("complained")


@pytest.mark.parametrize(
    ("column", "lost"),
    [
        ("year_birth", {"age"}),
        ("enrolled_on", {"tenure_days"}),
        ("income", {"spend_to_income"}),
        ("kids_home", {"children", "household_size"}),
        ("purchases_deals", {"deal_share"}),
        ("recency_days", set()),
        ("accepted_campaign_2", {"campaigns_accepted"}),
        (
            "purchases_web",
            {
                *("purchases_total", "purchase_share_web", "purchase_share_catalog"),
                *("purchase_share_store", "deal_share", "average_basket"),
            },
        ),
    ],
)
def test_an_absent_column_takes_exactly_the_features_that_need_it(
    column: str, lost: set[str]
) -> None:
    kept = numeric_columns([c.name for c in CONTRACT if c.name != column] + ["as_of"])
    available = available_features(kept)
    assert set(FEATURES) - set(available) == lost
    assert available == tuple(name for name in FEATURES if name not in lost)


@pytest.mark.parametrize("column", [column.name for column in CONTRACT if column.name != KEY])
def test_features_said_to_be_available_can_be_computed_and_the_others_cannot(column: str) -> None:
    absent = numeric_columns([column])
    columns = {name: np.array([[v]]) for name, v in CUSTOMER.items() if name not in absent}
    available = available_features(columns)
    assert list(on_arrays(available, columns)) == list(available)
    for name in set(FEATURES) - set(available):
        with pytest.raises(KeyError):
            on_arrays([name], columns)
