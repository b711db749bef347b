"""How k was chosen, and how firm the segments are, in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from customer_segmentation.pipelines.reporting import phrases
from customer_segmentation.schema.schema import Schema

# Kaufman and Rousseeuw, Finding groups in data (1990).
_STRUCTURE = ((0.7, "strong"), (0.5, "reasonable"), (0.25, "weak"))
_STABILITY = (
    (0.9, "the segments come out almost the same"),
    (0.8, "the segments come out much the same"),
    (0.6, "the segments come out similar, with other borders"),
)


def explain_choice(summary: Mapping[str, Any]) -> list[str]:
    """How k was chosen, in sentences."""
    number = phrases.capitalised(phrases.number_word(summary["k"]))
    return [
        f"{number} segments were chosen: {summary['rule']}. (k is the number of segments.)",
        _agreement(summary),
        f"{clearness(summary['silhouette'])} {steadiness(summary['stability'])}",
    ]


def choice_rows(
    summary: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """One row a k: its measures as text, what it is remarkable for, and whether it was chosen."""
    marks = {"k": "chosen", "best_silhouette_k": "best silhouette", "elbow_k": "elbow"}
    return [
        {
            "k": int(row["k"]),
            "inertia": phrases.count(row["inertia"]),
            "silhouette": phrases.score(row["silhouette"]),
            "stability": phrases.score(row["stability"]),
            "remark": ", ".join(mark for name, mark in marks.items() if summary[name] == row["k"]),
            "is_chosen": row["k"] == summary["k"],
        }
        for row in rows
    ]


def influences(schema: Schema, summary: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """One row a feature, what tells segments apart most first: label and two shares as text."""
    rows = sorted(summary["influence"], key=lambda row: -row["between_segments"])
    return [
        (
            phrases.capitalised(schema.label_of(row["feature"])),
            phrases.percent(row["of_distances"]),
            phrases.percent(row["between_segments"]),
        )
        for row in rows
    ]


def _agreement(summary: Mapping[str, Any]) -> str:
    k, best, elbow = (summary[name] for name in ("k", "best_silhouette_k", "elbow_k"))
    if k == best == elbow:
        return f"The best silhouette and the elbow of the inertia both say {k} too."
    if best == elbow:
        return (
            f"The best silhouette and the elbow of the inertia both say {best}; the rule chose {k}."
        )
    told = "the rule agrees with the " + ("elbow" if k == elbow else "silhouette")
    if k not in (best, elbow):
        told = f"the rule settles on {k}"
    return (
        f"The measures disagree: the best silhouette of all is at {best}, the elbow of the inertia "
        f"at {elbow}; {told}. That is common where groups of customers overlap."
    )


def clearness(silhouette: float) -> str:
    """The silhouette in words."""
    said = next((word for minimum, word in _STRUCTURE if silhouette > minimum), None)
    if said == "strong":
        return f"The segments stand clearly apart (silhouette {phrases.score(silhouette)})."
    told = f"{said} structure" if said else "hardly any structure"
    return (
        f"A silhouette of {phrases.score(silhouette)} means {told}: segments overlap, and "
        "customers near a border (a small margin) could belong to either side."
    )


def steadiness(stability: float) -> str:
    """The bootstrap's adjusted Rand index in words."""
    weakest = "the segments come out different: do not rely on them"
    told = next((words for minimum, words in _STABILITY if stability >= minimum), weakest)
    return (
        "Learned again on a resample of the customers, "
        f"{told} (bootstrap ARI {phrases.score(stability)}; 1 is identical, 0 is chance)."
    )


def explain_tendency(hopkins: Mapping[str, Any]) -> str:
    """Whether customers form groups at all."""
    value = hopkins["value"]
    if value is None:
        return ""
    told = f"Hopkins statistic {phrases.score(value)}: {hopkins['meaning']}"
    beside = hopkins.get("each_feature_shuffled")
    return f"{told} (here: {phrases.score(beside)})." if beside is not None else f"{told}."
