"""The three sentences that the report begins with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from customer_segmentation.pipelines.reporting.key_points import key_points
from customer_segmentation.pipelines.reporting.profiles import read_profiles
from tests.marketing import SCHEMA

Segment = Callable[..., list[dict[str, Any]]]


def told(*segments: list[dict[str, Any]]) -> list[str]:
    found = read_profiles(SCHEMA, pd.DataFrame([row for rows in segments for row in rows]))
    return [sentence.replace("\N{NO-BREAK SPACE}", " ") for sentence in key_points(found)]


def test_who_what_they_do_and_what_to_offer_are_a_sentence_each(segment: Segment) -> None:
    mix = {"offer__newsletter": 0.2, "offer__discount": 0.1, "offer__preview": 0.7}
    sentences = told(
        segment(0, "Low-spend", 0.7, spend_total=150.0, waits_for_offers__yes=0.3),
        segment(1, "High-value", 0.3, spend_total=1650.0, waits_for_offers__yes=0.0, **mix),
    )
    assert sentences == [
        (
            "The 1,000 customers form two segments: High-value (30 % of customers, 82 % of spend) "
            "and Low-spend (70 % of customers, 18 % of spend)."
        ),
        (
            "High-value customers spend the most, 2.8 times the average; Low-spend customers wait "
            "for offers most often, 30 % against 20 % of all."
        ),
        (
            "The most frequent offer is a preview of new products for High-value and the "
            "newsletter for Low-spend."
        ),
    ]


def test_of_many_segments_those_with_the_most_spend_are_named(segment: Segment) -> None:
    spends = [100.0, 900.0, 300.0, 800.0, 700.0, 200.0]
    segments = [segment(n, f"S{n}", 1 / 6, spend_total=spend) for n, spend in enumerate(spends)]
    who, _, offer = told(*segments)
    assert "form six segments: S1 (" in who
    assert who.endswith(" and 2 more.")
    assert offer == "The most frequent offer is the newsletter for S1, S3, S4 and S2."


def test_what_the_source_does_not_allow_is_left_out(segment: Segment) -> None:
    absent = ["spend_total", "waits_for_offers__yes", "waits_for_offers__no"]
    offers = ["offer__newsletter", "offer__discount", "offer__preview"]
    rows = [segment(n, f"S{n}", 0.5, **dict.fromkeys([*absent, *offers])) for n in range(2)]
    assert told(*rows) == [
        "The 1,000 customers form two segments: S0 (50 % of customers) and S1 (50 % of customers)."
    ]
