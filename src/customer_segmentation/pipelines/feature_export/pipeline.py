"""Wiring of the feature export."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.feature_export import nodes


def create_pipeline() -> Pipeline:
    """Features and the artifact's scaling -> one table, its dictionary, history and store."""
    table, artifact = "gold_feature_table", "segmenter_candidate"
    steps = [
        step(nodes.export_features, ["gold_features", "gold_lifetime_value", artifact], table),
        step(nodes.export_features_as_csv, table, "export_feature_table"),
        step(nodes.describe_columns, [table, artifact], "data_dictionary"),
        step(
            nodes.state_features,
            [table, artifact, "recorded_features", "params:feature_export"],
            "gold_feature_history",
        ),
        step(nodes.fill_feature_store, [table, artifact, "row_accounting"], "online_features"),
    ]
    return Pipeline(steps)
