"""What a reader must know before using the segments: what is weak, new, left out, far outside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from customer_segmentation.pipelines.reporting import phrases
from customer_segmentation.pipelines.reporting.identity import new_names
from customer_segmentation.pipelines.reporting.lifetime import doubts_about_lifetime
from customer_segmentation.schema.decisions import LACKING
from customer_segmentation.schema.schema import Schema

_MODELS = {
    "cold_start": "the cold-start model",
    "response": "the response model",
    "demonstration": "relearning the segments",
}


def notes(
    schema: Schema,
    clustering: Mapping[str, Any],
    identity: Mapping[str, Any],
    supervised: Mapping[str, Any],
    lifetime: Mapping[str, Any],
) -> list[str]:
    """One sentence a fact, the gravest first; none where all is well.

    Args:
        schema: Names what is left out.
        clustering: What clustering says of itself.
        identity: How its segments go with the champion's.
        supervised: The metrics of supervised training.
        lifetime: What is told of what customers are worth.
    """
    return [
        *no_groups(clustering),
        *_weakness(clustering),
        *new_names(identity),
        *_left_out(schema, clustering["left_out"], supervised),
        *_few_segments(clustering),
        *_uncapped(schema, clustering["uncapped"]),
        *_far_outside(schema, clustering["far_outside"]),
        *doubts_about_lifetime(lifetime),
    ]


def no_groups(clustering: Mapping[str, Any]) -> list[str]:
    """One sentence where segments only divide a continuum, else none."""
    structure = clustering["structure"]
    if structure["is_grouped"]:
        return []
    own, chance = (phrases.score(structure[name]) for name in ("silhouette", "by_chance"))
    text = (
        f"There are no groups here: {structure['k']} segments, seen from where they are furthest "
        f"apart, have a silhouette of {own}, and in tables of this size and shape without any "
        f"groups they reach {chance}. The segments divide a continuum: use them to tell more from "
        "less, and do not take them for kinds of customers."
    )
    return [text]


def _weakness(clustering: Mapping[str, Any]) -> list[str]:
    if clustering["is_stable"]:
        return []
    how = f"stability {phrases.score(clustering['stability'])}; {clustering['rule']}"
    text = "learned again on a resample of the customers, they come out different"
    return [f"The segments are weak: {text} ({how}). Do not rely on them."]


def _left_out(
    schema: Schema, decisions: Mapping[str, str], supervised: Mapping[str, Any]
) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for name, reason in decisions.items():
        # One sentence for all of them: what a schema lacks is known to who wrote it.
        told = "the schema names no roles for them" if reason.startswith(LACKING) else reason
        reasons.setdefault(told, []).append(schema.label_of(name))
    for name, title in _MODELS.items():
        if reason := supervised[name].get("left_out"):
            reasons.setdefault(reason, []).append(title)
    return [f"Left out: {phrases.listed(names)}: {reason}." for reason, names in reasons.items()]


def _few_segments(clustering: Mapping[str, Any]) -> list[str]:
    if not clustering["k_bounded_by"]:
        return []
    text = f"Fewer segments were tried than the {clustering['k_maximum']} of clustering.k.maximum"
    return [f"{text}: {clustering['k_bounded_by']}."]


def _uncapped(schema: Schema, names: Iterable[str]) -> list[str]:
    told = phrases.listed([schema.label_of(name) for name in names])
    if not told:
        return []
    why = "most customers have the least value, and a cap would leave nothing else"
    return [f"Not capped when customers are grouped: {told}: {why}."]


def _far_outside(schema: Schema, extremes: Iterable[Mapping[str, Any]]) -> list[str]:
    told = [f"{schema.label_of(one['column'])} of {_whom(one)}" for one in extremes]
    if not told:
        return []
    ignored = "are ignored when segments are named and expected spend is learned"
    averages = "those with extreme spend are left out of all averages, too"
    return [
        (
            f"Extreme values: {phrases.listed(told)}. These customers get a segment, but "
            f"{ignored}; {averages}."
        )
    ]


def _whom(one: Mapping[str, Any]) -> str:
    furthest = f"{phrases.printable(one['customer_id'])} ({phrases.count(one['value'])})"
    if one["rows"] == 1:
        return f"customer {furthest}"
    return f"{phrases.count(one['rows'])} customers, such as {furthest}"
