"""Wiring of monitoring."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.monitoring import nodes, page


def create_pipeline() -> Pipeline:
    """Customers of this run, hours of API and stream, champion -> what drifted, since when."""
    steps = [
        step(
            nodes.observe_run,
            ["silver_customers", "row_accounting", "segment_flow", "bundles", "params:customers"],
            "observed_run",
        ),
        step(
            nodes.watch_windows,
            [
                "observed_run",
                "monitoring_hours",
                "monitoring_before",
                "latest_calibration",
                "params:customers",
                "params:campaign_planning",
                "params:feedback",
                "params:monitoring",
            ],
            "watched_windows",
        ),
        step(
            nodes.record_findings,
            "watched_windows",
            ["gold_monitoring", "monitoring_memory", "monitoring_summary"],
        ),
        step(nodes.track_windows, "monitoring_summary", "monitoring_mlflow_metrics"),
        step(page.show_monitoring, "monitoring_summary", "monitoring_page"),
    ]
    return Pipeline(steps)
