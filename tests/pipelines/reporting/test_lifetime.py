"""What the page and the last lines of a run say of what customers are worth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from customer_segmentation.pipelines.reporting.lifetime import (
    doubts_about_lifetime,
    explain_lifetime,
)
from tests.marketing import SCHEMA


def segment(name: str, customers: int, total: float) -> dict[str, Any]:
    return {
        "segment": name.lower(),
        "segment_name": name,
        "customers": customers,
        "total": total,
        "mean_probability_alive": 0.5,
        "mean_expected_purchases": 2.0,
        "mean_value_per_purchase": 40.0,
        "mean_lifetime_value": total / customers,
    }


def summary_of(**changes: Any) -> dict[str, Any]:
    told = {
        "left_out": "",
        "horizon_days": 365,
        "yearly_discount": 0.1,
        "margin": 1.0,
        "purchases": {"is_clear": True},
        "correlation": 0.05,
        "customers": 1000,
        "repeat_customers": 600,
        "without_purchase": 0,
        "outside_window": 0,
        "value_of_all": 41.0,
        "total": 80_000.0,
        "segments": [segment("Loyal", 200, 60_000.0), segment("Other", 800, 20_000.0)],
        "check": {
            "days": 90,
            "left_out": "",
            "customers": 900,
            "expected": 480.0,
            "bought": 500,
            "expected_spend": 19_000.0,
            "spent": 20_500.0,
            "classes": [
                {"repeats": repeats, "customers": 300, "expected": 160.2, "bought": 170}
                for repeats in (0, 1, 4)
            ],
        },
    }
    return told | changes


def sentences(**changes: Any) -> str:
    found = explain_lifetime(SCHEMA, summary_of(**changes))
    assert found
    return " ".join([*found.sentences, *found.check]).replace("\N{NO-BREAK SPACE}", " ")


def test_the_whole_and_each_segment_are_told(
    inputs: dict[str, Any], page: Callable[[dict[str, Any]], str]
) -> None:
    html = page(inputs | {"lifetime": summary_of()})
    assert '<a href="#worth">' in html
    text = sentences()
    assert "the 1,000 customers who bought are expected to spend 80,000 monetary units" in text
    assert "how often customers buy says nothing of how much they spend on a purchase" in text
    assert "They are expected to buy 2,000 times" in text
    assert "400 customers bought on one day only" in text
    assert "expected 480 purchases and 19,000 monetary units" in text
    found = explain_lifetime(SCHEMA, summary_of())
    assert found
    assert [row[-1].replace("\N{NO-BREAK SPACE}", " ") for row in found.rows] == ["75 %", "25 %"]
    assert [row[0] for row in found.check_rows] == ["0", "1 to 3", "4 or more"]
    for row in (*found.rows, *found.check_rows):
        assert all(cell in html for cell in row)


def test_where_a_schema_declares_no_purchases_nothing_is_said(
    inputs: dict[str, Any], page: Callable[[dict[str, Any]], str]
) -> None:
    assert "worth-title" not in page(inputs)
    assert doubts_about_lifetime({}) == []


def test_a_share_of_spend_is_not_called_spend() -> None:
    text = sentences(margin=0.3)
    assert "are expected to bring 30 % of their spend, 80,000 monetary units" in text


def test_who_is_not_told_of_is_counted() -> None:
    text = sentences(without_purchase=1, outside_window=3, repeat_customers=1000)
    assert "1 customer bought nothing in these lines" in text
    assert "3 lines are outside the window of days" in text
    assert "on one day only" not in text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"left_out": "3 customers bought again"}, "worth: 3 customers bought again."),
        ({"purchases": {"is_clear": False}}, "do not show how customers leave"),
        ({"correlation": 0.45}, "those of who bought often too low"),
        ({"correlation": -0.45}, "those of who bought often too high"),
        ({"expected": 300.0}, "too few, 300 where there were 500"),
        ({"expected": 700.0}, "too many, 700 where there were 500"),
    ],
)
def test_each_doubt_is_one_line_at_the_end_of_a_run_and_on_the_page(
    inputs: dict[str, Any],
    page: Callable[[dict[str, Any]], str],
    changes: dict[str, Any],
    says: str,
) -> None:
    if "expected" in changes:
        changes = {"check": summary_of()["check"] | changes}
    told = summary_of(**changes)
    (line,) = doubts_about_lifetime(told)
    assert says in line
    assert line in page(inputs | {"lifetime": told})


def test_where_all_is_well_there_is_no_doubt() -> None:
    assert doubts_about_lifetime(summary_of()) == []


def test_a_model_that_could_not_be_checked_says_why() -> None:
    check = {"days": 90, "left_out": "the lines before the last 90 days are of fewer"}
    assert "could not be checked on the last 90 days: the lines" in sentences(check=check)
    assert doubts_about_lifetime(summary_of(check=check)) == []
