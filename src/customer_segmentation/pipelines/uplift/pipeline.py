"""Wiring of uplift, which is no part of a whole run."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.uplift import nodes


def create_pipeline() -> Pipeline:
    """The customers of a randomised test -> what policies are worth, figures and page."""
    return Pipeline(
        [
            step(
                nodes.draw_tested,
                ["silver_customers", "params:customers", "params:uplift"],
                "tested_customers",
            ),
            step(
                nodes.try_policies,
                ["tested_customers", "params:customers", "params:uplift"],
                ["uplift_summary", "uplift_mlflow_metrics"],
            ),
            step(nodes.show_uplift, "uplift_summary", "uplift_page"),
        ]
    )
