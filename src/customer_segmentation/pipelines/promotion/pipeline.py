"""Wiring of promotion, which is no part of a whole run."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.promotion import nodes


def create_pipeline() -> Pipeline:
    """A bundle and this environment's customers -> the verdict, its figures and its page."""
    return Pipeline(
        [
            step(
                nodes.choose_bundle,
                ["bundles", "bundles_below", "params:promotion"],
                "chosen_bundle",
            ),
            step(nodes.check_bundle, "chosen_bundle", "gates_of_bundle"),
            step(
                nodes.check_customers,
                ["chosen_bundle", "gates_of_bundle", "silver_customers", "params:promotion"],
                "gates_of_customers",
            ),
            step(
                nodes.compare_with_champion,
                ["chosen_bundle", "gates_of_customers", "silver_customers", "params:promotion"],
                "gates_of_agreement",
            ),
            step(
                nodes.measure_quality,
                ["chosen_bundle", "gates_of_customers", "silver_customers", "params:promotion"],
                "gates_of_quality",
            ),
            step(
                nodes.gather_later_outcomes,
                [
                    *("chosen_bundle", "recorded_outcomes", "assignments"),
                    *("recorded_campaign_inputs", "params:feedback"),
                ],
                "outcomes_to_judge_by",
            ),
            step(
                nodes.judge_trial,
                [
                    *("chosen_bundle", "gates_of_bundle", "shadow_counts", "outcomes_to_judge_by"),
                    *("params:retraining", "params:campaign_planning"),
                ],
                "gates_of_trial",
            ),
            step(
                nodes.judge,
                [
                    "chosen_bundle",
                    "gates_of_bundle",
                    "gates_of_customers",
                    "gates_of_agreement",
                    "gates_of_quality",
                    "gates_of_trial",
                    "params:promotion",
                ],
                ["promotion_verdict", "promotion_mlflow_metrics"],
            ),
            step(nodes.show_verdict, "promotion_verdict", "promotion_page"),
        ]
    )
