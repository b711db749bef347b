"""What goes with spend, deals and answers, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from customer_segmentation.features.labels import label_of
from customer_segmentation.pipelines.reporting import phrases
from customer_segmentation.pipelines.reporting.cards import Bar

_UNRELATED = 0.2
_TOP = 5


@dataclass(frozen=True)
class Relation:
    """One feature that tells about a target: how much, and in which direction."""

    bar: Bar
    direction: str


@dataclass(frozen=True)
class Target:
    """What goes with a target, the most telling feature first."""

    name: str
    relations: tuple[Relation, ...]


def explain_relations(summary: Mapping[str, Any]) -> tuple[Target, ...]:
    """What goes with spend, deals and answers."""
    return tuple(
        Target(label_of(target), _relations(found[:_TOP]))
        for target, found in summary["top_features"].items()
        if found
    )


def _relations(found: Sequence[Mapping[str, Any]]) -> tuple[Relation, ...]:
    widest = max(item["mutual_information"] for item in found) or 1.0
    return tuple(
        Relation(
            Bar(
                label=phrases.capitalised(label_of(item["feature"])),
                text=phrases.score(item["mutual_information"]),
                length=round(100.0 * max(item["mutual_information"], 0.0) / widest, 2),
            ),
            direction(item["spearman"]),
        )
        for item in found
    )


def direction(spearman: float) -> str:
    """A rank correlation in words, with its number."""
    number = f"{spearman:+.2f}".replace("-", "\N{MINUS SIGN}")
    if abs(spearman) < _UNRELATED:
        return f"no clear direction ({number})"
    return f"{'rises' if spearman > 0.0 else 'falls'} with it ({number})"
