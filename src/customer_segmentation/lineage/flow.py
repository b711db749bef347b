"""The pipelines as a flow of tables and files: which pipeline makes what, and from what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from kedro.framework.project import pipelines
from kedro.pipeline import Pipeline

from customer_segmentation.pipeline_registry import ORDER

WHOLE = "__default__"
SOURCE = "source"


def is_parameter(name: str) -> bool:
    """Whether a node input comes from the configuration."""
    return name == "parameters" or name.startswith("params:")


def ancestors(names: Iterable[str]) -> set[str]:
    """Everything that these datasets are made from, through all steps."""
    made = pipelines[WHOLE].all_outputs()
    behind: set[str] = set()
    for name in set(names) & made:
        behind |= _ancestors(name, pipelines[WHOLE])
    return behind


@cache
def _ancestors(name: str, whole: Pipeline) -> frozenset[str]:
    named = whole.to_outputs(name).datasets()
    return frozenset(each for each in named if not is_parameter(each)) - {name}


def makers(names: Iterable[str]) -> list[str]:
    """The pipelines that make any of these datasets, in order."""
    wanted = set(names)
    return [
        name
        for name, pipeline in pipelines.items()
        if name in ORDER and pipeline.all_outputs() & wanted
    ]


def command(made_by: Iterable[str], run_params: Mapping[str, Any]) -> str:
    """The command that runs these pipelines and those that were requested."""
    asked = {*made_by, *(run_params["pipeline_names"] or ())}
    environment = f" --env={run_params['env']}" if run_params["env"] else ""
    named = [name for name in pipelines if name in asked and name != WHOLE]
    is_whole = WHOLE in asked or {*named} == {*ORDER}
    selected = "" if is_whole else f" --pipelines={','.join(named)}"
    given = " with the same --params" if run_params.get("runtime_params") else ""
    return f"kedro run{environment}{selected}{given}"
