"""What the page draws of an input that drifted: its bins, then and now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from customer_segmentation.monitoring.bins import Bins
from customer_segmentation.monitoring.findings import Finding
from customer_segmentation.monitoring.summary import Baseline, Summary
from customer_segmentation.schema.schema import Schema

# Bins that can be told apart on a phone.
_MOST = 10


def pictures_of(
    findings: Sequence[Finding], baseline: Baseline, summary: Summary, schema: Schema, most: int
) -> tuple[dict[str, Any], ...]:
    """Of each input or segment that is beyond a bound, once, the worst first.

    Args:
        findings: Of a window.
        baseline: What it is compared with.
        summary: Its customers.
        schema: Names the columns.
        most: Pictures at most.
    """
    beyond = dict.fromkeys(
        one.name if one.subject == "input" else "segment"
        for one in findings
        if one.is_alarm and one.subject in {"input", "segment"}
    )
    drawn = [_picture(name, baseline, summary, schema) for name in beyond]
    return tuple(one for one in drawn if one)[:most]


def _picture(
    name: str, baseline: Baseline, summary: Summary, schema: Schema
) -> dict[str, Any] | None:
    if name == "segment":
        labels = [*baseline.segments, "without one"]
        was, now = baseline.summary.segments.tolist(), summary.segments.tolist()
        return {"label": "segment", "labels": labels, "baseline": was, "window": now}
    if name not in summary.columns or name not in baseline.summary.columns:
        return None
    joined = _joined(baseline.bins[name], baseline.summary.columns[name].tolist())
    counts = [baseline.summary.columns[name].tolist(), summary.columns[name].tolist()]
    was, now = ([sum(each[a:b]) for a, b in joined] for each in counts)
    labels = _labels(baseline.bins[name], joined)
    # Who has no value is drawn where there is anybody.
    end = len(labels) if was[-1] or now[-1] else -1
    drawn = {"labels": labels[:end], "baseline": was[:end], "window": now[:end]}
    return {"label": schema.label_of(name)} | drawn


def _joined(bins: Bins, was: Sequence[int]) -> list[tuple[int, int]]:
    """Where each bin of the picture begins and ends; who has no value is in the last."""
    if bins.labels or bins.count <= _MOST:
        return [(place, place + 1) for place in range(bins.count + 1)]
    share = sum(was[: bins.count]) / _MOST
    ends, inside = [], 0.0
    for place in range(bins.count):
        inside += was[place]
        if inside >= share or place == bins.count - 1:
            ends.append(place + 1)
            inside = 0.0
    starts = [0, *ends[:-1]]
    return [*zip(starts, ends, strict=True), (bins.count, bins.count + 1)]


def _labels(bins: Bins, joined: Sequence[tuple[int, int]]) -> list[str]:
    if bins.labels:
        return [*bins.labels, "none"]
    if not bins.edges:
        return ["any", "none"]
    labels = []
    for start, end in joined[:-1]:
        if start == 0:
            labels.append(f"below {bins.edges[end - 1]:,g}" if end <= len(bins.edges) else "any")
        else:
            labels.append(f"{bins.edges[start - 1]:,g} and more")
    return [*labels, "none"]
