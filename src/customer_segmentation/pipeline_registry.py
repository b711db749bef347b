"""The project's pipelines, each by the name of its folder; all together by default."""

from __future__ import annotations

from importlib import import_module

from kedro.pipeline import Pipeline

# The order of the flow: what a person runs first stands first.
ORDER = (
    "ingestion",
    "preprocessing",
    "eda",
    "clustering",
    "label_generation",
    "supervised_training",
    "feature_export",
    "reporting",
)


def register_pipelines() -> dict[str, Pipeline]:
    """Every pipeline, and `__default__`, which is all of them.

    Kedro's own `find_pipelines` imports only those that a command asks for; then no hook could
    say which pipeline makes what is missing. Each has a namespace, which Kedro-Viz shows as one
    box; datasets are shared, and so keep their names.
    """
    pipelines = {
        name: Pipeline(
            import_module(f"customer_segmentation.pipelines.{name}").create_pipeline(),
            namespace=name,
            prefix_datasets_with_namespace=False,
        )
        for name in ORDER
    }
    pipelines["__default__"] = sum(pipelines.values(), start=Pipeline([]))
    return pipelines
