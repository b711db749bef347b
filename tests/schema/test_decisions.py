"""The decisions beside the segment, with learned numbers chosen by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals as nw
import pytest

from customer_segmentation.schema.decisions import INTERMEDIATE, OFFERS, TIERS
from tests.marketing import CHANNELS, DECISIONS, PRODUCTS, available_decisions, on_frame

Learned = dict[str, dict[str, Any]]

EVEN_PRODUCTS = {"means": [0.3, 0.1, 0.2, 0.1, 0.2, 0.1], "spreads": [0.1] * 6}
EVEN_CHANNELS = {"means": [0.3, 0.2, 0.5], "spreads": [0.1, 0.1, 0.1]}
ALL_COLUMNS = [
    *("income", "kids_home", "teens_home", "purchases_deals"),
    *(f"spend_{name}" for name in PRODUCTS),
    *(f"purchases_{name}" for name in CHANNELS),
]


def decided(
    name: str, columns: dict[str, list[float]], learned: Learned, engine: Callable[..., Any]
) -> list[Any]:
    """The decision for each row, by its label where it has labels."""
    table = on_frame(nw.from_native(engine(columns)).lazy(), [name], learned).collect()
    labels = DECISIONS[name].labels
    return [labels[int(value)] if labels else value for value in table[name].to_list()]


def spends(**amounts: float) -> dict[str, list[float]]:
    return {f"spend_{name}": [amounts.get(name, 0.0)] for name in PRODUCTS}


def purchases(**counts: float) -> dict[str, list[float]]:
    return {f"purchases_{name}": [counts.get(name, 0.0)] for name in CHANNELS}


def test_a_tier_begins_at_its_threshold(frame_of: Callable[..., Any]) -> None:
    learned = {"affluence_tier": {"income_thresholds": [50_000.0, 70_000.0]}}
    income = [0.0, 49_999.99, 50_000.0, 69_999.99, 70_000.0, 1e12]
    modest, comfortable, affluent = TIERS
    assert decided("affluence_tier", {"income": income}, learned, frame_of) == [
        *(modest, modest, comfortable, comfortable, affluent, affluent)
    ]


@pytest.mark.parametrize(("deals", "answer"), [(2.0, "no"), (3.0, "yes"), (9.0, "yes")], ids=str)
def test_who_waits_for_offers_has_enough_deals_in_share_and_in_number(
    deals: float, answer: str, frame_of: Callable[..., Any]
) -> None:
    learned = {"waits_for_offers": {"min_deal_share": 0.3, "min_deals": 3.0}}
    of_ten = {"purchases_deals": [deals], **purchases(web=4.0, store=6.0)}
    assert decided("waits_for_offers", of_ten, learned, frame_of) == [answer]
    of_forty = {"purchases_deals": [deals], **purchases(web=40.0)}
    assert decided("waits_for_offers", of_forty, learned, frame_of) == ["no"]


def test_who_bought_nothing_does_not_wait_for_offers(frame_of: Callable[..., Any]) -> None:
    learned = {"waits_for_offers": {"min_deal_share": 0.3, "min_deals": 3.0}}
    columns = {"purchases_deals": [5.0], **purchases()}
    assert decided("waits_for_offers", columns, learned, frame_of) == ["no"]


def test_expected_spend_is_linear_in_the_capped_means(frame_of: Callable[..., Any]) -> None:
    learned = {
        "expected_spend": {
            "potential_caps": [80_000.0, 1.0, 2.0],
            "potential_weights": [0.02, -200.0, -100.0, 50.0],
        }
    }
    columns = {"income": [50_000.0, 1e6], "kids_home": [0.0, 3.0], "teens_home": [2.0, 0.0]}
    # 1000 - 0 - 200 + 50, and 1600 - 200 - 0 + 50.
    assert decided("expected_spend", columns, learned, frame_of) == [850.0, 1450.0]


def test_likely_to_spend_is_the_percentile_of_the_expected_spend(
    frame_of: Callable[..., Any],
) -> None:
    learned = {"likely_to_spend": {"potential_thresholds": [100.0, 200.0, 300.0]}}
    columns = {"expected_spend": [99.0, 100.0, 250.0, 300.0]}
    assert decided("likely_to_spend", columns, learned, frame_of) == [0.0, 25.0, 50.0, 75.0]


@pytest.mark.parametrize(
    ("amounts", "product"),
    [
        ({"wines": 50.0, "fish": 50.0}, "fish"),
        ({"wines": 90.0, "fish": 10.0}, "wines"),
        ({"fruits": 50.0, "gold": 50.0}, "fruits"),
        ({}, "wines"),
    ],
    ids=["far above the mean share", "most of the spend", "the first of equals", "without spend"],
)
def test_the_product_is_the_one_that_stands_out_most(
    amounts: dict[str, float], product: str, frame_of: Callable[..., Any]
) -> None:
    learned = {"product": EVEN_PRODUCTS}
    assert decided("product", spends(**amounts), learned, frame_of) == [product]


def test_a_share_that_varies_less_stands_out_sooner(frame_of: Callable[..., Any]) -> None:
    amounts = spends(wines=80.0, gold=20.0)
    assert decided("product", amounts, {"product": EVEN_PRODUCTS}, frame_of) == ["wines"]
    learned = {"product": EVEN_PRODUCTS | {"spreads": [0.1, 0.1, 0.1, 0.1, 0.1, 0.01]}}
    assert decided("product", amounts, learned, frame_of) == ["gold"]


@pytest.mark.parametrize(
    ("counts", "channel"),
    [
        ({"web": 3.0, "catalog": 3.0, "store": 4.0}, "catalog"),
        ({"store": 5.0}, "store"),
        ({"web": 5.0, "store": 5.0}, "web"),
        ({}, "store"),
    ],
    ids=["above the mean share", "the only one", "one above the mean", "without purchases"],
)
def test_the_channel_is_the_one_that_stands_out_most(
    counts: dict[str, float], channel: str, frame_of: Callable[..., Any]
) -> None:
    learned = {"channel": EVEN_CHANNELS}
    assert decided("channel", purchases(**counts), learned, frame_of) == [channel]


@pytest.mark.parametrize(
    ("waits", "tier", "likely", "offer"),
    [
        ("yes", "modest", 0.0, "discount"),
        ("yes", "comfortable", 95.0, "discount"),
        ("yes", "affluent", 95.0, "preview"),
        ("yes", "affluent", 70.0, "newsletter"),
        ("no", "modest", 75.0, "preview"),
        ("no", "affluent", 74.9, "newsletter"),
    ],
)
def test_an_offer_follows_from_what_the_customer_waits_for_has_and_may_spend(
    waits: str, tier: str, likely: float, offer: str, frame_of: Callable[..., Any]
) -> None:
    columns = {
        "waits_for_offers": [float(waits == "yes")],
        "affluence_tier": [float(TIERS.index(tier))],
        "likely_to_spend": [likely],
    }
    learned = {"offer": {"min_likely_to_spend": 75.0}}
    assert decided("offer", columns, learned, frame_of) == [offer]


def test_every_decision_has_a_description_and_a_unit() -> None:
    for name, decision in DECISIONS.items():
        assert decision.name == name
        assert decision.description.endswith(".")
        assert (decision.unit == "code") == bool(decision.labels)
        assert decision.unit


def test_labels_are_in_the_order_of_their_codes() -> None:
    assert DECISIONS["offer"].labels == OFFERS == ("newsletter", "discount", "preview")
    assert DECISIONS["product"].labels == PRODUCTS
    assert DECISIONS["channel"].labels == CHANNELS
    assert set(DECISIONS) >= INTERMEDIATE


COMMON = {
    "affluence_tier",
    "waits_for_offers",
    "expected_spend",
    "likely_to_spend",
    "product",
    "channel",
    "offer",
}


@pytest.mark.parametrize(
    ("column", "lost"),
    [
        (
            "income",
            {"affluence_tier", "expected_spend", "likely_to_spend", "offer"},
        ),
        ("teens_home", {"expected_spend", "likely_to_spend", "offer"}),
        ("purchases_deals", {"waits_for_offers", "offer"}),
        ("purchases_web", {"waits_for_offers", "channel", "offer"}),
        ("spend_fish", {"product"}),
        ("recency_days", set()),
    ],
)
def test_an_absent_column_takes_exactly_the_decisions_that_need_it(
    column: str, lost: set[str]
) -> None:
    available = available_decisions(name for name in ALL_COLUMNS if name != column)
    assert {*available} & COMMON == COMMON - lost
    assert available == tuple(name for name in DECISIONS if name in available)
