"""Two summaries of one baseline's bins, and a figure of them before it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from customer_segmentation.monitoring.bounds import Bounds
from customer_segmentation.monitoring.findings import Finding, Subject, Window
from customer_segmentation.monitoring.summary import Baseline, Summary


@dataclass(frozen=True)
class Measured:
    """A figure, before it is known how many others there are.

    Attributes:
        finding: The figure, with the bound from where on it matters.
        chance: The probability that unchanged data differ as much; None if nobody can tell.
    """

    finding: Finding
    chance: float | None


@dataclass(frozen=True)
class Pair:
    """A window's summary, and what it is compared with.

    Attributes:
        window: Which.
        baseline: Whose bins.
        now: The window's.
        then: What it is compared with.
        is_before: Whether that is the window before, or else the training data.
        bounds: From where on a figure matters.
    """

    window: Window
    baseline: Baseline
    now: Summary
    then: Summary
    is_before: bool
    bounds: Bounds

    @property
    def against(self) -> str:
        """What the window is compared with, in words."""
        return "the window before" if self.is_before else "the training data"

    def measured(
        self,
        subject: Subject,
        name: str,
        measure: str,
        chance: float | None,
        **told: Any,  # noqa: ANN401 - fields of a finding
    ) -> Measured:
        """A figure of this comparison; one against the window before has another name."""
        own = f"{measure}_before" if self.is_before else measure
        finding = Finding(self.window, subject, name, own, **told)
        return Measured(finding, chance)
