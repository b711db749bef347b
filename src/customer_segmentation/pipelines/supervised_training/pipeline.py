"""Wiring of supervised training."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.supervised_training import (
    described,
    nodes,
    plots,
    response,
    sample,
)

_PARAMETERS = "params:supervised_training"


def create_pipeline() -> Pipeline:
    """Features and segments -> metrics, plots and the candidates of cold start and response.

    Whatever is saved takes what the checks of the candidates gave: nothing is saved before them.
    """
    steps = [
        step(
            sample.draw_labelled_customers,
            ["gold_features", "gold_segments", "segmenter_candidate", _PARAMETERS],
            "labelled_customers",
        ),
        step(
            nodes.relearn_segments, ["labelled_customers", _PARAMETERS], "demonstration_validation"
        ),
        step(
            nodes.validate_cold_start, ["labelled_customers", _PARAMETERS], "cold_start_validation"
        ),
        step(
            nodes.build_cold_start,
            ["cold_start_validation", "segmenter_candidate", _PARAMETERS],
            ["cold_start_candidate", "cold_start_comparison"],
        ),
        step(
            response.validate_response, ["labelled_customers", _PARAMETERS], "response_validation"
        ),
        step(
            response.build_response,
            ["response_validation", "segmenter_candidate"],
            "response_candidate",
        ),
        step(
            described.describe_customers,
            [
                "gold_features",
                "row_accounting",
                "labelled_customers",
                "segmenter_candidate",
                "response_candidate",
                "cold_start_candidate",
            ],
            "baseline_candidate",
        ),
        step(
            response.report_response,
            ["response_validation", "response_candidate", "params:campaign_planning"],
            "response_report",
        ),
        step(
            nodes.report_supervised_metrics,
            [
                "demonstration_validation",
                "cold_start_comparison",
                "cold_start_candidate",
                "response_report",
                _PARAMETERS,
            ],
            ["supervised_metrics", "supervised_mlflow_metrics"],
        ),
        step(
            plots.plot_cold_start_confusion,
            "cold_start_comparison",
            "supervised_confusion_plot",
        ),
        step(
            plots.plot_cold_start_calibration,
            ["cold_start_comparison", _PARAMETERS],
            "supervised_calibration_plot",
        ),
    ]
    return Pipeline(steps)
