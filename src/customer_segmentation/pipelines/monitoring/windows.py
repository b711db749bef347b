"""The windows that a run tells of: its own customers, and the days of the API and of a stream."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from customer_segmentation.datasets.monitoring_hours import HoursReader
from customer_segmentation.monitoring.findings import Source, Window
from customer_segmentation.monitoring.hours import ByTime, by_day
from customer_segmentation.monitoring.summary import Summary
from customer_segmentation.pipelines.monitoring.memory import Memory

# A gap of hours that are names only: whoever steps a clock by years makes no years of windows.
_LONGEST_GAP = timedelta(days=31)
# Days that a line names.
_SHOWN = 3

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Counted:
    """What was counted in a window.

    Attributes:
        window: Which.
        summary: The customers, in the bins of the window's baseline; None where nobody was counted.
        before: Those of the window before, in the same bins; None where there are none.
        others: Customers whom other versions answered, who are not in the summary.
        new: Columns that are there, and that the baseline's champion knows nothing of.
    """

    window: Window
    summary: Summary | None
    before: Summary | None
    others: int = 0
    new: tuple[str, ...] = ()


def days_of(
    source: Source, hours: HoursReader, memory: Memory, most: int, today: date
) -> list[Counted]:
    """The days of a source since the last that was told of, which may have grown since.

    Days have the names of their hours. A day without any hour between two that have some is a
    window without customers. Days beyond tomorrow, of a clock that was ahead, wait until they
    come: else no day until then would be later than the last that was told of.

    Args:
        source: `api` or `stream`.
        hours: Reads them.
        memory: What was told of before.
        most: Days at most, the newest.
        today: The run's.
    """
    last = (today + timedelta(days=1)).isoformat()
    told = [one.window.start for one in memory.of_source(source) if one.window.start <= last]
    # One more, to compare the first with.
    found = by_day(hours(source, told[-2] if len(told) > 1 else ""))
    first = told[-1] if told else ""
    days = sorted(filter(_is_day, found))
    if ahead := [day for day in days if day > last]:
        logger.warning(
            "Counts of %s are of days to come, and wait: %s. See to the clocks of those who wrote "
            "them, and of this machine.",
            *(source, ", ".join(ahead[:_SHOWN])),
        )
    named = _without_gaps([day for day in days if day <= last])
    counted = [
        _counted(source, day, found, named[place - 1] if place else None)
        for place, day in enumerate(named)
        if day >= first
    ]
    return counted[-most:]


def _is_day(name: str) -> bool:
    try:
        date.fromisoformat(name)
    except ValueError:
        return False
    return True


def _without_gaps(days: Sequence[str]) -> list[str]:
    """The days with those between them that nothing is known of."""
    found: list[str] = []
    for day in days:
        here = date.fromisoformat(day)
        if found and here - (last := date.fromisoformat(found[-1])) <= _LONGEST_GAP:
            between = range(1, (here - last).days)
            found += [(last + timedelta(days=number)).isoformat() for number in between]
        found.append(day)
    return found


def _counted(source: Source, day: str, days: ByTime, before: str | None) -> Counted:
    """A day, by the models that most customers were answered by."""
    end = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    versions = days.get(day, {})
    if not versions:
        return Counted(Window(source, day, end, 0, ""), None, None)
    version = max(sorted(versions), key=lambda one: versions[one].customers)
    summary = versions[version]
    return Counted(
        Window(source, day, end, summary.customers, summary.baseline),
        summary,
        days.get(before or "", {}).get(version),
        sum(each.customers for name, each in versions.items() if name != version),
    )
