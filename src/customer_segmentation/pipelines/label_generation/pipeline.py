"""Wiring of label generation."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.label_generation import nodes


def create_pipeline() -> Pipeline:
    """Customers and the artifact -> segments, profiles, and who could not be segmented."""
    steps = [
        step(nodes.score_customers, ["silver_customers", "segmenter_candidate"], "scored_segments"),
        step(
            nodes.keep_near_borders,
            [
                "scored_segments",
                "recorded_history",
                "segmenter_candidate",
                "params:label_generation",
            ],
            "gold_segments",
        ),
        step(
            nodes.list_unsegmented, ["silver_quarantine", "segmenter_candidate"], "gold_unsegmented"
        ),
        step(
            nodes.profile_segments,
            ["gold_features", "gold_segments", "segmenter_candidate"],
            "gold_segment_profiles",
        ),
    ]
    return Pipeline(steps)
