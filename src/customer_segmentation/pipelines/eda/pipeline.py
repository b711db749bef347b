"""Wiring of eda."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.eda import measures, nodes, plots, sample

CAP = "params:clustering.cap_quantile"


def create_pipeline() -> Pipeline:
    """Features and the account of rows -> tables, summary and figures."""
    steps = [
        step(
            sample.draw_eda_sample,
            ["gold_features", "params:customers", "params:eda"],
            "eda_sample",
        ),
        step(measures.relate_features, "eda_sample", "eda_relations"),
        step(measures.describe_distributions, ["eda_sample", CAP], "eda_distributions"),
        step(measures.list_missingness, "row_accounting", "eda_missingness"),
        step(
            nodes.summarise_eda,
            ["eda_sample", "eda_relations", CAP, "params:eda"],
            "eda_summary",
        ),
        step(
            plots.plot_correlation,
            ["eda_sample", "eda_relations", "params:eda"],
            "eda_correlation_plot",
        ),
        step(plots.plot_distributions, ["eda_sample", CAP], "eda_distribution_plot"),
    ]
    return Pipeline(steps)
