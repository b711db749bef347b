"""The pipelines of the project, each named after its folder; those of the flow by default."""

from __future__ import annotations

from importlib import import_module

from kedro.pipeline import Pipeline

# In the order of the flow.
ORDER = (
    "ingestion",
    "preprocessing",
    "eda",
    "clustering",
    "label_generation",
    "history",
    "lifetime_value",
    "supervised_training",
    "feature_export",
    "monitoring",
    "reporting",
)
# Run by name only.
ALONE = (
    "promotion",
    "retraining",
    "campaign_planning",
    "campaign_measurement",
    "feedback",
    "uplift",
)
# Those of `scoring`, which takes the champion where a whole run takes the candidate it learned.
_CANDIDATE, CHAMPION = "segmenter_candidate", "segmenter_champion"
RESPONSE_CHAMPION = "response_champion"
# What retraining learns, by the steps of the flow that make it, and beside the candidate.
_LEARNING = ("clustering", "label_generation", "supervised_training")
_LEARNED = (
    *("segmenter_candidate", "cold_start_candidate", "response_candidate", "baseline_candidate"),
    "clustering_summary",
)
_RETRAINED = "retrained_"
# When customers buy is learned from the source whose customers it is told of, there too.
SCORED = (
    "ingestion",
    "preprocessing",
    "label_generation",
    "history",
    "lifetime_value",
    "feature_export",
    "monitoring",
)


def register_pipelines() -> dict[str, Pipeline]:
    """Every pipeline, and `__default__`, which is all of the flow.

    Kedro's `find_pipelines` imports only those that a command needs; then no hook could tell which
    pipeline makes a missing input. Each has a namespace, which Kedro-Viz shows as one box; the
    datasets are shared and keep their names.
    """
    made: dict[str, Pipeline] = {
        name: import_module(f"customer_segmentation.pipelines.{name}").create_pipeline()
        for name in (*ORDER, *ALONE)
    }
    made["retraining"] += _learning(made)
    pipelines = {
        name: Pipeline(one, namespace=name, prefix_datasets_with_namespace=False)
        for name, one in made.items()
    }
    whole = sum((pipelines[name] for name in ORDER), start=Pipeline([]))
    return pipelines | {"scoring": _scoring(pipelines), "__default__": whole}


def _scoring(pipelines: dict[str, Pipeline]) -> Pipeline:
    """What a run does where nothing is learned: the champion scores the customers of a source."""
    return sum(
        (
            Pipeline(pipelines[name], inputs={_CANDIDATE: CHAMPION})
            if _CANDIDATE in pipelines[name].inputs()
            else pipelines[name]
            for name in SCORED
        ),
        start=Pipeline([]),
    )


def _learning(pipelines: dict[str, Pipeline]) -> Pipeline:
    """The steps of the flow that learn, whose outputs stand beside those of the last whole run.

    The answers in the source are what is learned from where there are no outcomes.
    """
    flow = sum((pipelines[name] for name in _LEARNING), start=Pipeline([])).to_outputs(*_LEARNED)
    made = {name: f"{_RETRAINED}{name}" for name in flow.all_outputs()}
    answers = flow.only_nodes_with_outputs("response_validation")
    source = made | {"response_validation": f"{_RETRAINED}response_of_source"}
    return _renamed(flow - answers, made) + _renamed(answers, source)


def _renamed(pipeline: Pipeline, names: dict[str, str]) -> Pipeline:
    return Pipeline(
        pipeline,
        inputs={name: names[name] for name in pipeline.inputs() if name in names},
        outputs={name: names[name] for name in pipeline.all_outputs()},
    )
