"""Measure a campaign against its hold-out."""

from __future__ import annotations

from typing import Any

import narwhals as nw
from narwhals.typing import IntoDataFrame, IntoFrame

from customer_segmentation.campaigns import results
from customer_segmentation.campaigns.assigned import MeasuredCampaign, customers_of, joined
from customer_segmentation.campaigns.measure import RESULT_COLUMNS
from customer_segmentation.campaigns.measured import figures, summarise_results
from customer_segmentation.campaigns.outcomes import read_outcomes
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.pages import render
from customer_segmentation.pipelines.campaign_measurement.parameters import MeasurementParameters
from customer_segmentation.schema.schema import Schema


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
    summary = summarise_results(campaign_outcomes)
    table: dict[str, list[Any]] = {
        name: [float("nan") if one[name] is None else one[name] for one in summary["results"]]
        for name in RESULT_COLUMNS
    }
    table = {"campaign": [campaign_outcomes.name] * len(summary["results"])} | table
    metrics = figures(summary)
    told = summary | {"lines": results.lines(summary)}
    return nw.from_dict(table, backend="pandas").to_native(), told, metrics


def show_results(campaign_results: dict[str, Any]) -> str:
    """The results as one page of HTML that needs nothing else."""
    return render(
        "campaign_measurement", "campaign_results.html.jinja", **results.page(campaign_results)
    )
