"""Wiring of label generation."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from customer_segmentation.pipelines.label_generation.nodes import (
    list_unsegmented,
    profile_segments,
    score_customers,
)


def create_pipeline() -> Pipeline:
    """Customers and the artifact -> segments, profiles, and who could not be segmented."""
    return Pipeline(
        [
            node(
                score_customers,
                inputs=["silver_customers", "segmenter_candidate"],
                outputs="gold_segments",
                name="score_customers",
            ),
            node(
                list_unsegmented,
                inputs=["silver_quarantine", "segmenter_candidate"],
                outputs="gold_unsegmented",
                name="list_unsegmented",
            ),
            node(
                profile_segments,
                inputs=["gold_features", "gold_segments", "segmenter_candidate"],
                outputs="gold_segment_profiles",
                name="profile_segments",
            ),
        ]
    )
