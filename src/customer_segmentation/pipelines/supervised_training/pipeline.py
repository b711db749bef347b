"""Wiring of supervised training."""

from __future__ import annotations

from kedro.pipeline import Pipeline

from customer_segmentation.pipelines import step
from customer_segmentation.pipelines.supervised_training import nodes, plots, sample

_PARAMETERS = "params:supervised_training"


def create_pipeline() -> Pipeline:
    """Features and segments -> metrics, plots and the cold-start candidate.

    Whatever is saved takes what the check of the candidate gave: nothing is saved before it.
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
            nodes.report_supervised_metrics,
            [
                "demonstration_validation",
                "cold_start_comparison",
                "cold_start_candidate",
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
