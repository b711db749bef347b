"""Wiring of retraining around the learning steps of the flow, which the registry puts between."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.retraining import nodes


def create_pipeline() -> Pipeline:
    """Drift, outcomes and age -> whether to learn; what was learned -> a challenger."""
    return Pipeline(
        [
            step(
                nodes.decide_retraining,
                ["bundles", "latest_monitoring", "latest_calibration", "params:retraining"],
                "retraining_decision",
            ),
            step(
                nodes.gather_outcomes,
                [
                    *("recorded_outcomes", "assignments", "recorded_campaign_inputs"),
                    "params:feedback",
                ],
                "outcomes_to_learn_from",
            ),
            step(
                nodes.learn_from_outcomes,
                [
                    *("retraining_decision", "retrained_response_of_source"),
                    "outcomes_to_learn_from",
                    "retrained_segmenter_candidate",
                    *("params:supervised_training", "params:retraining"),
                ],
                "retrained_response_validation",
            ),
            step(
                nodes.propose_challenger,
                [
                    *("retraining_decision", "bundles", "silver_customers"),
                    *("retrained_segmenter_candidate", "retrained_cold_start_candidate"),
                    *("retrained_response_candidate", "retrained_response_validation"),
                    *("outcomes_to_learn_from", "params:campaign_planning"),
                ],
                "challenger_proposal",
            ),
        ]
    )
