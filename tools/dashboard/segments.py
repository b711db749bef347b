"""What the page says of segments, and of what to offer to whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from customer_segmentation.schema.schema import Schema
from tools.dashboard import words
from tools.dashboard.pictures import Part, parts, shade
from tools.dashboard.tables import Answers, Rows


@dataclass(frozen=True)
class Tile:
    """One figure, with what it is above it and what it is of below it."""

    title: str
    value: str
    note: str


@dataclass(frozen=True)
class Card:
    """A segment: how large it is, and what is known of it."""

    name: str
    colour: int
    size: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Matrix:
    """Shares of each segment's customers: for each column a text and a shade."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]


@dataclass(frozen=True)
class Segments:
    """The first two sections."""

    tiles: tuple[Tile, ...]
    by_size: list[Part]
    by_spend: list[Part]
    cards: tuple[Card, ...]
    matrices: tuple[Matrix, ...]


def colours_of(answers: Answers) -> dict[str, int]:
    """The number of each segment's colour, by name: the same whoever is chosen."""
    known = answers.options.get("segment", {})
    named = [*known.values(), *(r["segment_name"] for r in answers.view("current_segments"))]
    return {name: number for number, name in enumerate(dict.fromkeys(named))}


def segments(answers: Answers, schema: Schema) -> Segments:
    """The chosen customers, by segment."""
    colours = colours_of(answers)
    rows = answers.view("current_segments")
    now = sorted(rows, key=lambda row: colours[row["segment_name"]])
    revenue = {row["segment"]: row for row in answers.rows("revenue_by_segment")}
    waits = {row["segment"]: row for row in answers.rows("waits_for_offers")}
    worth = {row["segment"]: row for row in answers.rows("lifetime_value_by_segment")}
    offers = answers.rows("offers_by_segment")
    preferred = answers.rows("preferences")
    known = {"revenue": revenue, "worth": worth, "waits": waits}
    return Segments(
        tiles=tuple(_tiles(answers, schema, now, revenue, waits)),
        by_size=_bar(now, "share", colours),
        by_spend=_bar([*revenue.values()], "share_of_spend", colours),
        cards=tuple(
            Card(
                words.printable(row["segment_name"]),
                colours[row["segment_name"]],
                f"{words.customers(row['customers'])}, {words.percent(row['share'])}",
                tuple(_facts(row, schema, known, offers, preferred)),
            )
            for row in now
        ),
        matrices=tuple(_matrices(schema, now, offers, preferred)),
    )


def _tiles(
    answers: Answers, schema: Schema, now: Rows, revenue: dict[str, Any], waits: dict[str, Any]
) -> Iterable[Tile]:
    customers = sum(row["customers"] for row in now)
    of_all = f"of {words.count(customers)}"
    yield Tile(
        "Customers",
        words.count(customers),
        f"in {len(now)} {'segment' if len(now) == 1 else 'segments'}",
    )
    if revenue and customers:
        spend = sum(row["spend"] or 0.0 for row in revenue.values())
        unit = f"{schema.money.unit} in {schema.money.period}"
        yield Tile("Spend a customer", words.count(spend / customers), unit)
    if waits and customers:
        waiting = sum(row["waiting"] for row in waits.values())
        note = f"{words.count(waiting)} {of_all}"
        yield Tile("Wait for offers", words.percent(waiting / customers), note)
    if "affluent_likely_spenders" in answers.asked:
        found = answers.number("affluent_likely_spenders")
        yield Tile("Affluent, likely to spend", words.count(found), of_all)
    near = sum(row["near_the_border"] for row in now)
    share = words.percent(near / customers) if customers else words.NONE
    yield Tile("Near a border", share, "with a margin below 0.1")


def _bar(rows: Rows, share: str, colours: dict[str, int]) -> list[Part]:
    ordered = sorted(rows, key=lambda row: colours[row["segment_name"]])
    return parts(
        (
            words.printable(row["segment_name"]),
            row[share] or 0.0,
            words.percent(row[share] or 0.0),
            colours[row["segment_name"]],
        )
        for row in ordered
    )


def _facts(
    row: dict[str, Any],
    schema: Schema,
    known: Mapping[str, dict[str, Any]],
    offers: Rows,
    preferred: Rows,
) -> Iterable[tuple[str, str]]:
    key = row["segment"]
    if told := known["revenue"].get(key):
        yield "Spend a customer", words.count(told["mean_spend"] or 0.0)
        yield "Of all spend", words.percent(told["share_of_spend"] or 0.0)
    if told := known["worth"].get(key):
        yield "Expected worth of one", words.count(told["mean_lifetime_value"] or 0.0)
    if told := known["waits"].get(key):
        yield "Wait for offers", words.percent(told["share_waiting"])
    if mine := [one for one in offers if one["segment"] == key]:
        yield "Offer", _most(mine[0], "offer", {})
    for kind in ("product", "channel"):
        mine = [one for one in preferred if (one["segment"], one["preference"]) == (key, kind)]
        if mine:
            yield words.capitalised(kind), _most(mine[0], "preferred", schema.groups.get(kind, {}))
    yield "Near a border", words.percent(row["near_the_border"] / row["customers"])


def _most(row: dict[str, Any], name: str, labels: Any) -> str:  # noqa: ANN401 - a group's labels
    told = labels.get(row[name]) or words.label(row[name])
    return f"{words.capitalised(told)} ({words.percent(row['share'])})"


def _matrices(schema: Schema, now: Rows, offers: Rows, preferred: Rows) -> Iterable[Matrix]:
    names = {row["segment"]: words.printable(row["segment_name"]) for row in now}
    if offers:
        yield _matrix("What each segment is offered", names, offers, "offer", {})
    for kind in ("channel", "product"):
        rows = [one for one in preferred if one["preference"] == kind]
        if rows:
            title = f"The {kind} that stands out most"
            yield _matrix(title, names, rows, "preferred", schema.groups.get(kind, {}))


def _matrix(title: str, names: dict[str, str], rows: Rows, by: str, labels: Any) -> Matrix:  # noqa: ANN401 - as above
    totals: dict[str, int] = {}
    for row in rows:
        totals[row[by]] = totals.get(row[by], 0) + row["customers"]
    columns = sorted(totals, key=lambda value: -totals[value])
    shares = {(row["segment"], row[by]): row["share"] for row in rows}
    return Matrix(
        title,
        tuple(words.capitalised(labels.get(c) or words.label(c)) for c in columns),
        tuple(
            (name, tuple(_cell(shares.get((key, column))) for column in columns))
            for key, name in names.items()
        ),
    )


def _cell(share: float | None) -> tuple[str, int]:
    # Narrow, for phones.
    text = words.percent(share).replace("under", "<") if share else words.NONE
    return text, shade(share or 0.0)
