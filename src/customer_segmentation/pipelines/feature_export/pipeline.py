"""Wiring of the feature export."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.feature_export import nodes


def create_pipeline() -> Pipeline:
    """Features and the artifact's scaling -> one table, twice, and its data dictionary."""
    steps = [
        step(nodes.export_features, ["gold_features", "segmenter_candidate"], "gold_feature_table"),
        step(nodes.export_features_as_csv, "gold_feature_table", "export_feature_table"),
        step(
            nodes.describe_columns, ["gold_feature_table", "segmenter_candidate"], "data_dictionary"
        ),
    ]
    return Pipeline(steps)
