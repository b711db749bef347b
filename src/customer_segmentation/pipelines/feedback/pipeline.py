"""Wiring of feedback, which is no part of a whole run."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.feedback import nodes


def create_pipeline() -> Pipeline:
    """Outcomes that arrived, the send log, plans -> outcomes kept once, calibration and profit."""
    return Pipeline(
        [
            step(
                nodes.join_arrived,
                [
                    *("arrived_outcomes", "recorded_outcomes", "assignments"),
                    *("recorded_campaign_inputs", "params:customers"),
                ],
                "joined_outcomes",
            ),
            step(nodes.record_outcomes, "joined_outcomes", "gold_outcomes"),
            step(nodes.keep_apart, "joined_outcomes", "silver_outcomes_apart"),
            step(
                nodes.calibrate_responses,
                ["joined_outcomes", "assignments", "bundles", "params:feedback"],
                "calibration",
            ),
            step(
                nodes.measure_campaigns,
                [
                    *("joined_outcomes", "assignments", "calibration"),
                    "params:campaign_measurement.margin",
                ],
                ["feedback_results", "feedback_mlflow_metrics"],
            ),
            step(nodes.show_feedback, "feedback_results", "feedback_page"),
        ]
    )
