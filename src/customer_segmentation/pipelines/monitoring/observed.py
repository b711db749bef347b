"""This run's customers, counted beside the champion's baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.customers.account import percent
from customer_segmentation.monitoring import phrases
from customer_segmentation.monitoring.distances import at_least_by_chance
from customer_segmentation.monitoring.findings import Finding, Window
from customer_segmentation.monitoring.learned_from import refused_of
from customer_segmentation.monitoring.summary import Summary
from customer_segmentation.pipelines.monitoring.baselines import Baselines, Known
from customer_segmentation.pipelines.monitoring.counted import count_customers, new_columns
from customer_segmentation.pipelines.monitoring.parameters import MonitoringParameters
from customer_segmentation.schema.schema import Schema

MOVED, GONE, LEFT_OUT = "moved_share", "gone_share", "left_out_share"


@dataclass(frozen=True)
class ObservedRun:
    """What a run saw.

    Attributes:
        window: Its snapshot.
        baselines: Of the environment's bundles.
        summary: Its customers in the bins of the champion's; None without a baseline.
        new: Columns that the champion knows nothing of.
        left_out: The share of rows that break the contract.
        both: Customers who had a segment in the state before, too; 0 where there is none.
        movers: Those of them whom other data moved to another segment.
        gone: Customers who had a segment in the state before, and have none now.
    """

    window: Window
    baselines: Baselines
    summary: Summary | None
    new: tuple[str, ...]
    left_out: float
    both: int
    movers: int
    gone: int


def observe(
    silver_customers: IntoFrame,
    row_accounting: Mapping[str, Any],
    segment_flow: Mapping[str, Any],
    bundles: BundleStore | None,
    schema: Schema,
) -> ObservedRun:
    """Count the customers, and say what became of rows and segments."""
    baselines = Baselines(bundles)
    champion = baselines.champion
    summary, version = None, ""
    new: tuple[str, ...] = ()
    if isinstance(champion, Known):
        version = champion.baseline.version
        customers: nw.LazyFrame[Any] = nw.from_native(silver_customers).lazy()
        counted = count_customers(customers, schema, champion)
        summary = counted.with_rejected(refused_of(row_accounting))
        new = new_columns(customers, schema, champion)
    day, both = row_accounting["as_of"], segment_flow["moved"] + segment_flow["stayed"]
    movers = sum(segment_flow["causes"][cause] for cause in ("data", "both"))
    is_compared = segment_flow["before"] is not None
    return ObservedRun(
        window=Window("batch", day, day, row_accounting["customers"], version),
        baselines=baselines,
        summary=summary,
        new=new,
        left_out=row_accounting["quarantined"] / row_accounting["rows_in"],
        both=both if is_compared else 0,
        movers=movers if is_compared else 0,
        gone=sum(segment_flow["left"].values()) if is_compared else 0,
    )


def of_rows(run: ObservedRun) -> Finding:
    """The share of rows that break the contract, which is only told: reasons have bounds."""
    told = f"{percent(run.left_out)} of the rows break the contract."
    return Finding(run.window, "rows", "", LEFT_OUT, run.left_out, None, told=told)


def of_flow(run: ObservedRun, parameters: MonitoringParameters) -> list[Finding]:
    """The shares of customers who moved and who are gone since the state before, if there is one.

    Of few customers a share beyond the bound can be chance, which is no alarm.
    """
    before = run.both + run.gone
    moved, gone = run.movers / max(1, run.both), run.gone / max(1, before)
    found = [
        Finding(
            *(run.window, "segment", "", MOVED, moved, parameters.moved),
            affected=run.movers,
            told=(
                f"Other data moved {percent(moved)} of the customers to another segment since the "
                "state before."
            ),
            advice="See in the report, Who moved, what those who moved have in common.",
        ),
        Finding(
            *(run.window, "rows", "", GONE, gone, parameters.gone),
            affected=run.gone,
            told=f"{percent(gone)} of the customers of the state before have no segment any more.",
            advice="Ask whether the source sent all of its customers, and run again with all.",
        ),
    ]
    counted = zip(found, (run.both, before), strict=True)
    return [_judged(one, of_them, parameters) for one, of_them in counted if of_them]


def _judged(finding: Finding, of_them: int, parameters: MonitoringParameters) -> Finding:
    if not finding.is_alarm or finding.bound is None:
        return replace(finding, advice="")
    chance = at_least_by_chance(finding.affected, of_them, finding.bound)
    if chance <= parameters.bounds.false_alarms:
        return finding
    told = finding.told + phrases.unsure(of_them, is_known=True)
    return replace(finding, bound=None, told=told, advice="")
