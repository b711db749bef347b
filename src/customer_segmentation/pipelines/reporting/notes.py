"""What a reader must know before using the segments: what is weak, left out, or far outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from customer_segmentation.features.labels import label_of
from customer_segmentation.pipelines.reporting import words

_MODELS = {"cold_start": "the cold-start model", "demonstration": "relearning the segments"}


def notes(clustering: Mapping[str, Any], supervised: Mapping[str, Any]) -> list[str]:
    """One sentence a fact, the gravest first; none where all is well.

    Args:
        clustering: What clustering says of itself.
        supervised: The metrics of supervised training.
    """
    return [
        *_weakness(clustering),
        *_left_out(clustering["left_out"], supervised),
        *_far_outside(clustering["far_outside"]),
    ]


def _weakness(clustering: Mapping[str, Any]) -> list[str]:
    if clustering["is_stable"]:
        return []
    how = f"stability {words.score(clustering['stability'])}; {clustering['rule']}"
    text = "learned again on customers drawn anew, others come out"
    return [f"The segments are weak: {text} ({how}). Do not build on them."]


def _left_out(decisions: Mapping[str, str], supervised: Mapping[str, Any]) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for name, reason in decisions.items():
        reasons.setdefault(reason, []).append(label_of(name))
    for name, title in _MODELS.items():
        if reason := supervised[name].get("left_out"):
            reasons.setdefault(reason, []).append(title)
    return [f"Left out: {words.listed(names)}: {reason}." for reason, names in reasons.items()]


def _far_outside(found: Iterable[Mapping[str, Any]]) -> list[str]:
    told = [
        f"{words.count(one['rows'])} by {label_of(one['column'])} "
        f"(customer {words.printable(one['customer_id'])}: {words.count(one['value'])})"
        for one in found
    ]
    if not told:
        return []
    silent = (
        "with a segment but without a say in names and expected spend (nor, by spend, in means)"
    )
    return [f"Far outside the rest, {silent}: {words.listed(told)}."]
