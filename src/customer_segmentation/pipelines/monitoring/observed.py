"""This run's customers, counted beside the champion's baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.customers.account import percent
from customer_segmentation.monitoring.findings import Finding, Window
from customer_segmentation.monitoring.learned_from import refused_of
from customer_segmentation.monitoring.summary import Summary
from customer_segmentation.pipelines.monitoring.baselines import Baselines, Known
from customer_segmentation.pipelines.monitoring.counted import count_customers, new_columns
from customer_segmentation.schema.schema import Schema

MOVED, LEFT_OUT = "moved_share", "left_out_share"


@dataclass(frozen=True)
class ObservedRun:
    """What a run saw.

    Attributes:
        window: Its snapshot.
        baselines: Of the environment's bundles.
        summary: Its customers in the bins of the champion's; None without a baseline.
        new: Columns that the champion knows nothing of.
        left_out: The share of rows that break the contract.
        moved: The share of customers whom other data moved to another segment since the state
            before; None where there is none.
        movers: How many they are.
    """

    window: Window
    baselines: Baselines
    summary: Summary | None
    new: tuple[str, ...]
    left_out: float
    moved: float | None
    movers: int


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
    is_compared = segment_flow["before"] is not None and both > 0
    return ObservedRun(
        window=Window("batch", day, day, row_accounting["customers"], version),
        baselines=baselines,
        summary=summary,
        new=new,
        left_out=row_accounting["quarantined"] / row_accounting["rows_in"],
        moved=movers / both if is_compared else None,
        movers=movers if is_compared else 0,
    )


def of_rows(run: ObservedRun) -> Finding:
    """The share of rows that break the contract, which is only told: reasons have bounds."""
    told = f"{percent(run.left_out)} of the rows break the contract."
    return Finding(run.window, "rows", "", LEFT_OUT, run.left_out, None, told=told)


def of_movers(run: ObservedRun, most: float) -> list[Finding]:
    """The share of customers whom other data moved, where there is a state to compare with."""
    if run.moved is None:
        return []
    finding = Finding(
        run.window,
        "segment",
        "",
        MOVED,
        run.moved,
        most,
        affected=run.movers,
        told=(
            f"Other data moved {percent(run.moved)} of the customers to another segment since the "
            "state before."
        ),
    )
    if not finding.is_alarm:
        return [finding]
    advice = "See in the report, Who moved, what those who moved have in common."
    return [replace(finding, advice=advice)]
