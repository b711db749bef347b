"""Wiring of clustering: nothing is saved before the artifact has been checked."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from customer_segmentation.pipelines.clustering.nodes import (
    build_checked_artifact,
    draw_sample,
    learn_segmenter,
    measure_candidates,
    refine_centroids,
    summarise_choice,
)
from customer_segmentation.pipelines.clustering.plots import plot_segments


def create_pipeline() -> Pipeline:
    """Features -> candidate artifact, with the measures of each k."""
    return Pipeline(
        [
            node(
                draw_sample,
                inputs=["gold_features", "params:clustering"],
                outputs="clustering_sample",
                name="draw_sample",
            ),
            node(
                measure_candidates,
                inputs=["clustering_sample", "params:clustering"],
                outputs="measured_candidates",
                name="measure_candidates",
            ),
            node(
                refine_centroids,
                inputs=[
                    "gold_features",
                    "clustering_sample",
                    "measured_candidates",
                    "params:clustering",
                ],
                outputs="refined_candidates",
                name="refine_centroids",
            ),
            node(
                learn_segmenter,
                inputs=[
                    "clustering_sample",
                    "refined_candidates",
                    "params:clustering",
                    "params:customers",
                ],
                outputs="learned_segmenter",
                name="learn_segmenter",
            ),
            node(
                build_checked_artifact,
                inputs=["learned_segmenter", "clustering_sample"],
                outputs="segmenter_candidate",
                name="build_checked_artifact",
            ),
            node(
                summarise_choice,
                inputs=[
                    "segmenter_candidate",
                    "clustering_sample",
                    "refined_candidates",
                    "learned_segmenter",
                    "params:clustering",
                ],
                outputs=["choice_of_k", "clustering_summary", "clustering_mlflow_metrics"],
                name="summarise_choice",
            ),
            node(
                plot_segments,
                inputs=["segmenter_candidate", "learned_segmenter", "clustering_sample"],
                outputs="segments_plot",
                name="plot_segments",
            ),
        ]
    )
