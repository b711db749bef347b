"""Wiring of supervised training."""

from __future__ import annotations

from kedro.pipeline import Pipeline, node

from customer_segmentation.pipelines.supervised_training.nodes import (
    build_artifact,
    check_artifact,
    draw_customers,
    fit_cold_start,
    plot_calibration,
    plot_confusion,
    relearn_segments,
    report_metrics,
    validate_cold_start,
)

_PARAMETERS = "params:supervised_training"


def create_pipeline() -> Pipeline:
    """Features and segments -> metrics, plots and the cold-start candidate.

    Whatever is saved takes the checked candidate, so that nothing is saved before the check.
    """
    return Pipeline(
        [
            node(
                draw_customers,
                inputs=["gold_features", "gold_segments", "segmenter_candidate", _PARAMETERS],
                outputs="labelled_customers",
                name="draw_labelled_customers",
            ),
            node(
                relearn_segments,
                inputs=["labelled_customers", _PARAMETERS],
                outputs="demonstration_validation",
                name="relearn_segments",
            ),
            node(
                validate_cold_start,
                inputs=["labelled_customers", _PARAMETERS],
                outputs="cold_start_validation",
                name="validate_cold_start",
            ),
            node(
                fit_cold_start,
                inputs=["cold_start_validation", _PARAMETERS],
                outputs="fitted_cold_start",
                name="fit_cold_start",
            ),
            node(
                build_artifact,
                inputs=[
                    "fitted_cold_start",
                    "cold_start_validation",
                    "segmenter_candidate",
                    _PARAMETERS,
                ],
                outputs="unchecked_cold_start",
                name="build_cold_start",
            ),
            node(
                check_artifact,
                inputs=["unchecked_cold_start", "fitted_cold_start", "cold_start_validation"],
                outputs="cold_start_candidate",
                name="check_cold_start",
            ),
            node(
                report_metrics,
                inputs=[
                    "demonstration_validation",
                    "cold_start_validation",
                    "cold_start_candidate",
                    _PARAMETERS,
                ],
                outputs=["supervised_metrics", "supervised_mlflow_metrics"],
                name="report_supervised_metrics",
            ),
            node(
                plot_confusion,
                inputs=["cold_start_validation", "cold_start_candidate"],
                outputs="supervised_confusion_plot",
                name="plot_cold_start_confusion",
            ),
            node(
                plot_calibration,
                inputs=["cold_start_validation", "cold_start_candidate", _PARAMETERS],
                outputs="supervised_calibration_plot",
                name="plot_cold_start_calibration",
            ),
        ]
    )
