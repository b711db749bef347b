"""What customers are worth, in words: the whole, each segment, and how right the model was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from customer_segmentation.pipelines.reporting import phrases
from customer_segmentation.schema.schema import Schema

Rows = tuple[tuple[str, ...], ...]

# A correlation from which on Gamma-Gamma's values are biased, and an error of the model from which
# on its values only tell more from less.
_CORRELATED, _WRONG = 0.3, 0.25
_HEADINGS = ("Segment", "Customers", "Still buy", "Worth each", "Of all")
_CHECK_HEADINGS = ("Repeat purchases before", "Customers", "Expected", "Bought")


@dataclass(frozen=True)
class Worth:
    """The section of the page."""

    sentences: tuple[str, ...]
    headings: tuple[str, ...]
    rows: Rows
    check: tuple[str, ...]
    check_headings: tuple[str, ...]
    check_rows: Rows


def explain_lifetime(schema: Schema, summary: Mapping[str, Any]) -> Worth | None:
    """The section; None where nothing is told, which the notes explain.

    Args:
        schema: Names money.
        summary: What `lifetime_value` says.
    """
    if not summary or summary["left_out"]:
        return None
    money, check = schema.money.unit, summary["check"]
    sentences = (
        *_whole(summary, money),
        *_once(summary, money),
        *_not_told(summary),
        *_assumption(summary),
    )
    rows = tuple(_segment(one, summary["total"]) for one in summary["segments"])
    classes = () if check["left_out"] else check["classes"]
    return Worth(
        sentences, _HEADINGS, rows, _checked(check, money), _CHECK_HEADINGS, _classes(classes)
    )


def doubts_about_lifetime(summary: Mapping[str, Any]) -> list[str]:
    """One sentence a reason to doubt the values; none where none are told, or all is well."""
    if not summary:
        return []
    if summary["left_out"]:
        return [f"Left out: what customers are worth: {summary['left_out']}."]
    return [*_leaving_is_unclear(summary), *_correlated(summary), *_was_wrong(summary["check"])]


def _whole(summary: Mapping[str, Any], money: str) -> list[str]:
    customers, total = summary["customers"], summary["total"]
    days, margin = summary["horizon_days"], summary["margin"]
    what = "spend" if margin == 1.0 else f"bring {phrases.percent(margin)} of their spend,"
    purchases = sum(s["customers"] * s["mean_expected_purchases"] for s in summary["segments"])
    told = (
        f"In the next {phrases.count(days)} days, the {phrases.count(customers)} customers who "
        f"bought are expected to {what} {phrases.count(total)} {money}, "
        f"{phrases.amount(total / customers)} each. What comes later counts less, by "
        f"{phrases.percent(summary['yearly_discount'])} a year. They are expected to buy "
        f"{phrases.count(purchases)} times; all that a customer buys on a day counts as one "
        "purchase."
    )
    return [told]


def _once(summary: Mapping[str, Any], money: str) -> list[str]:
    once = summary["customers"] - summary["repeat_customers"]
    if not once:
        return []
    told = (
        f"{_have(once, 'bought')} on one day only: a purchase of theirs is taken to bring what one "
        f"does on average, {phrases.amount(summary['value_of_all'])} {money}, and the model takes "
        "them to buy still."
    )
    return [told]


def _not_told(summary: Mapping[str, Any]) -> list[str]:
    told = []
    if without := summary["without_purchase"]:
        told.append(
            f"{_have(without, 'bought')} nothing in these lines, and no worth is told of them."
        )
    if outside := summary["outside_window"]:
        lines = "line is" if outside == 1 else "lines are"
        told.append(
            f"{phrases.count(outside)} {lines} outside the window of days: who first bought before "
            "it looks as if they had begun in it."
        )
    return told


def _assumption(summary: Mapping[str, Any]) -> list[str]:
    told = (
        "The model takes it for granted that how often customers buy says nothing of how much they "
        f"spend on a purchase: their correlation is {phrases.score(summary['correlation'])}."
    )
    return [told]


def _leaving_is_unclear(summary: Mapping[str, Any]) -> list[str]:
    if summary["purchases"]["is_clear"]:
        return []
    told = (
        "The purchases do not show how customers leave, so do not rely "
        "on the probability that one still buys."
    )
    return [told]


def _correlated(summary: Mapping[str, Any]) -> list[str]:
    correlation = summary["correlation"]
    if abs(correlation) < _CORRELATED:
        return []
    more, bias = ("more", "low") if correlation > 0.0 else ("less", "high")
    told = (
        f"Who buys often spends {more} on a purchase (correlation {phrases.score(correlation)}), "
        "and the model takes it not to be so: the lifetime values of who bought seldom are "
        f"too {'high' if bias == 'low' else 'low'}, those of who bought often too {bias}."
    )
    return [told]


def _checked(check: Mapping[str, Any], money: str) -> tuple[str, ...]:
    days = phrases.count(check["days"])
    if check["left_out"]:
        return (f"The model could not be checked on the last {days} days: {check['left_out']}.",)
    told = (
        f"Checked: learned from what {phrases.count(check['customers'])} customers had bought "
        f"before the last {days} days, the model expected {phrases.count(check['expected'])} "
        f"purchases and {phrases.count(check['expected_spend'])} {money} of them in these days. "
        f"There were {phrases.count(check['bought'])} and {phrases.count(check['spent'])}."
    )
    return (told,)


def _was_wrong(check: Mapping[str, Any]) -> list[str]:
    if check["left_out"]:
        return []
    expected, bought = check["expected"], check["bought"]
    if abs(expected - bought) <= _WRONG * bought:
        return []
    many = "few" if expected < bought else "many"
    told = (
        f"Of the last {phrases.count(check['days'])} days the model of purchases "
        f"would have expected too {many}, {phrases.count(expected)} where there were "
        f"{phrases.count(bought)}, as where buying has seasons. Take the lifetime values to "
        "tell who is worth more, and not for amounts."
    )
    return [told]


def _have(customers: int, verb: str) -> str:
    return f"{phrases.count(customers)} {'customer' if customers == 1 else 'customers'} {verb}"


def _segment(segment: Mapping[str, Any], total: float) -> tuple[str, ...]:
    return (
        phrases.printable(segment["segment_name"]),
        phrases.count(segment["customers"]),
        phrases.percent(segment["mean_probability_alive"]),
        phrases.amount(segment["mean_lifetime_value"]),
        phrases.percent(segment["total"] / total),
    )


def _classes(classes: Any) -> Rows:  # noqa: ANN401 - of JSON
    ends = [one["repeats"] for one in classes[1:]]
    return tuple(
        (
            _range(one["repeats"], end),
            *(phrases.count(one[key]) for key in ("customers", "expected", "bought")),
        )
        for one, end in zip_longest(classes, ends)
    )


def _range(least: int, end: int | None) -> str:
    if end is None:
        return f"{least} or more"
    return f"{least} to {end - 1}" if end > least + 1 else str(least)
