"""Reports of monitoring and receivers, for the tests of alerts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.alerts.message import Message
from customer_segmentation.monitoring.alerts.report import FILE
from customer_segmentation.monitoring.alerts.settings import AlertSettings, alert_settings
from customer_segmentation.monitoring.commands import Environment
from customer_segmentation.monitoring.findings import Finding, Source, Subject, Window

# A Tuesday, at noon and in the night.
NOON, NIGHT = datetime(2026, 12, 1, 12, tzinfo=UTC), datetime(2026, 12, 1, 23, tzinfo=UTC)
MORNING = datetime(2026, 12, 2, 8, tzinfo=UTC)
QUIET = {"begin": "20:00", "end": "07:00"}


def window(
    day: str = "2026-11-30", source: Source = "api", baseline: str = "v1", customers: int = 10_000
) -> Window:
    return Window(source, f"{day}T00:00:00+00:00", f"{day}T23:59:59+00:00", customers, baseline)


def finding(
    value: float | None,
    of: Window | None = None,
    *,
    subject: Subject = "input",
    name: str = "income",
    measure: str = "psi",
) -> Finding:
    """A figure whose bound is 0.2."""
    of = of or window()
    is_beyond = value is not None and value > 0.2
    return Finding(
        of,
        subject,
        name,
        measure,
        value,
        0.2,
        since=of.start if is_beyond else "",
        affected=1_234 if is_beyond else 0,
        money=340.0 if is_beyond else None,
        told=f"{name} is spread otherwise: {value}.",
        advice="Look at its source." if is_beyond else "",
    )


def write(
    data: Path, *findings: Finding, at: datetime = NOON, windows: Sequence[Window] = ()
) -> None:
    """Write a report of figures, and of windows that have none."""
    place = data / FILE
    place.parent.mkdir(parents=True, exist_ok=True)
    every = [*dict.fromkeys([*(one.window for one in findings), *windows])]
    told = {
        "recorded_at": at.isoformat(),
        "currency": "euros",
        # With what the page shows besides.
        "windows": [vars(one) | {"costs": None, "notes": []} for one in every],
        "findings": [one.stated() for one in findings],
        "blind": ["Answers of the last campaign are not known."],
        "lines": [],
    }
    place.write_text(json.dumps(told), "utf-8")


def settings(**changes: Any) -> AlertSettings:
    return alert_settings(changes)


def environment(folder: Path, **changes: Any) -> Environment:
    return Environment("dev", str(folder), str(folder / "monitoring/alerts"), settings(**changes))


class Listener:
    """Keeps what it is told, once a key; refuses while it is down."""

    def __init__(self, name: str = "listener") -> None:
        self.name, self.is_down = name, False
        self.heard: list[Message] = []

    def tell(self, message: Message) -> None:
        if self.is_down:
            raise UserError(f"{self.name} is down")
        if message.key not in {one.key for one in self.heard}:
            self.heard.append(message)

    @property
    def items(self) -> list[tuple[str, str, str]]:
        """What it was told: what, which, and the figure."""
        return [
            (one.what, one.finding.name, str(one.finding.value))
            for message in self.heard
            for one in message.items
        ]
