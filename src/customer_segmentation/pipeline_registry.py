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
ALONE = ("promotion", "campaign_planning", "campaign_measurement", "feedback", "uplift")
# Those of `scoring`, which takes the champion where a whole run takes the candidate it learned.
_CANDIDATE, CHAMPION = "segmenter_candidate", "segmenter_champion"
RESPONSE_CHAMPION = "response_champion"
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
    pipelines = {
        name: Pipeline(
            import_module(f"customer_segmentation.pipelines.{name}").create_pipeline(),
            namespace=name,
            prefix_datasets_with_namespace=False,
        )
        for name in (*ORDER, *ALONE)
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
