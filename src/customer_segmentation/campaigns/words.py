"""A plan in sentences: its figures as a marketer reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from customer_segmentation.campaigns.summary import PLAN
from customer_segmentation.tables.campaign import CHOSEN, EXPLORATION, HELD_OUT, WHY

# Lists by their names in a summary.
LISTS = {
    PLAN: "This plan",
    "everybody": "Contact everybody",
    "segments": "Contact whole segments that pay",
    "random": "As many, drawn by chance",
    "nobody": "Contact nobody",
}
_COMPARED = ("everybody", "segments", "random")


def lines(summary: Mapping[str, Any]) -> list[str]:
    """What a run of the planner ends with."""
    plan = summary["lists"][PLAN]
    contacted = (
        f"Campaign {summary['campaign']}, planned for {summary['day']}: "
        f"{summary['contacted']:,} of {summary['customers']:,} customers are contacted, for "
        f"{in_money(plan['cost'], summary)}."
    )
    expected = (
        f"Expected profit: {in_money(plan['profit'], summary)}, and in {summary['level']:.0%} of "
        f"cases between {amount(plan['low'])} and {amount(plan['high'])}."
    )
    told = [contacted, expected, f"Instead: {'; '.join(_instead(summary))}."]
    if summary["held_out"]:
        told.append(
            f"Held out, to measure what the campaign brings: {summary['held_out']:,}, drawn by "
            "chance."
        )
    if summary["explored"]["contacts"]:
        told.append(explored(summary))
    if left := left_out(summary):
        told.append("Left out: " + ", ".join(f"{reason} ({n:,})" for reason, n in left) + ".")
    told += [f"What keeps the profit lower: {one}" for one in summary["binding"]]
    return [*told, *warnings(summary)]


def explored(summary: Mapping[str, Any]) -> str:
    """Who is contacted to learn from, and what it costs."""
    one = summary["explored"]
    without = summary["lists"][PLAN]["profit"] - one["profit"]
    return (
        f"Contacted though they do not pay, so that the response model learns of them: "
        f"{one['contacts']:,}, drawn by chance. Without them the expected profit would be "
        f"{in_money(without, summary)}."
    )


def left_out(summary: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Why customers are not contacted, the most frequent reason first."""
    counts = {w: summary["why"][w] for w in WHY if w not in {CHOSEN, HELD_OUT, EXPLORATION}}
    return sorted(((w, n) for w, n in counts.items() if n), key=lambda one: -one[1])


def warnings(summary: Mapping[str, Any]) -> Iterator[str]:
    """What was taken for granted."""
    consent = summary["consent"]
    if consent["ground"]:
        yield (
            f"Warning: {consent['on_ground']:,} customers may be contacted without a known "
            f"consent, on the ground stated: {consent['ground']}"
        )
    if consent["strangers"]:
        yield f"Warning: {consent['strangers']:,} ids with a consent are no customers here."
    if not summary["is_calibrated"]:
        yield (
            "Warning: the response model does not say how sure it is; the interval holds the "
            "chance of answers alone."
        )


def amount(number: float) -> str:
    """An amount of money, without the digits that nobody reads."""
    return f"{number:,.0f}" if abs(number) >= 100 or number == round(number) else f"{number:,.2f}"  # noqa: PLR2004 - from there on cents are noise


def in_money(number: float, summary: Mapping[str, Any]) -> str:
    """An amount with its currency."""
    return f"{amount(number)} {summary['currency']}".rstrip()


def _instead(summary: Mapping[str, Any]) -> Iterator[str]:
    for name in _COMPARED:
        profit = summary["lists"][name]["profit"]
        yield f"{LISTS[name][0].lower()}{LISTS[name][1:]}: {amount(profit)}"
