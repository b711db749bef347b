"""Wiring of ingestion."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from customer_segmentation.pipelines.ingestion.nodes import ingest_source


def create_pipeline() -> Pipeline:
    """Source -> bronze."""
    return Pipeline(
        [
            node(
                ingest_source,
                inputs=["source", "params:customers"],
                outputs="bronze_customers",
                name="ingest_source",
            ),
        ]
    )
