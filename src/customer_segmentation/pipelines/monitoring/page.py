"""What monitoring found, as one page of HTML that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from customer_segmentation.campaigns.phrases import capitalised, count
from customer_segmentation.monitoring import words
from customer_segmentation.monitoring.findings import Finding, Window
from customer_segmentation.pages import render
from customer_segmentation.pipelines.monitoring import drawn

# Smaller figures differ in nothing that anybody would act on.
_SMALLEST, _WHOLE = 0.001, 100.0
_SOURCES = {"batch": "Runs", "api": "Days of the API", "stream": "Days of the stream"}
_SUBJECTS = {
    "input": "Inputs",
    "segment": "Segments",
    "response": "Answers to campaigns",
    "rows": "Rows",
    "service": "Service",
}


def show_monitoring(monitoring_summary: dict[str, Any]) -> str:
    """The page of a run."""
    stated = monitoring_summary["windows"]
    windows = [words.window_of(each) for each in stated]
    findings = [Finding.of(each) for each in monitoring_summary["findings"]]
    by_window = {one: [f for f in findings if f.window == one] for one in windows}
    latest = {window.source: window for window in windows}
    costs = {window.source: each["costs"] for window, each in zip(windows, stated, strict=True)}
    return render(
        "monitoring",
        "monitoring.html.jinja",
        lead=[words.verdict(window, by_window[window]) for window in latest.values()],
        costs=[sentence for each in costs.values() for sentence in each],
        notes=[sentence for each in stated for sentence in each["notes"]],
        rows=words.rows(findings, monitoring_summary["currency"]),
        pictures=[
            drawn.histogram(
                capitalised(one["label"]), one["labels"], one["baseline"], one["window"]
            )
            for one in monitoring_summary["pictures"]
        ],
        picture_size=(drawn.WIDTH, drawn.HEIGHT),
        lines=_lines(monitoring_summary["timeline"]),
        figures=[
            {"title": words.place_of(window), "tables": _tables(by_window[window])}
            for window in latest.values()
            if window.baseline
        ],
        blind=monitoring_summary["blind"],
        recorded_at=monitoring_summary["recorded_at"],
        baselines=_baselines(windows),
    )


def _lines(timeline: Sequence[Mapping[str, Any]]) -> list[Any]:
    found = []
    for source, title in _SOURCES.items():
        if windows := [one for one in timeline if one["source"] == source]:
            found.append(drawn.time_line(title, windows))
    return found


def _tables(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """All figures by subject: a row a column or segment, a column a measure."""
    tables = []
    for subject, title in _SUBJECTS.items():
        own = [one for one in findings if one.subject == subject]
        measures = list(dict.fromkeys(one.measure for one in own))
        names = sorted({one.name for one in own})
        cells = {(one.name, one.measure): one for one in own}
        if own:
            tables.append(
                {
                    "title": title,
                    "measures": [capitalised(words.measure_name(each)) for each in measures],
                    "rows": [
                        (name or "all", [_cell(cells.get((name, m))) for m in measures])
                        for name in names
                    ],
                }
            )
    return tables


def _cell(finding: Finding | None) -> tuple[str, bool]:
    """The figure as text, and whether it is beyond its bound."""
    if finding is None or finding.value is None:
        return "", False
    value = finding.value
    whole = abs(value) >= _WHOLE or (float(value).is_integer() and value)
    if 0.0 < value < _SMALLEST:
        return f"under {_SMALLEST:g}", finding.is_alarm
    return (count(value) if whole else f"{value:.3g}"), finding.is_alarm


def _baselines(windows: Sequence[Window]) -> list[str]:
    return sorted({window.baseline for window in windows if window.baseline})
