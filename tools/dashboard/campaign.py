"""What the page says of the planned campaign, and of what campaigns brought."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from customer_segmentation.campaigns.outcomes import AMOUNT
from customer_segmentation.pipelines.reporting.cards import Bar
from customer_segmentation.tables.campaign import CHOSEN
from customer_segmentation.tables.schemas import BROUGHT, COST, NOT_SHOWN, TOO_FEW
from tools.dashboard import words
from tools.dashboard.pictures import Span, span
from tools.dashboard.segments import Tile
from tools.dashboard.tables import Answers, Rows

# Of an outcome: what it is counted in, and what is said of an effect on it.
_ANSWERS, _PURCHASES = ("answers", "More answers", "Fewer answers"), ("spent", "More", "Less")


@dataclass(frozen=True)
class Result:
    """What a part of a campaign brought."""

    part: str
    size: str
    brought: str
    profit: str
    mark: Span | None
    verdict: str
    is_whole: bool


@dataclass(frozen=True)
class Campaign:
    """The section; what is not there is said in `notes`."""

    title: str
    tiles: tuple[Tile, ...]
    reasons: tuple[Bar, ...]
    offers: tuple[Bar, ...]
    results: tuple[tuple[str, tuple[Result, ...]], ...]
    notes: tuple[str, ...]


def campaign(answers: Answers, money: str) -> Campaign:
    """The plan, which is of the chosen day, and every result.

    Args:
        answers: Of all customers.
        money: The unit of profit.
    """
    plan, brought = answers.rows("campaign_plan"), answers.view("campaign_profit")
    notes = []
    if not plan:
        notes.append(
            "No campaign is planned yet: kedro run --pipeline=campaign_planning plans one."
        )
    if not brought:
        notes.append(
            "No campaign is measured yet: kedro run --pipeline=campaign_measurement tells what "
            "one brought, from the answers of the contacted and the held-out."
        )
    title = ""
    if plan:
        title = f"{words.label(plan[0]['campaign'])}, {words.day(plan[0]['campaign_day'])}"
    tiles = _tiles(plan, money) if plan else ()
    names = answers.options.get("segment", {})
    return Campaign(
        title, tiles, _reasons(plan), _offers(plan), _results(brought, names), tuple(notes)
    )


def _tiles(plan: Rows, money: str) -> tuple[Tile, ...]:
    chosen = [row for row in plan if row["why"] == CHOSEN]
    contacted, held_out = (sum(row[name] for row in plan) for name in ("contacted", "held_out"))
    everybody = words.count(sum(row["customers"] for row in plan))
    cost, profit = (sum(row[name] for row in chosen) for name in ("cost", "expected_profit"))
    return (
        Tile("Contacted", words.count(contacted), f"of {everybody} customers"),
        Tile("Held out", words.count(held_out), "by chance, to measure it"),
        Tile("Cost", words.count(cost), money),
        Tile("Expected profit", words.count(profit), money),
    )


def _reasons(plan: Rows) -> tuple[Bar, ...]:
    totals: dict[str, int] = {}
    for row in plan:
        totals[row["why"]] = totals.get(row["why"], 0) + row["customers"]
    return bars(totals)


def _offers(plan: Rows) -> tuple[Bar, ...]:
    totals: dict[str, int] = {}
    for row in plan:
        if row["contacted"]:
            name = f"{words.label(row['offer'])}, {words.label(row['channel'])}"
            totals[name] = totals.get(name, 0) + row["contacted"]
    return bars(totals)


def bars(totals: dict[str, int]) -> tuple[Bar, ...]:
    """A bar for each count, the longest first."""
    most = max(totals.values(), default=1)
    ordered = sorted(totals.items(), key=lambda one: (-one[1], one[0]))
    return tuple(
        Bar(words.capitalised(name), words.count(n), round(100.0 * n / most, 1), None)
        for name, n in ordered
    )


def _results(brought: Rows, names: Mapping[str, str]) -> tuple[tuple[str, tuple[Result, ...]], ...]:
    found = []
    for name, outcome in dict.fromkeys((row["campaign"], row["outcome"]) for row in brought):
        rows = [row for row in brought if (row["campaign"], row["outcome"]) == (name, outcome)]
        rows.sort(key=lambda row: (row["level"] != "all", row["level"], -row["contacted"]))
        ends = [abs(end) for row in rows for end in _each(row) if end is not None]
        furthest = max(ends, default=1.0) or 1.0
        noun = (_PURCHASES if outcome == AMOUNT else _ANSWERS)[0]
        title = f"What {words.label(name)} brought: {noun}"
        found.append((title, tuple(_result(row, furthest, names) for row in rows)))
    return tuple(found)


def _each(row: dict[str, float]) -> list[float | None]:
    """The ends of the profit's interval, by contacted customer."""
    return [
        row[name] / row["contacted"] if row[name] is not None and row["contacted"] else None
        for name in ("profit_low", "profit", "profit_high")
    ]


def _result(row: dict[str, float | str], furthest: float, names: Mapping[str, str]) -> Result:
    low, at, high = _each(row)  # type: ignore[arg-type]  # numbers where it reads them
    told = (names.get(str(row["segment"]), str(row["segment"])), str(row["offer"]))
    named = [words.label(name) for name in told if name]
    mark = None if low is None or at is None or high is None else span(low, at, high, furthest)
    _, more, less = _PURCHASES if row["outcome"] == AMOUNT else _ANSWERS
    verdicts = {
        BROUGHT: more,
        COST: less,
        NOT_SHOWN: "No effect shown",
        TOO_FEW: "Too few to tell",
    }
    return Result(
        ", ".join(named) or "The whole campaign",
        f"{words.count(float(row['contacted']))} contacted, "
        f"{words.count(float(row['held_out']))} held out",
        _interval(row, "incremental", "low", "high"),
        _interval(row, "profit", "profit_low", "profit_high"),
        mark,
        verdicts.get(str(row["verdict"]), str(row["verdict"])),
        row["level"] == "all",
    )


def _interval(row: dict[str, float | str], *names: str) -> str:
    """A number with its interval; a dash where it is not known."""
    if any(row[name] is None for name in names):
        return words.NONE
    told, low, high = (words.count(float(row[name])) for name in names)
    return f"{told} ({low} to {high})"
