"""What a server that is watched keeps, as it is read, and waiting for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

from customer_segmentation.monitoring.hours import read_hours
from customer_segmentation.monitoring.shadow import ShadowCounts
from customer_segmentation.monitoring.summary import Summary

SECONDS = 60.0
HOUR = "2014-06-30T12"
_Found = TypeVar("_Found")


def until(found: Callable[[], _Found | None]) -> _Found:
    """What is found in the end; fails where it is not."""
    end = monotonic() + SECONDS
    while (value := found()) is None:
        assert monotonic() < end, "waited in vain"
        sleep(0.02)
    return value


def summary_of(root: Path, version: str) -> Summary | None:
    """What was counted of an artifact so far, in all hours."""
    total = None
    for versions in read_hours(str(root), "api").values():
        if summary := versions.get(version):
            total = total.merged(summary) if total else summary
    return total


def of_all(root: Path, version: str, customers: int) -> Summary:
    """The summary once it has so many customers; fails where it has more."""

    def found() -> Summary | None:
        summary = summary_of(root, version)
        assert summary is None or summary.customers <= customers
        return summary if summary and summary.customers == customers else None

    return until(found)


def beside(root: Path) -> dict[str, int]:
    """The other counts of all hours: cold starts, and who was dropped."""
    found = {"cold_start": 0, "dropped": 0}
    # Not one under way, which is renamed before it can be read.
    for file in root.rglob("summaries/**/[!.]*.json"):
        stated = json.loads(file.read_text())
        found = {name: count + stated[name] for name, count in found.items()}
    return found


def shadow_of(root: Path, challenger: str) -> ShadowCounts | None:
    """What was counted of a challenger so far."""
    total = None
    for file in (root / "shadow" / challenger).rglob("[!.]*.json"):
        counts = ShadowCounts.of(json.loads(file.read_text()))
        total = total.merged(counts) if total else counts
    return total


def options(root: Path, **settings: Any) -> list[str]:
    """Options of a server that writes its counts at once."""
    told = {"monitoring": root, "monitoring-seconds": 0.05, "job-workers": 0, "look-seconds": 0.05}
    told |= {name.replace("_", "-"): value for name, value in settings.items()}
    return [word for name, value in told.items() for word in (f"--{name}", str(value))]
