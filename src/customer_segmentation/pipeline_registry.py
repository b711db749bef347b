"""The project's pipelines, each by the name of its folder; all together by default."""

from __future__ import annotations

from kedro.framework.project import find_pipelines
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
    """Every pipeline under `pipelines/`, and `__default__`, which is all of them."""
    found = find_pipelines(raise_errors=True)
    pipelines = {name: found[name] for name in ORDER if name in found}
    pipelines["__default__"] = sum(pipelines.values(), start=Pipeline([]))
    return pipelines
