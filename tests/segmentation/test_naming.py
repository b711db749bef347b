"""Names by what a segment does."""

from __future__ import annotations

import json
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_segmentation.schema.schema import Schema
from customer_segmentation.segmentation import naming
from customer_segmentation.segmentation.naming import SegmentName
from tests.marketing import SCHEMA

name_segments = partial(naming.name_segments, SCHEMA)
BASE = {"spend_total": 600.0, "purchases_deals": 2.0, "income": 50_000.0}
SPREAD = {"spend_total": 600.0, "purchases_deals": 2.0, "income": 20_000.0}


def segment(spend: float = 600.0, deals: float = 2.0, income: float = 50_000.0) -> dict[str, float]:
    return {"spend_total": spend, "purchases_deals": deals, "income": income}


def names(*segments: dict[str, float]) -> list[str]:
    return [name.name for name in name_segments(segments, BASE, SPREAD)]


@pytest.mark.parametrize(
    ("spend", "deals", "name"),
    [
        (1.4, 1.19, "High-value"),
        (1.4, 1.2, "High-value deal-seeking"),
        (1.39, 1.0, "Moderate"),
        (0.6, 1.2, "Price-sensitive"),
        (0.59, 1.0, "Low-spend"),
        (0.0, 0.0, "Low-spend"),
        (0.59, 2.0, "Low-spend deal-seeking"),
    ],
)
def test_a_name_follows_from_spend_and_deals_against_the_base(
    spend: float, deals: float, name: str
) -> None:
    assert names(segment(spend * 600.0, deals * 2.0)) == [name]


def test_a_key_is_the_name_for_machines() -> None:
    (found,) = name_segments([segment(100.0, 4.0)], BASE, SPREAD)
    assert found == SegmentName("low_spend_deal_seeking", "Low-spend deal-seeking")


def test_segments_of_one_name_are_told_apart_by_what_differs_most() -> None:
    found = names(segment(income=30_000.0), segment(1000.0), segment(income=70_000.0))
    assert found == [
        "Moderate, lower yearly income",
        "High-value",
        "Moderate, higher yearly income",
    ]


def test_three_of_one_name_have_a_lower_a_middle_and_a_higher() -> None:
    found = names(segment(100.0), segment(300.0), segment(200.0))
    assert found == [f"Low-spend, {rank} spend" for rank in ("lower", "higher", "middle")]


numbers = st.floats(0.0, 1e6)


@given(st.lists(st.builds(segment, numbers, numbers, numbers), min_size=2, max_size=10))
def test_names_and_keys_are_unique_and_a_low_spender_is_never_moderate(
    segments: list[dict[str, float]],
) -> None:
    found = name_segments(segments, BASE, SPREAD)
    assert len({name.name for name in found}) == len({name.key for name in found}) == len(segments)
    for name, means in zip(found, segments, strict=True):
        assert name.name.startswith("Low-spend") == (means["spend_total"] < 0.6 * 600.0)


@pytest.mark.parametrize("count", [2, 3, 4, 10])
def test_equal_segments_have_unique_names(count: int) -> None:
    assert len(set(names(*[segment()] * count))) == count


def test_without_spend_only_deals_are_told() -> None:
    base, spread = {"purchases_deals": 2.0}, {"purchases_deals": 1.0}
    found = name_segments([{"purchases_deals": 3.0}, {"purchases_deals": 1.0}], base, spread)
    assert [name.name for name in found] == ["Deal-seeking", "Customers"]


def test_without_spend_and_deals_a_name_tells_the_two_features_farthest_from_the_base() -> None:
    base = {"age": 45.0, "income": 50_000.0, "web_visits_month": 5.0}
    spread = {"age": 10.0, "income": 20_000.0, "web_visits_month": 2.0}
    found = name_segments(
        [
            {"age": 30.0, "income": 61_000.0, "web_visits_month": 6.2},
            {"age": 50.0, "income": 40_000.1, "web_visits_month": 5.9},
            {"age": 49.9, "income": 50_000.0, "web_visits_month": 5.0},
        ],
        base,
        spread,
    )
    assert found == [
        SegmentName(
            "low_age_high_visits_to_the_website_a_month",
            "Low age, high visits to the website a month",
        ),
        SegmentName("high_age", "High age"),
        SegmentName("average", "Average"),
    ]


def test_without_spend_and_deals_equal_names_are_told_apart_too() -> None:
    found = name_segments([{"age": 60.0}, {"age": 70.0}], {"age": 45.0}, {"age": 10.0})
    assert [name.name for name in found] == ["High age, lower age", "High age, higher age"]


ages = st.floats(18.0, 100.0)


@given(
    st.lists(
        st.builds(lambda age, income: {"age": age, "income": income}, ages, numbers),
        min_size=2,
        max_size=10,
    )
)
def test_without_spend_and_deals_names_and_keys_are_unique(
    segments: list[dict[str, float]],
) -> None:
    found = name_segments(segments, {"age": 45.0, "income": 5e4}, {"age": 10.0, "income": 2e4})
    assert len({name.name for name in found}) == len({name.key for name in found}) == len(segments)


def test_what_is_spend_and_what_is_a_deal_is_said_by_the_roles() -> None:
    block = SCHEMA.model_dump(mode="json")
    block["roles"] = {"spend": "spend_wines", "deals": "web_visits_month"}
    schema = Schema.model_validate_json(json.dumps(block))
    base = {"spend_wines": 100.0, "web_visits_month": 2.0}
    (found,) = naming.name_segments(schema, [{name: 2.0 * base[name] for name in base}], base, base)
    assert found.name == "High-value deal-seeking"


def test_a_base_that_spends_nothing_is_moderate() -> None:
    base = BASE | {"spend_total": 0.0}
    assert name_segments([segment(0.0)], base, SPREAD)[0].name == "Moderate"


def test_nobody_is_deal_seeking_where_nobody_buys_with_a_discount() -> None:
    base = {"spend_total": 100.0, "purchases_deals": 0.0}
    means = [{"spend_total": 200.0, "purchases_deals": 0.0}]
    assert [n.name for n in name_segments(means, base, {"spend_total": 1.0})] == ["High-value"]


MARITAL = {f"marital_status_{name}": 0.2 for name in ("single", "married", "widow")}


def of_status(**shares: float) -> dict[str, float]:
    return BASE | MARITAL | {f"marital_status_{name}": share for name, share in shares.items()}


def test_segments_of_one_name_are_told_apart_by_the_value_that_most_have() -> None:
    spread = SPREAD | dict.fromkeys(MARITAL, 0.4)
    segments = [of_status(single=0.9), of_status(married=0.8)]
    told = [name.name for name in name_segments(segments, BASE | MARITAL, spread)]
    assert told == ["Moderate, mostly single", "Moderate, mostly married"]
    # Where most of both are married, something else tells them apart.
    segments = [of_status(married=1.0), of_status(married=0.6) | {"income": 51_000.0}]
    told = [name.name for name in name_segments(segments, BASE | MARITAL, spread)]
    assert told == ["Moderate, lower yearly income", "Moderate, higher yearly income"]


def test_without_spend_a_name_tells_what_most_are() -> None:
    base = MARITAL | {"age": 50.0}
    segments = [{**base, "marital_status_widow": 0.9, "age": 70.0}, {**base, "age": 40.0}]
    spread = dict.fromkeys(MARITAL, 0.4) | {"age": 10.0}
    told = [name.name for name in name_segments(segments, base, spread)]
    assert told == ["High age, mostly widow", "Low age"]
