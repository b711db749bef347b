"""What goes with spend, deals and answers, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from customer_segmentation.pipelines.reporting import phrases
from customer_segmentation.pipelines.reporting.cards import Bar
from customer_segmentation.schema.schema import Schema

_UNRELATED = 0.2
_TOP = 5


def explain_relations(schema: Schema, summary: Mapping[str, Any]) -> dict[str, list[Bar]]:
    """Target -> what goes with it, the most telling feature first; its direction is the note."""
    return {
        schema.label_of(target): _bars(schema, features[:_TOP])
        for target, features in summary["top_features"].items()
        if features
    }


def _bars(schema: Schema, features: Sequence[Mapping[str, Any]]) -> list[Bar]:
    widest = max(feature["mutual_information"] for feature in features) or 1.0
    return [
        Bar(
            label=phrases.capitalised(schema.label_of(feature["feature"])),
            text=phrases.score(feature["mutual_information"]),
            length=round(100.0 * max(feature["mutual_information"], 0.0) / widest, 2),
            note=direction(feature["spearman"]),
        )
        for feature in features
    ]


def direction(spearman: float) -> str:
    """A rank correlation in words, with its number."""
    number = f"{spearman:+.2f}".replace("-", "\N{MINUS SIGN}")
    if abs(spearman) < _UNRELATED:
        return f"no clear direction ({number})"
    return f"{'rises' if spearman > 0.0 else 'falls'} with it ({number})"
