"""Measure a campaign against its hold-out."""

from __future__ import annotations

from dataclasses import asdict
from math import isfinite
from typing import Any

import narwhals as nw
from narwhals.typing import IntoDataFrame, IntoFrame

from customer_segmentation.campaigns.assigned import MeasuredCampaign, customers_of, joined
from customer_segmentation.campaigns.measure import RESULT_COLUMNS, hold_out_is_off, measure
from customer_segmentation.campaigns.outcomes import read_outcomes
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.pages import render
from customer_segmentation.pipelines.campaign_measurement import words
from customer_segmentation.pipelines.campaign_measurement.parameters import MeasurementParameters
from customer_segmentation.schema.schema import Schema

# Figures of the whole campaign that MLflow gets, by outcome.
_METRICS = (
    *("contacted", "held_out", "incremental", "low", "high"),
    *("cost", "profit", "profit_low", "profit_high"),
)


def join_outcomes(
    assignments: IntoDataFrame,
    outcomes: IntoFrame,
    campaign_planning: CampaignParameters,
    campaign_measurement: MeasurementParameters,
    customers: Schema,
) -> MeasuredCampaign:
    """Every customer of the campaign, contacted or held out, with what came of them."""
    assigned = customers_of(assignments, campaign_planning.name)
    sent = read_outcomes(outcomes, campaign_planning.name, customers)
    return joined(assigned, sent, campaign_measurement.margin)


def measure_campaign(
    campaign_outcomes: MeasuredCampaign,
) -> tuple[IntoDataFrame, dict[str, Any], dict[str, dict[str, float]]]:
    """What the campaign brought: a row an outcome and part of it, a summary, figures for MLflow."""
    results = [
        asdict(one) for one in measure(campaign_outcomes.assigned, campaign_outcomes.outcomes)
    ]
    campaign = campaign_outcomes.name
    table = {"campaign": [campaign] * len(results)}
    table |= {name: [one[name] for one in results] for name in RESULT_COLUMNS}
    summary = {
        "campaign": campaign,
        "currency": campaign_outcomes.currency,
        "planned_hold_out": campaign_outcomes.hold_out,
        "hold_out_is_off": hold_out_is_off(campaign_outcomes.assigned, campaign_outcomes.hold_out),
        "outcomes": asdict(campaign_outcomes.account),
        "results": [
            {name: None if _is_unknown(value) else value for name, value in one.items()}
            for one in results
        ],
    }
    metrics = {
        f"{one['outcome']}.{name}": {"value": float(one[name]), "step": 0}
        for one in results
        if one["level"] == "all"
        for name in _METRICS
        if isfinite(one[name])
    }
    told = summary | {"lines": words.lines(summary)}
    return nw.from_dict(table, backend="pandas").to_native(), told, metrics


def show_results(campaign_results: dict[str, Any]) -> str:
    """The results as one page of HTML that needs nothing else."""
    return render(
        "campaign_measurement", "campaign_results.html.jinja", **words.page(campaign_results)
    )


def _is_unknown(value: object) -> bool:
    return isinstance(value, float) and not isfinite(value)
