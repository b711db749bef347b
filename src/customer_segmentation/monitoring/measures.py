"""The figures of a window, judged: beyond what matters, and beyond what chance makes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from customer_segmentation.monitoring import phrases
from customer_segmentation.monitoring.bounds import Bounds
from customer_segmentation.monitoring.compared import Measured, Pair
from customer_segmentation.monitoring.figures import figures
from customer_segmentation.monitoring.findings import Finding, Subject, Window
from customer_segmentation.monitoring.summary import Baseline, Summary

# Causes before what they cause: a column that drifts moves segments.
_ORDER: tuple[Subject, ...] = ("rows", "input", "segment", "response", "service")


def measure(  # noqa: PLR0913 - a window, what it is compared with, and how
    window: Window,
    baseline: Baseline,
    now: Summary,
    before: Summary | None,
    bounds: Bounds,
    *,
    new: Iterable[str] = (),
) -> list[Finding]:
    """Every figure of a window, alarms first, the worst first of all; `since` is left empty.

    An alarm is beyond its bound, and unchanged data would be beyond it too rarely: Bonferroni over
    all tests of the window, so that of windows on unchanged data at most `bounds.false_alarms` have
    any alarm. What is beyond its bound by chance alone has no bound, and says so.

    Args:
        window: Which.
        baseline: What its champion learned from.
        now: The window's counts.
        before: Those of the window before; None, or of another baseline, if there is none.
        bounds: From where on a figure is an alarm.
        new: Columns that the source has, and the champion did not know.

    Raises:
        ValueError: The window was not counted in the baseline's bins.
    """
    if not now.customers:
        told = "Nobody was counted: nothing is compared."
        return [Finding(window, "rows", "", "compared", None, None, told=told)]
    baseline.require_fitting(now)
    pairs = [Pair(window, baseline, now, baseline.summary, is_before=False, bounds=bounds)]
    if before and before.baseline == baseline.version and before.customers:
        baseline.require_fitting(before)
        pairs.append(replace(pairs[0], then=before, is_before=True))
    measured = [each for pair in pairs for each in figures(pair)]
    tests = sum(each.finding.bound is not None for each in measured)
    allowed = bounds.false_alarms / max(1, tests)
    findings = [_judged(each, allowed) for each in measured]
    return sorted([*findings, *_not_compared(window, baseline, now, new)], key=_rank)


def _judged(measured: Measured, allowed: float) -> Finding:
    finding, chance = measured.finding, measured.chance
    if not finding.is_alarm:
        return finding
    if chance is not None and chance <= allowed:
        return replace(finding, advice=phrases.advice(finding))
    unsure = phrases.unsure(finding.window.customers, is_known=chance is not None)
    return replace(finding, bound=None, told=finding.told + unsure)


def _not_compared(
    window: Window, baseline: Baseline, now: Summary, new: Iterable[str]
) -> Iterable[Finding]:
    """Columns that only the window has, or only the baseline."""
    absent = sorted({*baseline.summary.columns} - {*now.columns})
    if absent:
        told = f"Not there any more, and not compared: {', '.join(absent)}."
        yield Finding(window, "rows", "", "absent_columns", float(len(absent)), None, told=told)
    if unknown := sorted({*new} - {*baseline.bins}):
        told = f"Not known to the champion, and not compared: {', '.join(unknown)}."
        yield Finding(window, "rows", "", "new_columns", float(len(unknown)), None, told=told)


def _rank(finding: Finding) -> tuple[bool, int, float, str, str]:
    value, bound = finding.value, finding.bound
    beyond = value / bound if value is not None and bound else 0.0
    order = _ORDER.index(finding.subject)
    # Two that are as far beyond come by their names, whatever rounding makes of them.
    return not finding.is_alarm, order, -round(beyond, 9), finding.name, finding.measure
