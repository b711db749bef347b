"""Wiring of the feature export."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from customer_segmentation.pipelines.feature_export.nodes import (
    describe_columns,
    export_features,
    same_table,
)


def create_pipeline() -> Pipeline:
    """Features and the artifact's scaling -> one table, twice, and its data dictionary."""
    return Pipeline(
        [
            node(
                export_features,
                inputs=["gold_features", "segmenter_candidate"],
                outputs="gold_feature_table",
                name="export_features",
            ),
            node(
                same_table,
                inputs="gold_feature_table",
                outputs="export_feature_table",
                name="export_features_as_csv",
            ),
            node(
                describe_columns,
                inputs=["gold_feature_table", "segmenter_candidate"],
                outputs="data_dictionary",
                name="describe_columns",
            ),
        ]
    )
