"""Whether the customers of this run are still like those that the champion learned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from customer_segmentation.monitoring import words
from customer_segmentation.monitoring.findings import Finding


@dataclass(frozen=True)
class Drift:
    """The section of the report.

    Attributes:
        sentences: One paragraph each.
        rows: What is beyond its bound: told, figure, since, customers, cost, what to do.
        blind: What cannot be seen.
    """

    sentences: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    blind: str


def explain_drift(monitoring: Mapping[str, Any]) -> Drift:
    """The run's own window; those of the API and of streams are on the page of monitoring.

    Args:
        monitoring: What monitoring found; of its times, only the days of windows are told.
    """
    stated = monitoring["windows"][0]
    window = words.window_of(stated)
    findings = [Finding.of(each) for each in monitoring["findings"]]
    own = [one for one in findings if one.window == window]
    others = len(monitoring["windows"]) - 1
    more = [f"{_days(others)} of the API or a stream are on the page of monitoring."]
    return Drift(
        sentences=(words.verdict(window, own), *stated["costs"], *(more if others else [])),
        rows=tuple(words.rows(own, monitoring["currency"])),
        blind=monitoring["blind"][0],
    )


def _days(number: int) -> str:
    return "One day" if number == 1 else f"{number} days"
