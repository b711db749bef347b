"""Who answers a campaign: what contacting them would have brought, and how far that can be said."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from customer_segmentation.pipelines.reporting import phrases
from customer_segmentation.schema.schema import Schema

_POLICIES = {
    "model": "Those whom the model names",
    "segments": "Segments that answered often enough",
    "random": "As many as the model names, at random",
    "everybody": "Everybody",
    "nobody": "Nobody",
    "perfect": "Exactly those who answered",
}
_Z = 1.96
_NO_EFFECT = (
    "This counts answers, and is not the effect of contacting: in this file nobody was left alone "
    "by chance, so some of those who answered may have bought anyway. A campaign with a hold-out "
    "group shows what contacting brings."
)


@dataclass(frozen=True)
class Answers:
    """The section of the report.

    Attributes:
        sentences: One paragraph each.
        costs: What a contact costs in each column of the table, in words.
        rows: Policy, its profit at each cost, and whether it is the model's.
        note: What the figures are not.
    """

    sentences: Sequence[str]
    costs: Sequence[str] = ()
    rows: Sequence[tuple[str, Sequence[str], bool]] = ()
    note: str = ""


def explain_answers(schema: Schema, section: Mapping[str, Any]) -> Answers | None:
    """What the response model is worth; None where there is none.

    Args:
        schema: Names what is looked at, and the unit of money.
        section: `response` of the supervised metrics.
    """
    if "policies" not in section:
        return None
    rows, unit = section["policies"], section["currency"] or schema.money.unit
    now = rows[len(rows) // 2]
    return Answers(
        sentences=[
            _what_it_is(schema, section),
            _what_it_brings(section, now, unit),
            *_how_right(section),
        ],
        costs=[f"a contact costs {_amount(row['cost'])}" for row in rows],
        rows=[
            (title, [_amount(row["profits"][name]) for row in rows], name == "model")
            for name, title in _POLICIES.items()
        ],
        note=_NO_EFFECT,
    )


def _what_it_is(schema: Schema, section: Mapping[str, Any]) -> str:
    measured = section["measured"]
    earlier = any(schema.uses_outcome(name) for name in section["inputs"])
    return (
        f"{phrases.capitalised(phrases.percent(measured['answered']))} of "
        f"{phrases.count(section['rows'])} customers answered the last campaign. From what was "
        "known of a customer before it"
        f"{', answers to earlier campaigns among it' if earlier else ''}, the response model "
        "estimates how likely an answer is to an offer like that one. Each customer is judged here "
        "by a model that has seen neither them nor anybody who is equal to them."
    )


def _what_it_brings(section: Mapping[str, Any], now: Mapping[str, Any], unit: str) -> str:
    cost, value = (_amount(section[name]) for name in ("cost", "value"))
    offer = phrases.spoken(section["offer"])
    rule = f"For the offer {offer} a contact costs {cost} and an answer brings {value} {unit}"
    if section["cost"] >= section["value"]:
        return f"{rule}: nobody is worth contacting."
    least, most = (_amount(end) for end in now["interval"])
    return (
        f"{rule}, so that it pays to contact whoever answers with a probability above "
        f"{phrases.percent(section['cost'] / section['value'])}. That names "
        f"{phrases.count(now['contacted'])} customers, of whom {phrases.count(now['answers'])} "
        f"answered: a profit of {_amount(now['profits']['model'])} {unit}, in 95 of 100 such "
        f"customer bases between {least} and {most}."
    )


def _how_right(section: Mapping[str, Any]) -> list[str]:
    """What answers are seen where the model says so, at the probability from which it pays."""
    if not 0.0 < section["cost"] < section["value"]:
        return []
    said = section["cost"] / section["value"]
    seen, least, most = _calibrated(section["calibration"], said)
    return [
        (
            f"Where the model says {phrases.percent(said)}, {phrases.percent(seen)} answer "
            f"(between {phrases.percent(least)} and {phrases.percent(most)}). Of one customer who "
            "answered and one who did not, it ranks the first higher in "
            f"{phrases.percent(section['measured']['roc_auc'])} of all pairs; chance does in half "
            "of them."
        )
    ]


def _calibrated(calibration: Mapping[str, Any], said: float) -> tuple[float, float, float]:
    """The share that answers where `said` is predicted, and between which shares that is."""
    odds = math.log(said / (1.0 - said))
    seen = calibration["intercept"] + calibration["slope"] * odds
    (of_intercept, of_both), (_, of_slope) = calibration["covariance"]
    variance = of_intercept + 2.0 * odds * of_both + odds * odds * of_slope
    error = _Z * math.sqrt(max(variance, 0.0))
    chance, least, most = (
        1.0 / (1.0 + math.exp(-one)) for one in (seen, seen - error, seen + error)
    )
    return chance, least, most


def _amount(number: float) -> str:
    """An amount of money as short as it can be said."""
    if abs(number) >= 100.0 or float(number).is_integer():  # noqa: PLR2004 - fractions count for nothing
        return f"{number:,.0f}"
    return f"{number:,.2f}".rstrip("0").rstrip(".")
