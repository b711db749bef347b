"""Wiring of campaign planning, which is no part of a whole run."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.campaign_planning import nodes


def create_pipeline() -> Pipeline:
    """Customers, their segments, consents and the response model -> the plan of a campaign."""
    return Pipeline(
        [
            step(
                nodes.score_responses,
                ["silver_customers", "gold_segments", "response_champion"],
                "scored_responses",
            ),
            step(
                nodes.list_customers,
                [
                    "scored_responses",
                    "silver_customers",
                    "gold_segments",
                    "consents",
                    "contacts",
                    "response_champion",
                    "latest_calibration",
                    "params:customers",
                    "params:campaign_planning",
                ],
                "campaign_candidates",
            ),
            step(
                nodes.plan_campaign, ["campaign_candidates", "response_champion"], "campaign_plan"
            ),
            step(nodes.tabulate_plan, "campaign_plan", "gold_campaign"),
            step(
                nodes.record_inputs,
                ["campaign_plan", "silver_customers", "recorded_campaign_inputs"],
                "gold_campaign_inputs",
            ),
            step(nodes.list_for_mailing, "gold_campaign", "export_campaign_list"),
            step(
                nodes.summarise_plan,
                "campaign_plan",
                ["campaign_summary", "campaign_mlflow_metrics"],
            ),
            step(nodes.show_plan, "campaign_summary", "campaign_page"),
        ]
    )
