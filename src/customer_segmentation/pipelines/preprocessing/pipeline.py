"""Wiring of preprocessing."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from customer_segmentation.pipelines.preprocessing.nodes import (
    account_for_rows,
    check_rows,
    compute_features,
    keep_customers,
    quarantine_rows,
    settle_reading,
)


def create_pipeline() -> Pipeline:
    """Bronze -> silver customers and quarantine -> features."""
    return Pipeline(
        [
            node(
                settle_reading,
                inputs=["bronze_customers", "params:customers"],
                outputs="customers_reading",
                name="settle_reading",
            ),
            node(
                check_rows,
                inputs=["bronze_customers", "customers_reading", "params:clustering.features"],
                outputs="checked_customers",
                name="check_rows",
            ),
            node(
                quarantine_rows,
                inputs=["checked_customers", "customers_reading", "params:clustering.features"],
                outputs="silver_quarantine",
                name="quarantine_rows",
            ),
            node(
                account_for_rows,
                inputs=[
                    "bronze_customers",
                    "checked_customers",
                    "silver_quarantine",
                    "customers_reading",
                ],
                outputs="row_counts",
                name="account_for_rows",
            ),
            node(
                keep_customers,
                inputs=["checked_customers", "row_counts", "params:preprocessing"],
                outputs=["silver_customers", "row_accounting"],
                name="keep_customers",
            ),
            node(
                compute_features,
                inputs="silver_customers",
                outputs="gold_features",
                name="compute_features",
            ),
        ]
    )
