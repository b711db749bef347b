"""Wiring of lifetime_value."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.lifetime_value import nodes, summary


def create_pipeline() -> Pipeline:
    """When customers bought -> what is expected of each, and of each segment."""
    steps = [
        step(nodes.learn_lifetime, ["silver_purchases", "params:customers"], "lifetime_model"),
        step(
            nodes.value_customers,
            ["silver_purchases", "lifetime_model", "params:customers"],
            "gold_lifetime_value",
        ),
        step(
            summary.summarise_lifetime,
            [
                "silver_purchases",
                "gold_lifetime_value",
                "gold_segments",
                "row_accounting",
                "lifetime_model",
                "params:customers",
            ],
            ["lifetime_summary", "lifetime_mlflow_metrics"],
        ),
    ]
    return Pipeline(steps)
