"""What is told of a window: figures with their bounds, and those beyond them in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

Source = Literal["batch", "api", "stream"]
Subject = Literal["input", "segment", "response", "rows", "service"]


@dataclass(frozen=True)
class Window:
    """What was watched: a run, or a day of the API or of a stream.

    Attributes:
        source: Where.
        start: UTC, in ISO format; of a batch, the day of its snapshot.
        end: Likewise.
        customers: Answered in it.
        baseline: Version of the artifact that it is compared with; '' without one.
    """

    source: Source
    start: str
    end: str
    customers: int
    baseline: str


@dataclass(frozen=True)
class Finding:
    """One figure of a window.

    Attributes:
        window: Of which.
        subject: What kind of thing it is about.
        name: Which one: a column, the key of a segment; '' for all.
        measure: Such as `psi`, `psi_before`, `wasserstein`, `missing_share`.
        value: The figure; None where it cannot be told.
        bound: Beyond which it is an alarm; None if it is only told.
        since: Start of the first of the windows in a row in which it is beyond; '' if it is not.
        affected: Customers whom it is about.
        money: What it is thought to cost a window, in the campaign's currency; None if unknown.
        told: What is so, in one sentence.
        advice: What to do, in one sentence; '' if it is not beyond.
    """

    window: Window
    subject: Subject
    name: str
    measure: str
    value: float | None
    bound: float | None
    since: str = ""
    affected: int = 0
    money: float | None = None
    told: str = ""
    advice: str = ""

    @property
    def is_alarm(self) -> bool:
        """Whether it is beyond its bound."""
        return self.value is not None and self.bound is not None and self.value > self.bound

    @property
    def is_step(self) -> bool:
        """Whether it is of the window before, and so over with its own window."""
        return self.measure.endswith("_before")

    def stated(self) -> dict[str, Any]:
        """As JSON, with its window and `is_alarm`."""
        return asdict(self) | {"is_alarm": self.is_alarm}

    @classmethod
    def of(cls, stated: Mapping[str, Any]) -> Self:
        """From JSON."""
        told = {name: value for name, value in stated.items() if name != "is_alarm"}
        return cls(**told | {"window": Window(**stated["window"])})
