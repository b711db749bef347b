"""Wiring of ingestion."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.ingestion import nodes


def create_pipeline() -> Pipeline:
    """Source -> bronze."""
    return Pipeline([step(nodes.ingest_source, ["source", "params:customers"], "bronze_customers")])
