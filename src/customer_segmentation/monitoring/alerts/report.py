"""What monitoring found last: `reporting/monitoring.json` of an environment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from fsspec.core import url_to_fs
from pydantic import TypeAdapter, ValidationError

from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.findings import Finding, Window

FILE = "reporting/monitoring.json"
_HOUR = 3_600.0
# What has not run, as a measure.
SILENT = "hours_since_monitoring"


@dataclass(frozen=True)
class Report:
    """What was found.

    Attributes:
        recorded_at: When it was written, UTC.
        windows: All that were looked at.
        findings: The figures of all of them.
        blind: Sentences on what cannot be seen.
        currency: Of money.
    """

    recorded_at: datetime
    windows: tuple[Window, ...]
    findings: tuple[Finding, ...]
    blind: tuple[str, ...]
    currency: str = ""

    def in_order(self) -> Iterator[tuple[Window, list[Finding]]]:
        """Each window with its figures, those of a source by their time."""
        for window in sorted(self.windows, key=lambda one: (one.source, one.start)):
            yield window, [one for one in self.findings if one.window == window]


def read_report(data: str, run: str) -> Report:
    """The report of an environment.

    Args:
        data: Root of its files, a path or a URL.
        run: The command that writes one.

    Raises:
        UserError: There is none, or it is not as this project writes it.
    """
    place = f"{data.rstrip('/')}/{FILE}"
    files, path = url_to_fs(place, use_listings_cache=False)
    try:
        told = json.loads(files.cat_file(path))
        windows = TypeAdapter(tuple[Window, ...]).validate_python(told["windows"])
        stated = [{k: v for k, v in one.items() if k != "is_alarm"} for one in told["findings"]]
        # All at once, and checked: `Finding.of` believes what it is given.
        findings = TypeAdapter(tuple[Finding, ...]).validate_python(stated)
        recorded = datetime.fromisoformat(told["recorded_at"])
        blind = TypeAdapter(tuple[str, ...]).validate_python(told.get("blind", ()))
    except FileNotFoundError as error:
        raise UserError(f"{place} is not there yet: run {run}") from error
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{place} is not as this project wrote it: run {run}") from error
    recorded = recorded if recorded.tzinfo else recorded.replace(tzinfo=UTC)
    return Report(recorded, windows, findings, blind, str(told.get("currency") or ""))


def silence(report: Report, now: datetime, hours: float) -> Finding:
    """How long monitoring has not run; a clock that was put back counts as just now."""
    passed = max((now - report.recorded_at).total_seconds() / _HOUR, 0.0)
    moment = report.recorded_at.isoformat(timespec="seconds")
    is_late = passed > hours
    return Finding(
        Window("batch", moment, now.isoformat(timespec="seconds"), 0, ""),
        "service",
        "monitoring",
        SILENT,
        round(passed, 1),
        hours,
        since=moment if is_late else "",
        told=f"Monitoring ran {passed:,.0f} hours ago, last at {moment}.",
        advice="See why runs do not come or fail." if is_late else "",
    )
