"""What there is to tell: what is beyond its bound now and was not told, got worse, or is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from customer_segmentation.monitoring.alerts.report import Report, silence
from customer_segmentation.monitoring.alerts.settings import AlertSettings
from customer_segmentation.monitoring.findings import Finding, Source, Subject, Window
from customer_segmentation.monitoring.objectives import Severity

What = Literal["new", "worse", "still", "over"]
# Source, subject, name and measure: what a figure is of, whatever its window.
Key = tuple[Source, Subject, str, str]


@dataclass(frozen=True)
class Item:
    """One thing to tell.

    Attributes:
        what: Whether it is new, worse, still so, or over.
        severity: `page` is told at once, `ticket` not in quiet hours.
        noted_at: When it was found, UTC.
        finding: The figure.
        currency: Of its money.
    """

    what: What
    severity: Severity
    noted_at: str
    finding: Finding
    currency: str = ""

    @property
    def key(self) -> Key:
        """What it is of."""
        return key_of(self.finding)


@dataclass(frozen=True)
class Known:
    """What was told last of a figure.

    Attributes:
        item: The last one.
        worst: The largest value that was told since it is beyond.
    """

    item: Item
    worst: float

    @property
    def is_open(self) -> bool:
        """Whether it is still beyond its bound, for all that was told."""
        return self.item.what != "over" and not self.item.finding.is_step


def key_of(finding: Finding) -> Key:
    """What a figure is of."""
    return finding.window.source, finding.subject, finding.name, finding.measure


def known_of(items: Iterable[Item]) -> dict[Key, Known]:
    """What was told last of each figure, given all that was noted, the oldest first."""
    found: dict[Key, Known] = {}
    for item in items:
        found[item.key] = _after(found.get(item.key), item)
    return found


def _after(before: Known | None, item: Item) -> Known:
    worst = before.worst if before and before.is_open else 0.0
    return Known(item, max(worst, item.finding.value or 0.0))


def news(
    report: Report, known: Mapping[Key, Known], settings: AlertSettings, now: datetime
) -> list[Item]:
    """What there is to tell of a report, in the order of its findings, what is over last.

    Windows count in their order, and those before what was told last do not count again. A window
    without customers, or without the figure, changes nothing: nobody can say that it is over,
    unless customers are compared with another champion. What differs from the window before is told
    once a window, and never over: the next window's is another one.

    Args:
        report: What was found.
        known: What was told before.
        settings: When what was told is told again.
        now: The time.
    """
    told, found = dict(known), list[Item]()
    silent = silence(report, now, settings.silent_hours)
    for window, findings in (*report.in_order(), (silent.window, [silent])):
        for finding in (*findings, *_gone(window, findings, [*told.values()])):
            what = _what(finding, told.get(key_of(finding)), settings, now)
            if what is not None and _is_recent(finding, settings, now):
                severity: Severity = "page" if finding.subject in settings.page else "ticket"
                moment = now.isoformat(timespec="seconds")
                item = Item(what, severity, moment, finding, report.currency)
                found.append(item)
                told[item.key] = _after(told.get(item.key), item)
    return sorted(found, key=lambda item: (item.severity != "page", item.what == "over"))


def _what(
    finding: Finding, before: Known | None, settings: AlertSettings, now: datetime
) -> What | None:
    """What is to be told of a figure; None for nothing."""
    told = before.item.finding.window.start if before else ""
    if finding.window.start < told or (finding.is_step and finding.window.start == told):
        return None
    if before is None or not before.is_open:
        return "new" if finding.is_alarm else None
    if not finding.is_alarm:
        # A larger one may have lost its bound: of few customers, nobody can say.
        bound = before.item.finding.bound
        is_within = finding.bound is not None or bound is None or (finding.value or 0.0) <= bound
        return "over" if finding.value is not None and is_within else None
    if finding.value is not None and finding.value >= settings.worse * before.worst > 0.0:
        return "worse"
    passed = now - datetime.fromisoformat(before.item.noted_at)
    return "still" if passed >= timedelta(days=settings.again_days) else None


def _gone(window: Window, findings: list[Finding], told: Iterable[Known]) -> Iterator[Finding]:
    """What was told, and is not looked at any more since another champion is live."""
    there = {key_of(one) for one in findings}
    if not window.customers or not window.baseline:
        return
    for known in told:
        last = known.item.finding
        is_other = last.window.baseline and last.window.baseline != window.baseline
        if (
            known.is_open
            and last.window.source == window.source
            and window.start >= last.window.start
            and is_other
            and last.subject != "service"
            and key_of(last) not in there
        ):
            words = "It is not looked at any more: another champion is live."
            yield replace(last, window=window, value=0.0, since="", told=words, advice="")


def _is_recent(finding: Finding, settings: AlertSettings, now: datetime) -> bool:
    """Whether a window ended lately: what was long ago, before anybody was told, is no news.

    A batch's window is of the day of its snapshot, however old that is.
    """
    if finding.window.source == "batch":
        return True
    end = datetime.fromisoformat(finding.window.end)
    end = end if end.tzinfo else end.replace(tzinfo=now.tzinfo)
    return now - end < timedelta(days=settings.again_days)
