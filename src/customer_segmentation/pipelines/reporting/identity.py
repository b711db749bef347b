"""Which segments are still the champion's, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customer_segmentation.pipelines.reporting import phrases


def explain_identity(identity: Mapping[str, Any]) -> list[str]:
    """One sentence on the segments that keep their names; none if nothing was compared."""
    carried = [one for one in identity["segments"] if one["is_carried"]]
    if not carried:
        return []
    told = [f"{one['name']} (distance {phrases.score(one['distance'])})" for one in carried]
    keep = "keeps its name" if len(told) == 1 else "keep their names"
    return [
        (
            f"Compared with the champion {identity['champion']}, {phrases.listed(told)} {keep}; "
            f"{phrases.percent(identity['moved'])} of customers change segment. Distances are to "
            "the champion's segment of the name; 1 is from that one to its next."
        )
    ]


def new_names(identity: Mapping[str, Any]) -> list[str]:
    """One sentence a kind of segment that is not what the champion's names say; none if all are."""
    if identity["unmatched"]:
        text = (
            f"Names start anew, and none means the champion's segment of that name: "
            f"{identity['unmatched']}."
        )
        return [text]
    segments = identity["segments"]
    new = [f"{one['name']}{_nearest(one)}" for one in segments if not one["is_carried"]]
    told = [f"New, against the champion {identity['champion']}: {phrases.listed(new)}."] * bool(new)
    if gone := identity["gone"]:
        told.append(f"Gone, of the champion's segments: {phrases.listed(gone)}.")
    return told + [
        (
            f"{one['name']} is named after the champion; by what it does now, it would be "
            f"{one['usual']}."
        )
        for one in segments
        if one["is_carried"] and _meaning(one["name"]) != _meaning(one["usual"])
    ]


def _nearest(segment: Mapping[str, Any]) -> str:
    if segment["distance"] is None:
        return ""
    return f" (nearest to {segment['nearest']}, distance {phrases.score(segment['distance'])})"


def _meaning(name: str) -> str:
    """A name without what tells it from others of the same."""
    return name.partition(", ")[0]
