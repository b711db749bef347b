"""Wiring of preprocessing."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.preprocessing import nodes


def create_pipeline() -> Pipeline:
    """Bronze -> silver customers and quarantine -> features."""
    steps = [
        step(nodes.settle_reading, ["bronze_customers", "params:customers"], "customers_reading"),
        step(
            nodes.check_rows,
            ["bronze_customers", "customers_reading", "params:customers"],
            "checked_customers",
        ),
        step(
            nodes.quarantine_rows,
            ["checked_customers", "customers_reading", "params:customers"],
            "silver_quarantine",
        ),
        step(
            nodes.account_for_rows,
            [
                "bronze_customers",
                "checked_customers",
                "silver_quarantine",
                "customers_reading",
                "params:customers",
            ],
            "row_counts",
        ),
        step(
            nodes.keep_customers,
            ["checked_customers", "row_counts", "params:customers", "params:preprocessing"],
            ["silver_customers", "row_accounting"],
        ),
        step(
            nodes.keep_purchases,
            ["checked_customers", "silver_customers", "params:customers"],
            "silver_purchases",
        ),
        step(nodes.compute_features, ["silver_customers", "params:customers"], "gold_features"),
    ]
    return Pipeline(steps)
