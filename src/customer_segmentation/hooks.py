"""What happens around a run: missing inputs named, the data's hash kept, the champion made."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline

from customer_segmentation.errors import UserError

logger = logging.getLogger(__name__)

Catalog = CatalogProtocol[Any, Any]


class RunHooks:
    """Before a run: what it needs and is not there yet. After it: what data it was made of."""

    @hook_impl
    def before_pipeline_run(self, pipeline: Pipeline, catalog: Catalog) -> None:
        """Name the missing inputs and the command that makes them.

        Raises:
            UserError: An input of the pipeline is not saved yet.
        """
        needed = {
            name
            for name in pipeline.inputs()
            if not name.startswith("params:") and name not in ("parameters", "source")
        }
        missing = sorted(name for name in needed if not catalog.exists(name))
        if not missing:
            return
        makers = [
            maker
            for maker in _order()
            if not set(missing).isdisjoint(pipelines[maker].outputs())
            or not set(missing).isdisjoint(pipelines[maker].all_outputs())
        ]
        message = (
            f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not there yet: "
            f"run kedro run --pipelines={','.join(_with_earlier(makers, catalog))}"
        )
        raise UserError(message)

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: Catalog) -> None:
        """Keep the data's hash with the MLflow run."""
        if "row_accounting" not in pipeline.all_outputs() | pipeline.inputs():
            return
        import mlflow  # noqa: PLC0415 - kedro-mlflow has it loaded by now

        if mlflow.active_run():
            accounting = catalog.load("row_accounting")
            mlflow.set_tags({key: accounting[key] for key in ("source_name", "source_sha256")})


class ChampionHooks:
    """Where an environment says so, a whole successful run makes its candidate the champion."""

    @hook_impl
    def after_pipeline_run(self, run_params: dict[str, Any], catalog: Catalog) -> None:
        """Copy the candidate's files over the champion's, each whole."""
        is_whole = not any(
            run_params[key]
            for key in (
                "pipeline_names",
                "tags",
                "node_names",
                "from_nodes",
                "to_nodes",
                "from_inputs",
                "to_outputs",
            )
        )
        promotion = catalog.load("params:promotion")
        if not (is_whole and promotion["after_whole_run"]):
            return
        for name in ("segmenter", "cold_start"):
            candidate, champion = (
                Path(str(catalog.get(f"{name}_{role}")._filepath))
                for role in ("candidate", "champion")
            )
            champion.parent.mkdir(parents=True, exist_ok=True)
            written = champion.with_name(f".{champion.name}")
            shutil.copyfile(candidate, written)
            written.replace(champion)


def _order() -> list[str]:
    return [name for name in pipelines if name != "__default__"]


def _with_earlier(makers: list[str], catalog: Catalog) -> list[str]:
    """The makers and, before them, those of what the makers themselves miss."""
    wanted = set(makers)
    for name in reversed(_order()):
        if name not in wanted:
            continue
        inputs = {i for i in pipelines[name].inputs() if not i.startswith("params:")} - {"source"}
        absent = {i for i in inputs if not catalog.exists(i)}
        wanted |= {
            maker for maker in _order() if not absent.isdisjoint(pipelines[maker].all_outputs())
        }
    return [name for name in _order() if name in wanted]
