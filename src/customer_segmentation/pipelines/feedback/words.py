"""What is told of outcomes that came back: in the last lines of the run, and on its page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from customer_segmentation.campaigns import phrases, results
from customer_segmentation.customers.account import printable

Summary = Mapping[str, Any]

# Campaigns that the last lines tell of; the page has all.
_TOLD = 3


def lines(summary: Summary) -> list[str]:
    """What a run ends with."""
    told = [*account(summary), *summary["calibration"]["lines"]]
    measured = [one for one in summary["campaigns"] if "results" in one]
    for one in measured[-_TOLD:]:
        told += [f"Campaign {one['campaign']}: {each}" for each in _brought(one)]
    if more := len(measured) - _TOLD if len(measured) > _TOLD else 0:
        told.append(f"{more} other campaigns are on the page")
    told += [f"Campaign {one['campaign']}: {one['reason']}" for one in _untold(summary)]
    return [phrases.plain(each) for each in told]


def page(summary: Summary) -> dict[str, Any]:
    """What the page shows."""
    calibration = summary["calibration"]
    return {
        "account": [*account(summary)],
        "until": calibration["until"],
        "answer_days": calibration["answer_days"],
        "models": [_model(*one) for one in calibration["versions"].items()],
        "said": calibration["lines"],
        "campaigns": [results.page(one) for one in summary["campaigns"] if "results" in one],
        "untold": _untold(summary),
    }


def account(summary: Summary) -> Iterator[str]:
    """Where the outcomes that arrived went."""
    counts = summary["outcomes"]
    yield (
        f"Outcomes: {counts['arrived']:,} have arrived, {counts['new']:,} are new, "
        f"{counts['in_force']:,} are in force"
        + (f"; {counts['repeats']:,} came again as they were" if counts["repeats"] else "")
    )
    yield from summary["notes"]
    if counts["later"]:
        until = summary["calibration"]["until"]
        yield f"{counts['later']:,} of them happened after {until}, and count once that is over"
    for reason, count in counts["apart"].items():
        yield f"Kept apart (silver_outcomes_apart): {count:,}, since {printable(reason)}"
    if counts["without_plan"]:
        yield (
            f"{counts['without_plan']:,} new outcomes follow contacts whose plan is not known: "
            "they count for the campaign, and say nothing of the response model"
        )


def _brought(one: Mapping[str, Any]) -> Iterator[str]:
    for row in results.whole(one):
        yield results.effect(row, one["currency"])
        yield from results.profit(row, one["currency"])
    yield from (f"Warning: {each}" for each in results.warnings(one))


def _untold(summary: Summary) -> list[dict[str, str]]:
    return [one for one in summary["campaigns"] if "reason" in one]


def _model(version: str, one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "version": version,
        "contacts": f"{one['contacts']:,}",
        "answers": f"{one['answers']:,}",
        "expected": f"{one['expected']:,.1f}",
        "intercept": _number(one.get("intercept")),
        "slope": _number(one.get("slope")),
        "p_value": "" if one["p_value"] is None else f"{one['p_value']:.2g}",
        "moved": "" if one["moved"] is None else f"{100.0 * one['moved']:.0f}{phrases.SPACE}%",
        "departs": one["departs"],
        "is_known": one["p_value"] is not None,
    }


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
