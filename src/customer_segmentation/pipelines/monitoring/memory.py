"""What monitoring remembers of earlier windows, from one run to the next."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from customer_segmentation.monitoring.findings import Finding, Source, Window
from customer_segmentation.monitoring.summary import Summary

logger = logging.getLogger(__name__)

# Of batches: enough to compare with the day before, though a run for an older day came between.
_BATCHES = 3
_MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True)
class Remembered:
    """A window that was told of.

    Attributes:
        window: Which.
        alarms: Subject, name and measure of what was beyond its bound, and since when.
        digest: Of all that was told; the table has its rows.
    """

    window: Window
    alarms: tuple[tuple[str, str, str, str], ...]
    digest: str


@dataclass(frozen=True)
class Memory:
    """All that is remembered.

    Attributes:
        windows: By source and start.
        batches: Day of a snapshot -> the summary of its customers.
        recorded_at: When the last one was told of, in UTC; '' if none was.
    """

    windows: tuple[Remembered, ...] = ()
    batches: Mapping[str, Summary] = field(default_factory=dict)
    recorded_at: str = ""

    @classmethod
    def of(cls, stated: Mapping[str, Any] | None) -> Self:
        """From JSON; None is a first run's. What cannot be read is forgotten, and the log says so.

        No run fails for it: since when something is so is then told anew.
        """
        if stated is None:
            return cls()
        try:
            windows = tuple(_remembered(one) for one in stated["windows"])
            batches = {str(day): Summary.of(one) for day, one in stated["batches"].items()}
            moment = str(stated["recorded_at"])
            datetime.strptime(moment, _MOMENT).replace(tzinfo=UTC)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            logger.warning(
                "What monitoring remembers of earlier windows cannot be read (%r): it begins anew.",
                error,
            )
            return cls()
        return cls(windows, batches, moment)

    def stated(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "recorded_at": self.recorded_at,
            "windows": [asdict(one) for one in self.windows],
            "batches": {day: summary.stated() for day, summary in self.batches.items()},
        }

    def next_moment(self, now: datetime) -> str:
        """When what is told now is recorded: after all before, whatever the clocks say."""
        if self.recorded_at:
            last = datetime.strptime(self.recorded_at, _MOMENT).replace(tzinfo=UTC)
            now = max(now, last + timedelta(microseconds=1))
        return now.strftime(_MOMENT)

    def of_source(self, source: Source) -> list[Remembered]:
        """The windows of a source, the oldest first."""
        return [one for one in self.windows if one.window.source == source]

    def batch_before(self, day: str, baseline: str) -> Summary | None:
        """The customers of the last snapshot before a day, counted in the bins of a baseline."""
        days = [one for one in sorted(self.batches) if one < day]
        found = self.batches[days[-1]] if days else None
        return found if found and found.baseline == baseline else None

    def is_told(self, window: Window, digest: str) -> bool:
        """Whether the table says the same of a window."""
        return any((one.window, one.digest) == (window, digest) for one in self.windows)

    def with_windows(
        self,
        told: Iterable[tuple[Window, Sequence[Finding]]],
        batch: tuple[str, Summary | None],
        recorded_at: str,
        most: int,
    ) -> Self:
        """The same with what is told now, which replaces what was told of the same windows.

        Args:
            told: Windows with their findings.
            batch: Day of this run's snapshot, and its customers; None without a baseline.
            recorded_at: When it is told.
            most: Windows of each source that are remembered.
        """
        windows = {(one.window.source, one.window.start): one for one in self.windows}
        for window, findings in told:
            windows[window.source, window.start] = Remembered(
                window, alarms_of(findings), digest_of(findings)
            )
        ordered = [windows[key] for key in sorted(windows)]
        sources = sorted({one.window.source for one in ordered})
        kept = [
            one
            for source in sources
            for one in [each for each in ordered if each.window.source == source][-most:]
        ]
        day, summary = batch
        batches = {one: counted for one, counted in self.batches.items() if one != day}
        batches |= {day: summary} if summary else {}
        # The day before this one stays, too, though it is not among the last.
        last = {*sorted(batches)[-_BATCHES:], *[one for one in sorted(batches) if one <= day][-2:]}
        batches = {one: batches[one] for one in sorted(last)}
        return replace(self, windows=tuple(kept), batches=batches, recorded_at=recorded_at)


def _remembered(stated: Mapping[str, Any]) -> Remembered:
    alarms = tuple((each[0], each[1], each[2], each[3]) for each in stated["alarms"])
    return Remembered(Window(**stated["window"]), alarms, str(stated["digest"]))


def digest_of(findings: Iterable[Finding]) -> str:
    """Of all that the table says of a window."""
    stated = [one.stated() for one in findings]
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()


def alarms_of(findings: Iterable[Finding]) -> tuple[tuple[str, str, str, str], ...]:
    """Subject, name, measure and since when of what is beyond its bound."""
    return tuple(
        (one.subject, one.name, one.measure, one.since) for one in findings if one.is_alarm
    )
