"""Wiring of clustering: nothing is saved before the artifact has been checked."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.clustering import nodes, plots


def create_pipeline() -> Pipeline:
    """Features and the champion -> candidate artifact, with the measures of each k."""
    steps = [
        step(
            nodes.draw_sample,
            ["gold_features", "params:customers", "params:clustering"],
            "clustering_sample",
        ),
        step(
            nodes.measure_candidates,
            ["clustering_sample", "params:clustering"],
            "measured_candidates",
        ),
        step(
            nodes.refine_centroids,
            ["gold_features", "clustering_sample", "measured_candidates", "params:clustering"],
            "refined_candidates",
        ),
        step(
            nodes.learn_segmenter,
            ["clustering_sample", "refined_candidates", "params:clustering"],
            "learned_segmenter",
        ),
        step(
            nodes.keep_names,
            ["learned_segmenter", "clustering_sample", "bundles", "params:clustering"],
            ["named_segmenter", "matched_segments"],
        ),
        step(
            nodes.build_checked_artifact,
            ["named_segmenter", "clustering_sample"],
            "segmenter_candidate",
        ),
        step(
            nodes.summarise_choice,
            [
                "segmenter_candidate",
                "clustering_sample",
                "refined_candidates",
                "named_segmenter",
                "params:clustering",
            ],
            ["choice_of_k", "clustering_summary", "clustering_mlflow_metrics"],
        ),
        # A file of its own: made once more after its promotion, it would tell of another champion.
        step(
            nodes.summarise_identity,
            ["segmenter_candidate", "matched_segments"],
            "segment_identity",
        ),
        step(nodes.track_identity, "segment_identity", "identity_mlflow_metrics"),
        step(
            plots.plot_segments,
            ["segmenter_candidate", "named_segmenter", "clustering_sample"],
            "segments_plot",
        ),
    ]
    return Pipeline(steps)
