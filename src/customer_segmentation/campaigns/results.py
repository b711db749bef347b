"""What a measurement says of a campaign: in the last lines of a run, and on a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from customer_segmentation.campaigns import phrases
from customer_segmentation.campaigns.outcomes import AMOUNT
from customer_segmentation.campaigns.phrases import SPACE
from customer_segmentation.customers.account import printable
from customer_segmentation.tables.schemas import BROUGHT, COST, NOT_SHOWN, TOO_FEW

Row = Mapping[str, Any]
Summary = Mapping[str, Any]

_TITLES = {
    "segment": "By segment",
    "offer": "By offer",
    "segment and offer": "By segment and offer",
}
# Parts that a line names.
_NAMED = 3
_UNSHOWN = (NOT_SHOWN, TOO_FEW)
_LABELS = {BROUGHT: "More", COST: "Less", NOT_SHOWN: "No effect shown", TOO_FEW: "Too few to tell"}
_TOO_FEW = (
    "too few answers to tell: five are needed in each arm, or ten purchases, at the rate of both"
)
_ONLY_CONTACTED = (
    "no row of the outcomes is of a customer who was held out. If the file leaves them out, all "
    "of this is wrong: it must have the answers of both"
)


def lines(summary: Summary) -> list[str]:
    """What a marketer reads at the end of the run."""
    told = [f"Campaign {summary['campaign']}: {_customers(summary)}", _account(summary)]
    told += [f"Warning: {each}" for each in warnings(summary)]
    for row in whole(summary):
        told.append(phrases.capitalised(effect(row, summary["currency"])))
        told += [phrases.capitalised(each) for each in profit(row, summary["currency"])]
    for outcome, level in _told_parts(summary):
        parts = _parts(_rows(summary, outcome, level))
        told.append(f"{_TITLES[level]}, {_noun(outcome)}: {parts}")
    return [phrases.plain(each) for each in told]


def page(summary: Summary) -> dict[str, Any]:
    """What the page shows."""
    currency = summary["currency"]
    return {
        "campaign": summary["campaign"],
        "lead": [phrases.capitalised(effect(row, currency)) for row in whole(summary)],
        "profit": [
            phrases.capitalised(each) for row in whole(summary) for each in profit(row, currency)
        ],
        "warnings": [phrases.capitalised(each) for each in warnings(summary)],
        "customers": _customers(summary),
        "account": _account(summary),
        "currency": currency,
        "tables": [_table(summary, outcome, level) for outcome, level in _told_parts(summary)],
    }


def whole(summary: Summary) -> list[Row]:
    """The results of the whole campaign, one an outcome."""
    return [row for row in summary["results"] if row["level"] == "all"]


def warnings(summary: Summary) -> list[str]:
    """What may make all figures wrong."""
    told = []
    if summary["hold_out_is_off"]:
        row = whole(summary)[0]
        share = row["held_out"] / (row["held_out"] + row["contacted"])
        told.append(
            f"{100.0 * share:.1f}{SPACE}% were held out, and "
            f"{100.0 * summary['planned_hold_out']:.1f}{SPACE}% were planned: chance does not "
            "explain that, so the two groups may differ in more than the contact. Find out why "
            "before believing a figure"
        )
    if summary["outcomes"]["only_contacted"]:
        told.append(_ONLY_CONTACTED)
    return told


def _told_parts(summary: Summary) -> list[tuple[str, str]]:
    """The outcomes and levels that say more than another level does."""
    told = []
    for outcome in _outcomes(summary):
        *single, both = ((level, len(_rows(summary, outcome, level))) for level in _TITLES)
        told += [(outcome, level) for level, number in single if number > 1]
        # Where a segment has one offer, or an offer one segment, they are the same parts.
        if both[1] > max(number for _, number in single):
            told.append((outcome, both[0]))
    return told


def effect(row: Row, currency: str) -> str:
    """What the whole campaign did to an outcome, in one sentence."""
    noun = _noun(row["outcome"])
    if row["verdict"] == TOO_FEW:
        return f"{noun}: {_TOO_FEW}."
    low, high = (_told(row, row[end], currency) for end in ("low", "high"))
    interval = f"95{SPACE}% interval {low} to {high}"
    means = f"{_mean(row, 'contacted')} of the contacted, {_mean(row, 'held_out')} of the held-out"
    if row["outcome"] == AMOUNT:
        means = means.replace(" of ", " a customer of ")
    if row["verdict"] == BROUGHT:
        brought = _told(row, row["incremental"], currency)
        return f"{noun}: the campaign brought {brought} ({interval}): {means}."
    if row["verdict"] == COST:
        lost = _told(row, -row["incremental"], currency)
        return f"{noun}: with the campaign there were {lost} less ({interval}): {means}."
    return f"{noun}: no effect was shown ({interval}): {means}."


def profit(row: Row, currency: str) -> list[str]:
    """What the whole campaign earned or lost, in one sentence; none where it cannot be told."""
    if row["profit"] is None:
        return []
    low, high = (f"{phrases.count(row[end])}" for end in ("profit_low", "profit_high"))
    after = f"after {phrases.count(row['cost'])} for contacts"
    interval = f"95{SPACE}% interval {low} to {high}, {after}"
    if row["profit_low"] > 0.0:
        return [f"profit: it earned {phrases.count(row['profit'])} {currency} ({interval})."]
    if row["profit_high"] < 0.0:
        return [f"profit: it lost {phrases.count(-row['profit'])} {currency} ({interval})."]
    return [f"profit: whether it paid is not shown ({interval}, in {currency})."]


def _customers(summary: Summary) -> str:
    row = whole(summary)[0]
    return f"{row['contacted']:,} customers contacted, {row['held_out']:,} held out"


def _account(summary: Summary) -> str:
    counts = summary["outcomes"]
    found, without = counts["found"], counts["without_row"]
    told = [f"{found:,} of them have outcomes; the {without:,} without count as no answer"]
    extra = {
        "not_in_campaign": "customers with outcomes who are not of the campaign",
        "other_campaigns": "rows of other campaigns",
        "several": "customers with several rows, which were joined (amounts are added up)",
    }
    told += [f"{text}: {counts[key]:,}" for key, text in extra.items() if counts[key]]
    if counts["ignored"]:
        told.append(f"not read: {', '.join(map(printable, counts['ignored'][:5]))}")
    return "; ".join(told)


def _parts(rows: Sequence[Row]) -> str:
    told = []
    for verdict, text in ((BROUGHT, "more in"), (COST, "less in")):
        if names := [part(row) for row in rows if row["verdict"] == verdict]:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            told.append(f"{text} {', '.join(names[:_NAMED])}{more}")
    counts = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in _UNSHOWN}
    told += [f"{verdict} in {count} of {len(rows)}" for verdict, count in counts.items() if count]
    return "; ".join(told)


def part(row: Row) -> str:
    """A segment, an offer or both, as people call them."""
    return ", ".join(phrases.spoken(row[name]) for name in ("segment", "offer") if row[name])


def _table(summary: Summary, outcome: str, level: str) -> dict[str, Any]:
    rows = _rows(summary, outcome, level)
    spans = [row[end] / row["contacted"] for row in rows for end in ("low", "high") if _known(row)]
    furthest = max(map(abs, spans), default=1.0) or 1.0
    return {
        "title": f"{_TITLES[level]}: {_noun(outcome)}",
        "has_profit": any(row["profit"] is not None for row in rows),
        "rows": [_shown(row, furthest, summary["currency"]) for row in rows],
    }


def _shown(row: Row, furthest: float, currency: str) -> dict[str, Any]:
    told: dict[str, Any] = {
        "part": part(row),
        "size": f"{row['contacted']:,} contacted, {row['held_out']:,} held out",
        "means": "",
        "brought": "",
        "profit": "",
        "verdict": _LABELS[row["verdict"]],
        "is_shown": row["verdict"] not in _UNSHOWN,
        "mark": None,
    }
    if not _known(row):
        return told
    ends = [_told(row, row[name], currency) for name in ("incremental", "low", "high")]
    told["means"] = f"{_mean(row, 'contacted')} against {_mean(row, 'held_out')}"
    told["brought"] = f"{ends[0]} ({ends[1]} to {ends[2]})"
    if row["profit"] is not None:
        profit = [phrases.count(row[name]) for name in ("profit", "profit_low", "profit_high")]
        told["profit"] = f"{profit[0]} ({profit[1]} to {profit[2]})"
    places = [
        round(50.0 + 50.0 * row[name] / row["contacted"] / furthest, 1)
        for name in ("low", "incremental", "high")
    ]
    told["mark"] = {"low": places[0], "at": places[1], "length": round(places[2] - places[0], 1)}
    return told


def _known(row: Row) -> bool:
    return row["incremental"] is not None


def _told(row: Row, number: float, currency: str) -> str:
    unit = f" {currency}" if row["outcome"] == AMOUNT else ""
    return f"{phrases.count(number)}{unit}"


def _mean(row: Row, arm: str) -> str:
    mean = row[f"mean_{arm}"]
    return f"{mean:.2f}" if row["outcome"] == AMOUNT else f"{100.0 * mean:.1f}{SPACE}%"


def _noun(outcome: str) -> str:
    return "purchases" if outcome == AMOUNT else "answers"


def _outcomes(summary: Summary) -> list[str]:
    return [row["outcome"] for row in whole(summary)]


def _rows(summary: Summary, outcome: str, level: str) -> list[Row]:
    return [r for r in summary["results"] if r["outcome"] == outcome and r["level"] == level]
