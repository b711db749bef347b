"""Wiring of eda."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from customer_segmentation.pipelines.eda.nodes import (
    describe_distributions,
    draw_eda_sample,
    list_missingness,
    relate_features,
    summarise_eda,
)
from customer_segmentation.pipelines.eda.plots import (
    plot_correlation,
    plot_distributions,
)

SELECTED = "params:clustering.features"
CAP = "params:clustering.cap_quantile"


def create_pipeline() -> Pipeline:
    """Features and the account of rows -> tables, summary and figures."""
    return Pipeline(
        [
            node(
                draw_eda_sample,
                inputs=["gold_features", "params:eda"],
                outputs="eda_sample",
                name="draw_eda_sample",
            ),
            node(
                relate_features,
                inputs=["eda_sample", SELECTED],
                outputs="eda_relations",
                name="relate_features",
            ),
            node(
                describe_distributions,
                inputs=["eda_sample", CAP],
                outputs="eda_distributions",
                name="describe_distributions",
            ),
            node(
                list_missingness,
                inputs="row_accounting",
                outputs="eda_missingness",
                name="list_missingness",
            ),
            node(
                summarise_eda,
                inputs=["eda_sample", "eda_relations", SELECTED, CAP, "params:eda"],
                outputs="eda_summary",
                name="summarise_eda",
            ),
            node(
                plot_correlation,
                inputs=["eda_sample", "eda_relations", SELECTED, "params:eda"],
                outputs="eda_correlation_plot",
                name="plot_correlation",
            ),
            node(
                plot_distributions,
                inputs=["eda_sample", SELECTED, CAP],
                outputs="eda_distribution_plot",
                name="plot_distributions",
            ),
        ]
    )
