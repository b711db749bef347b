"""A message: what is told at once, in the words of every receiver."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from customer_segmentation.monitoring.alerts.news import Item, What
from customer_segmentation.monitoring.objectives import Severity

RUNBOOK = "docs/runbook.md"
# The rest is on the page; the smallest receiver takes 256 KiB.
_MOST = 40
_WORDS: dict[What, str] = {"new": "NEW", "worse": "WORSE", "still": "STILL", "over": "OVER"}


@dataclass(frozen=True)
class Message:
    """What is told at once.

    Attributes:
        number: Of its record.
        at: When it was made, UTC.
        environment: Of which.
        items: What it tells.
        receivers: Names of those who are to be told.
    """

    number: int
    at: str
    environment: str
    items: tuple[Item, ...]
    receivers: tuple[str, ...]

    @property
    def key(self) -> str:
        """The same however often it is sent: who has it already can tell by it."""
        told = json.dumps([self.environment, self.number, self.at])
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    @property
    def severity(self) -> Severity:
        """The most severe of what it tells."""
        pages = any(one.severity == "page" and one.what != "over" for one in self.items)
        return "page" if pages else "ticket"

    @property
    def title(self) -> str:
        """It in one line, in ASCII."""
        counts = Counter(one.what for one in self.items)
        told = ", ".join(f"{counts[what]} {what}" for what in _WORDS if counts[what])
        return f"[{self.severity}] customer segmentation, {self.environment}: {told}"

    @property
    def text(self) -> str:
        """It for people."""
        return "\n".join([self.title, "", *lines(self.items)])

    @property
    def json(self) -> dict[str, Any]:
        """It for machines."""
        return {
            "key": self.key,
            "environment": self.environment,
            "severity": self.severity,
            "at": self.at,
            "text": self.text,
            "alerts": [
                {"what": one.what, "severity": one.severity, "runbook": runbook(one)}
                | asdict(one.finding)
                for one in self.items
            ],
        }


def lines(items: Sequence[Item]) -> Iterator[str]:
    """What there is to tell, a few lines each; several figures of one thing are told together."""
    shown = items[:_MOST]
    for item in shown:
        finding = item.finding
        same = [one for one in shown if _about(one) == _about(item)]
        if same[0] is not item:
            continue
        named = f" {finding.name}" if finding.name else ""
        yield f"{_WORDS[item.what]}: {finding.subject}{named} ({finding.window.source})"
        facts = " ".join([finding.told, *(one.finding.told for one in same[1:]), *_facts(item)])
        yield f"  {facts}"
        if item.what != "over":
            if finding.advice:
                yield f"  {finding.advice}"
            yield f"  {runbook(item)}"
    if len(items) > _MOST:
        yield f"and {len(items) - _MOST:,} more: reporting/monitoring.html"


def _about(item: Item) -> tuple[str, ...]:
    finding = item.finding
    return item.what, finding.window.source, finding.window.start, finding.subject, finding.name


def _facts(item: Item) -> Iterator[str]:
    finding = item.finding
    if item.what == "over":
        yield "It is within its bound again."
        return
    if finding.since:
        yield f"Since {finding.since}."
    if finding.affected:
        yield f"{finding.affected:,} customers."
    if finding.money:
        money = f"{finding.money:,.0f} {item.currency}".rstrip()
        yield f"It is thought to cost {money} a window."


def runbook(item: Item) -> str:
    """Its line of the runbook."""
    return f"{RUNBOOK}#{line_of(item.finding.subject, item.finding.measure)}"


def line_of(subject: str, measure: str) -> str:
    """The anchor of the line about a measure, whatever it is compared with."""
    return f"{subject}-{measure.removesuffix('_before')}".replace("_", "-")
