"""Wiring of history."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.history import flow, movers, nodes


def create_pipeline() -> Pipeline:
    """Segments and the history before -> what is appended, who moved and why."""
    steps = [
        step(nodes.compare_with_history, ["gold_segments", "recorded_history"], "states"),
        step(nodes.state_segments, ["gold_segments", "states"], "gold_history"),
        step(
            movers.find_movers,
            ["gold_segments", "silver_customers", "states", "bundles"],
            "gold_movers",
        ),
        step(
            flow.summarise_flow,
            ["gold_segments", "gold_movers", "gold_features", "states", "params:customers"],
            ["segment_flow", "history_mlflow_metrics"],
        ),
    ]
    return Pipeline(steps)
