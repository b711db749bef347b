"""Keep outcomes once, hold response models against them, and measure each campaign."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import narwhals as nw
import pandas as pd
import pyarrow as pa
from narwhals.typing import IntoDataFrame

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.campaigns.measured import figures
from customer_segmentation.feedback import calibrating
from customer_segmentation.feedback.arrived import Arrivals, read_arrived
from customer_segmentation.feedback.joining import Joined, join_contacts
from customer_segmentation.feedback.models import own_covariances
from customer_segmentation.feedback.parameters import FeedbackParameters
from customer_segmentation.feedback.results import campaign_results, shown
from customer_segmentation.feedback.training import in_force, training_set, up_to
from customer_segmentation.pages import render
from customer_segmentation.pipelines.feedback import words
from customer_segmentation.schema.schema import Schema
from customer_segmentation.tables.history import RECORDED_AT, RUN_ID, History
from customer_segmentation.tables.outcomes import REASON, RESPONSE_VERSION, SENT_ON


@dataclass(frozen=True)
class Outcomes:
    """What has arrived, beside what was recorded before.

    Attributes:
        joined: What becomes of what has arrived.
        arrived: How many rows that is.
        recorded: `gold_outcomes` with what this run adds.
        new: What this run adds, with when and by which run.
        inputs: `gold_campaign_inputs`; None if no campaign was planned yet.
        notes: Of the sources.
    """

    joined: Joined
    arrived: int
    recorded: pa.Table
    new: pa.Table
    inputs: pa.Table | None
    notes: tuple[str, ...]


def join_arrived(
    arrived: Arrivals,
    recorded: History,
    assignments: IntoDataFrame,
    inputs: History,
    customers: Schema,
) -> Outcomes:
    """Everything that has arrived, each beside the contact that it followed."""
    rows = read_arrived(arrived.parts, customers)
    before, plans = recorded.everything(), inputs.everything()
    joined = join_contacts(rows, before, assignments, plans)
    count = len(joined.new)
    new = joined.new.append_column(RECORDED_AT, pa.repeat(recorded.next_moment, count))
    new = new.append_column(RUN_ID, pa.repeat(recorded.run_id, count))
    known = [_with_day_as_text(before), new] if before is not None else [new]
    together = pa.concat_tables(known, promote_options="permissive")
    return Outcomes(joined, len(rows), together, new, plans, arrived.notes)


def record_outcomes(outcomes: Outcomes) -> IntoDataFrame:
    """The rows to append: outcomes that count and were not recorded before."""
    rows = nw.from_native(outcomes.new, eager_only=True)
    day = nw.col(SENT_ON).str.to_datetime(format="%Y-%m-%d")
    return _as_pandas(rows.with_columns(day).to_native())


def keep_apart(outcomes: Outcomes) -> IntoDataFrame:
    """Outcomes that do not count, each with its reason."""
    return _as_pandas(outcomes.joined.apart)


def calibrate_responses(
    outcomes: Outcomes,
    assignments: IntoDataFrame,
    bundles: BundleStore,
    feedback: FeedbackParameters,
) -> dict[str, Any]:
    """Of each response model that campaigns were planned with how right it was."""
    until = (feedback.day or datetime.now(UTC).date()).isoformat()
    told = {"until": until, "answer_days": feedback.answer_days}
    if outcomes.inputs is None or not len(outcomes.recorded):
        return told | {"versions": {}, "lines": []}
    contacts: pa.Table = training_set(
        *(outcomes.recorded, assignments, outcomes.inputs, until), answer_days=feedback.answer_days
    )
    versions = contacts[RESPONSE_VERSION].unique().to_pylist()
    found = calibrating.calibrations(contacts, own_covariances(bundles, versions), feedback)
    return told | {
        "versions": {version: one.stated() for version, one in found.items()},
        "lines": [*calibrating.lines(found, feedback.least_answers)],
    }


def measure_campaigns(
    outcomes: Outcomes, assignments: IntoDataFrame, calibration: dict[str, Any], margin: float
) -> tuple[dict[str, Any], dict[str, dict[str, float]]]:
    """What each campaign brought, where outcomes went, and figures for MLflow."""
    joined, counted = outcomes.joined, in_force(outcomes.recorded)
    happened = up_to(counted, calibration["until"])
    results = campaign_results(happened, assignments, margin)
    counts: dict[str, Any] = {
        "arrived": outcomes.arrived,
        "new": len(joined.new),
        "recorded": len(outcomes.recorded),
        "in_force": len(counted),
        "later": len(counted) - len(happened),
        "repeats": joined.repeats,
        "without_plan": joined.without_plan,
        "apart": dict(sorted(Counter(joined.apart[REASON].to_pylist()).items())),
    }
    summary = {
        "outcomes": counts,
        "notes": list(outcomes.notes),
        "calibration": calibration,
        "campaigns": results,
    }
    told = {
        f"outcomes.{name}": {"value": float(counts[name]), "step": 0}
        for name in ("arrived", "new", "recorded", "in_force", "repeats")
    }
    told["outcomes.apart"] = {"value": float(len(joined.apart)), "step": 0}
    for one in shown(results):
        told |= {f"{one['campaign']}.{name}": value for name, value in figures(one).items()}
    for version, one in calibration["versions"].items():
        for name in ("intercept", "slope", "p_value", "moved"):
            if one.get(name) is not None:
                told[f"calibration.{version}.{name}"] = {"value": one[name], "step": 0}
    return summary | {"lines": words.lines(summary)}, told


def show_feedback(feedback_results: dict[str, Any]) -> str:
    """What came back, as one page of HTML that needs nothing else."""
    return render("feedback", "feedback.html.jinja", **words.page(feedback_results))


def _as_pandas(rows: pa.Table) -> pd.DataFrame:
    """With text that is text also where there is no row: Spark would take it for nothing."""
    text = pa.string()
    return rows.to_pandas(types_mapper={text: pd.ArrowDtype(text)}.get)


def _with_day_as_text(recorded: pa.Table) -> pa.Table:
    """As what has arrived has it, whichever engine kept it."""
    rows = nw.from_native(recorded, eager_only=True)
    return rows.with_columns(nw.col(SENT_ON).dt.to_string("%Y-%m-%d")).to_native()
