"""Wiring of reporting."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from customer_segmentation.pipelines.reporting.nodes import build_report, summarise_segments


def create_pipeline() -> Pipeline:
    """Profiles, summaries and metrics -> the report and its five-line summary."""
    return Pipeline(
        [
            node(
                build_report,
                inputs=[
                    "gold_segment_profiles",
                    "segmenter_candidate",
                    "row_accounting",
                    "clustering_summary",
                    "choice_of_k",
                    "eda_summary",
                    "supervised_metrics",
                ],
                outputs="report",
                name="build_report",
            ),
            node(
                summarise_segments,
                inputs=[
                    "gold_segment_profiles",
                    "clustering_summary",
                    "supervised_metrics",
                    "report",
                ],
                outputs="segment_summary",
                name="summarise_segments",
            ),
        ]
    )
