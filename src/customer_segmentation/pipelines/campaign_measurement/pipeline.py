"""Wiring of the measurement of a campaign, which is no part of a whole run."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.campaign_measurement import nodes


def create_pipeline() -> Pipeline:
    """The send log and outcomes -> what a campaign brought, as table, figures and page."""
    return Pipeline(
        [
            step(
                nodes.join_outcomes,
                [
                    "assignments",
                    "outcomes",
                    "params:campaign_planning",
                    "params:campaign_measurement",
                    "params:customers",
                ],
                "campaign_outcomes",
            ),
            step(
                nodes.measure_campaign,
                "campaign_outcomes",
                ["gold_campaign_results", "campaign_results", "campaign_results_mlflow_metrics"],
            ),
            step(nodes.show_results, "campaign_results", "campaign_results_page"),
        ]
    )
