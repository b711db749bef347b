"""Findings as rows of `gold_monitoring`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import pandas as pd

from customer_segmentation.monitoring.findings import Finding
from customer_segmentation.schema.parts import AS_OF
from customer_segmentation.tables.history import RECORDED_AT, RUN_ID
from customer_segmentation.tables.schemas import ARTIFACT_VERSION

_TYPES = {
    "value": "float64",
    "bound": "float64",
    "money": "float64",
    "is_alarm": "int64",
    "affected": "int64",
    "customers": "int64",
    AS_OF: "datetime64[us]",
}


def tabulated(
    findings: Sequence[Finding], as_of: str, recorded_at: str, run_id: str
) -> pd.DataFrame:
    """One row a finding.

    Args:
        findings: Of any windows.
        as_of: Day of the run's snapshot, in ISO format.
        recorded_at: When they are told, in UTC.
        run_id: Of the run.
    """
    day = datetime.combine(date.fromisoformat(as_of), datetime.min.time())
    rows = [_row(one) | {AS_OF: day, RECORDED_AT: recorded_at, RUN_ID: run_id} for one in findings]
    columns = [*_COLUMNS, AS_OF, RECORDED_AT, RUN_ID]
    table = pd.DataFrame(rows, columns=columns)
    texts = {name: "object" for name in columns if name not in _TYPES}
    return table.astype({**texts, **_TYPES})


def _row(finding: Finding) -> dict[str, Any]:
    window = finding.window
    return {
        "source": window.source,
        "window_start": window.start,
        "window_end": window.end,
        "subject": finding.subject,
        "name": finding.name,
        "measure": finding.measure,
        "value": finding.value,
        "bound": finding.bound,
        "is_alarm": int(finding.is_alarm),
        "since": finding.since,
        "affected": finding.affected,
        "money": finding.money,
        "customers": window.customers,
        ARTIFACT_VERSION: window.baseline,
    }


_COLUMNS = (
    *("source", "window_start", "window_end", "subject", "name", "measure", "value", "bound"),
    *("is_alarm", "since", "affected", "money", "customers", ARTIFACT_VERSION),
)
