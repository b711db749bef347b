"""Watch the windows of a run: what is beyond its bound, since when, and what that costs."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from narwhals.typing import IntoDataFrame, IntoFrame

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.datasets.before_run import BeforeRun
from customer_segmentation.datasets.monitoring_hours import HoursReader
from customer_segmentation.feedback.parameters import FeedbackParameters
from customer_segmentation.monitoring import words
from customer_segmentation.monitoring.findings import Finding
from customer_segmentation.pipelines.monitoring.comparing import Compared, Means, compare
from customer_segmentation.pipelines.monitoring.memory import Memory, digest_of
from customer_segmentation.pipelines.monitoring.observed import ObservedRun, observe
from customer_segmentation.pipelines.monitoring.parameters import MonitoringParameters
from customer_segmentation.pipelines.monitoring.table import tabulated
from customer_segmentation.schema.schema import Schema


@dataclass(frozen=True)
class WatchedWindows:
    """What is told of the windows of a run.

    Attributes:
        compared: Each window with its findings; the run's own is the first.
        before: What was remembered.
        memory: What is remembered from now on.
        run_id: Of the run.
        currency: Of money.
        remembered: Of each source, as many windows are shown.
    """

    compared: tuple[Compared, ...]
    before: Memory
    memory: Memory
    run_id: str
    currency: str


def observe_run(
    silver_customers: IntoFrame,
    row_accounting: dict[str, Any],
    segment_flow: dict[str, Any],
    bundles: BundleStore | None,
    customers: Schema,
) -> ObservedRun:
    """This run's customers in the bins of the champion that was live before it."""
    return observe(silver_customers, row_accounting, segment_flow, bundles, customers)


def watch_windows(  # noqa: PLR0913, PLR0917 - what windows are compared with
    observed_run: ObservedRun,
    monitoring_hours: HoursReader,
    monitoring_before: BeforeRun,
    latest_calibration: dict[str, Any] | None,
    customers: Schema,
    campaign_planning: CampaignParameters,
    feedback: FeedbackParameters,
    monitoring: MonitoringParameters,
) -> WatchedWindows:
    """This run and the days of API and stream against what the champion learned from."""
    memory = Memory.of(monitoring_before.content)
    means = Means(customers, campaign_planning, latest_calibration, feedback.tolerated, monitoring)
    today = monitoring_before.now.date()
    compared = compare(observed_run, monitoring_hours, memory, means, today)
    told = [(one.window, one.findings) for one in compared]
    return WatchedWindows(
        compared=compared,
        before=memory,
        memory=memory.with_windows(
            told,
            (observed_run.window.start, observed_run.summary),
            memory.next_moment(monitoring_before.now),
            monitoring.remembered,
        ),
        run_id=monitoring_before.run_id,
        currency=means.currency,
    )


def record_findings(
    watched_windows: WatchedWindows,
) -> tuple[IntoDataFrame, dict[str, Any], dict[str, Any]]:
    """Rows to append, what is remembered, and what is told.

    Rows are of windows of which the table does not say the same yet.
    """
    compared, memory = watched_windows.compared, watched_windows.memory
    new = [
        finding
        for one in compared
        if not watched_windows.before.is_told(one.window, digest_of(one.findings))
        for finding in one.findings
    ]
    as_of = compared[0].window.start
    rows = tabulated(new, as_of, memory.recorded_at, watched_windows.run_id)
    return rows, memory.stated(), _summary(watched_windows)


def track_windows(monitoring_summary: dict[str, Any]) -> dict[str, dict[str, float]]:
    """For MLflow: every figure of the latest window of each source."""
    latest = {each["source"]: words.window_of(each) for each in monitoring_summary["windows"]}
    findings = [Finding.of(each) for each in monitoring_summary["findings"]]
    figures: dict[str, float] = {}
    for source, window in latest.items():
        own = [one for one in findings if one.window == window]
        figures[f"{source}.alarms"] = float(sum(one.is_alarm for one in own))
        figures |= {f"{source}.{_key(one)}": one.value for one in own if one.value is not None}
    return {name: {"value": value, "step": 0} for name, value in figures.items()}


def _summary(watched: WatchedWindows) -> dict[str, Any]:
    """`monitoring.json`: all figures of the latest window of each source, and every alarm."""
    latest = {one.window.source: one for one in watched.compared}
    findings = [
        finding
        for one in watched.compared
        for finding in one.findings
        if finding.is_alarm or latest[one.window.source] is one
    ]
    return {
        "recorded_at": watched.memory.recorded_at,
        "currency": watched.currency,
        "windows": [
            asdict(one.window) | {"costs": [*one.costs], "notes": [*one.notes]}
            for one in watched.compared
        ],
        "findings": [finding.stated() for finding in findings],
        "pictures": [picture for one in latest.values() for picture in one.pictures],
        "timeline": _timeline(watched.memory),
        "blind": [*words.BLIND],
        "lines": words.lines(findings),
    }


def _timeline(memory: Memory) -> list[dict[str, Any]]:
    return [
        {
            "source": one.window.source,
            "start": one.window.start,
            "customers": one.window.customers,
            "alarms": len(one.alarms),
            "is_compared": bool(one.window.baseline),
        }
        for one in memory.windows
    ]


def _key(finding: Finding) -> str:
    told = ".".join(part for part in (finding.subject, finding.name, finding.measure) if part)
    # MLflow allows few characters, and the name of a reason or segment may hold any.
    return re.sub(r"[^\w./\- ]", "_", told)
