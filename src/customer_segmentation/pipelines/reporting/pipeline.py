"""Wiring of reporting."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.reporting import nodes


def create_pipeline() -> Pipeline:
    """Profiles, summaries and metrics -> the report and its five-line summary."""
    steps = [
        step(
            nodes.build_report,
            [
                "gold_segment_profiles",
                "segmenter_candidate",
                "row_accounting",
                "clustering_summary",
                "segment_identity",
                "choice_of_k",
                "eda_summary",
                "supervised_metrics",
                "segment_flow",
                "lifetime_summary",
                "monitoring_summary",
            ],
            "report",
        ),
        step(
            nodes.summarise_segments,
            [
                "gold_segment_profiles",
                "params:customers",
                "clustering_summary",
                "segment_identity",
                "supervised_metrics",
                "lifetime_summary",
                "report",
            ],
            "segment_summary",
        ),
    ]
    return Pipeline(steps)
