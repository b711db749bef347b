"""Each window of a run against its baseline and the window before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.campaigns.phrases import count
from customer_segmentation.datasets.monitoring_hours import HoursReader
from customer_segmentation.monitoring.findings import Finding, Window
from customer_segmentation.monitoring.measures import measure
from customer_segmentation.monitoring.words import SIZE, place_of
from customer_segmentation.pipelines.monitoring.baselines import Baselines, Known
from customer_segmentation.pipelines.monitoring.memory import Memory, alarms_of
from customer_segmentation.pipelines.monitoring.observed import ObservedRun, of_movers, of_rows
from customer_segmentation.pipelines.monitoring.parameters import MonitoringParameters
from customer_segmentation.pipelines.monitoring.pictures import pictures_of
from customer_segmentation.pipelines.monitoring.profit import money_of
from customer_segmentation.pipelines.monitoring.windows import Counted, days_of
from customer_segmentation.schema.schema import Schema


@dataclass(frozen=True)
class Compared:
    """A window, and all that is told of it.

    Attributes:
        window: Which.
        findings: Alarms first, the worst of them first of all.
        costs: What it costs, in sentences.
        notes: What else must be known of it, likewise.
        pictures: Of what drifted, as JSON.
    """

    window: Window
    findings: tuple[Finding, ...]
    costs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    pictures: tuple[dict[str, Any], ...] = ()


def compare(  # noqa: PLR0913, PLR0917 - what windows are compared with
    run: ObservedRun,
    hours: HoursReader,
    memory: Memory,
    schema: Schema,
    planning: CampaignParameters,
    parameters: MonitoringParameters,
) -> tuple[Compared, ...]:
    """The run's own window first, then days of the API and of the stream."""
    window = run.window
    before = memory.batch_before(window.start, window.baseline)
    counted = [Counted(window, run.summary, before, new=run.new)]
    own = [
        of_rows(run),
        *of_movers(run, parameters.moved),
    ]
    for source in ("api", "stream"):
        counted += days_of(source, hours, memory, parameters.remembered)
    told: list[Compared] = []
    for one in counted:
        known = _known(one, run.baselines)
        found = _compared(one, known, schema, planning, parameters)
        more = own if one.window.source == "batch" else []
        findings = _with_since([*found.findings, *more], told, memory)
        told.append(replace(found, findings=tuple(findings)))
    return tuple(told)


def _known(counted: Counted, baselines: Baselines) -> Known | str:
    window = counted.window
    if not window.customers:
        return "nobody was counted"
    return baselines.champion if window.source == "batch" else baselines.of(window.baseline)


def _compared(
    counted: Counted,
    known: Known | str,
    schema: Schema,
    planning: CampaignParameters,
    parameters: MonitoringParameters,
) -> Compared:
    window = counted.window
    if isinstance(known, str) or counted.summary is None:
        unknown = replace(window, baseline="")
        why = known if isinstance(known, str) else "nothing was counted in its bins"
        told = f"{place_of(window)} are compared with nothing: {why}."
        return Compared(unknown, (_size(unknown, told),), notes=_others(counted))
    baseline, summary = known.baseline, counted.summary
    money = money_of(summary, known, planning, schema)
    measured = measure(
        window, baseline, summary, counted.before, parameters.bounds, new=counted.new
    )
    findings = [_size(window), *money.findings(window), *map(money.priced, measured)]
    return Compared(
        window,
        tuple(findings),
        costs=money.sentences(window),
        notes=_others(counted),
        pictures=pictures_of(measured, baseline, summary, schema, parameters.pictures),
    )


def _size(window: Window, told: str = "") -> Finding:
    """The row that every window has."""
    said = told or f"{count(window.customers)} customers were counted."
    return Finding(
        window,
        "rows",
        "",
        SIZE,
        float(window.customers),
        None,
        affected=window.customers,
        told=said,
    )


def _others(counted: Counted) -> tuple[str, ...]:
    if not counted.others:
        return ()
    told = (
        f"{place_of(counted.window)}: {count(counted.others)} more were answered by another "
        f"version than {counted.window.baseline}, and are not compared."
    )
    return (told,)


def _with_since(
    findings: Iterable[Finding], told: Sequence[Compared], memory: Memory
) -> list[Finding]:
    """Since when each alarm holds: as long as each window before had it, too. Alarms come first."""
    found = [*findings]
    window = found[0].window
    last = _alarms_before(window, told, memory)
    dated = [
        replace(one, since=last.get((one.subject, one.name, one.measure), window.start))
        if one.is_alarm
        else one
        for one in found
    ]
    return sorted(dated, key=lambda one: not one.is_alarm)


def _alarms_before(
    window: Window, told: Sequence[Compared], memory: Memory
) -> dict[tuple[str, str, str], str]:
    """Since when what was beyond its bound in the last window with customers had been so.

    That is nothing where the window was compared with another baseline.
    """
    earlier = {
        one.window.start: (one.window, one.alarms)
        for one in memory.of_source(window.source)
        if one.window.start < window.start
    }
    earlier |= {
        one.window.start: (one.window, alarms_of(one.findings))
        for one in told
        if one.window.source == window.source
    }
    seen = [earlier[start] for start in sorted(earlier) if earlier[start][0].customers]
    if not seen or seen[-1][0].baseline != window.baseline:
        return {}
    return {(subject, name, measure): since for subject, name, measure, since in seen[-1][1]}
