"""Each window of a run against its baseline and the window before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.campaigns.phrases import count
from customer_segmentation.datasets.monitoring_hours import HoursReader
from customer_segmentation.monitoring.findings import Finding, Window
from customer_segmentation.monitoring.measures import measure
from customer_segmentation.monitoring.words import SIZE, place_of
from customer_segmentation.pipelines.monitoring.baselines import Baselines, Known
from customer_segmentation.pipelines.monitoring.calibrated import of_outcomes
from customer_segmentation.pipelines.monitoring.memory import Memory, alarms_of
from customer_segmentation.pipelines.monitoring.observed import ObservedRun, of_flow, of_rows
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


@dataclass(frozen=True)
class Means:
    """What windows are judged by.

    Attributes:
        schema: Names columns.
        planning: Costs and values of a campaign.
        latest: What outcomes have said of response models; None if nothing yet.
        tolerated: By how much the probabilities of a response model may be off.
        parameters: Bounds.
    """

    schema: Schema
    planning: CampaignParameters
    latest: Mapping[str, Any] | None
    tolerated: float
    parameters: MonitoringParameters

    @property
    def currency(self) -> str:
        """Of all amounts."""
        return self.planning.currency or self.schema.money.unit


def compare(
    run: ObservedRun, hours: HoursReader, memory: Memory, means: Means, today: date
) -> tuple[Compared, ...]:
    """The run's own window first, then days of the API and of the stream."""
    window = run.window
    before = memory.batch_before(window.start, window.baseline)
    counted = [Counted(window, run.summary, before, new=run.new)]
    for source in ("api", "stream"):
        counted += days_of(source, hours, memory, means.parameters.remembered, today)
    told: list[Compared] = []
    for one in counted:
        found = _compared(one, _known(one, run.baselines), means)
        more = _of_run(run, means) if one is counted[0] else []
        findings = _with_since([*found.findings, *more], told, memory)
        told.append(replace(found, findings=tuple(findings)))
    return tuple(told)


def _of_run(run: ObservedRun, means: Means) -> list[Finding]:
    """What only a run knows: of its rows, of who moved or is gone, and of outcomes."""
    found = [of_rows(run), *of_flow(run, means.parameters)]
    known = run.baselines.champion
    if isinstance(known, Known):
        found += of_outcomes(run.window, known, means.latest, means.tolerated)
    return found


def _known(counted: Counted, baselines: Baselines) -> Known | str:
    window = counted.window
    if not window.customers:
        return "nobody was counted"
    if window.source == "batch" or counted.summary is None:
        return baselines.champion
    return baselines.of(window.baseline, counted.summary.response)


def _compared(counted: Counted, known: Known | str, means: Means) -> Compared:
    window = counted.window
    if isinstance(known, str) or counted.summary is None:
        unknown = replace(window, baseline="")
        why = known if isinstance(known, str) else "nothing was counted in its bins"
        told = f"{place_of(window)} are compared with nothing: {why}."
        return Compared(unknown, (_size(unknown, told),), notes=_others(counted))
    baseline, summary, parameters = known.baseline, counted.summary, means.parameters
    measured = measure(
        window, baseline, summary, counted.before, parameters.bounds, new=counted.new
    )
    money = money_of(summary, known, means.planning, means.currency, means.latest)
    return Compared(
        window,
        (_size(window), *money.findings(window), *money.priced(measured)),
        costs=money.sentences(window),
        notes=_others(counted),
        pictures=pictures_of(measured, baseline, summary, means.schema, parameters.pictures),
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
    """Since when each alarm holds: as long as each window before had it, too.

    Alarms come first, those on rows before all: of half a delivery, everything is otherwise.
    """
    found = [*findings]
    window = found[0].window
    last = _alarms_before(window, told, memory)
    dated = [
        replace(one, since=last.get((one.subject, one.name, one.measure), window.start))
        if one.is_alarm
        else one
        for one in found
    ]
    return sorted(dated, key=lambda one: (not one.is_alarm, one.subject != "rows"))


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
