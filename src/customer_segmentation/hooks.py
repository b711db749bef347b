"""Hooks around a run: check its inputs, lock the environment, track it, promote the champion."""

from __future__ import annotations

import logging
import os
import re
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import monotonic
from typing import Any

import click
from kedro.config import MissingConfigException
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import CatalogProtocol
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from pydantic_core import to_jsonable_python

from customer_segmentation.customers.account import account_lines
from customer_segmentation.datasets.pending import place_of
from customer_segmentation.errors import UserError
from customer_segmentation.lineage.origin import leaves
from customer_segmentation.promotion import Promotion, why_kept
from customer_segmentation.run_lock import EXPIRY, RunLock, run_lock
from customer_segmentation.run_record import current_run, describe_run
from customer_segmentation.schema.file import SCHEMA_BLOCK, checked_schema
from customer_segmentation.spark import prepare_session, require_java
from customer_segmentation.tables.schemas import declare_tables

logger = logging.getLogger(__name__)

Catalog = CatalogProtocol[Any, Any]

_SELECTIONS = (
    *("pipeline_names", "tags", "node_names", "from_nodes", "to_nodes"),
    *("from_inputs", "to_outputs", "namespaces", "only_missing_outputs"),
)
_TELL_SECONDS = 10.0
_LEASE_SECONDS = "SEGMENTATION_LEASE_SECONDS"
_NO_BUCKET = (
    "staging has no bucket yet: set SEGMENTATION_BUCKET to one that you may write to, or run "
    "`make staging`, which rehearses staging on this machine."
)
_SQLITE = "sqlite:///"
_FILES = ("segmenter", "cold_start")


class AnchorHooks:
    """Make paths relative to the project that Kedro leaves relative to the current folder."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Anchor the folder of the tables, which is locked, and the files of MLflow.

        Raises:
            UserError: The MLflow database cannot be written.
        """
        project, loader = context.project_path, context.config_loader
        places = loader["globals"]
        if "://" not in str(places["tables"]):
            loader["globals"] = {**places, "tables": str(project / places["tables"])}
        mlflow = loader["mlflow"]
        server, tracking = mlflow["server"], mlflow["tracking"]
        kind, is_file, name = server["mlflow_tracking_uri"].partition(_SQLITE)
        if kind or not is_file:
            return
        database = project / name
        _require_writable(database)
        made = {"artifact_location": str(project / "mlruns")}
        experiment = {"create_experiment_kwargs": made, **tracking["experiment"]}
        uri = f"{_SQLITE}{database.as_posix()}"
        loader["mlflow"] = {
            **mlflow,
            "server": {**server, "mlflow_tracking_uri": uri},
            "tracking": {**tracking, "experiment": experiment},
        }


class ParameterHooks:
    """Before a run: refuse parameters that no pipeline reads, since they have no effect."""

    @hook_impl
    def after_catalog_created(self, catalog: Catalog) -> None:
        """Hold tables to the schema in use."""
        declare_tables(checked_schema(catalog.load(f"params:{SCHEMA_BLOCK}")))

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, catalog: Catalog) -> None:
        """Check the names of the blocks, and the one block that no node reads.

        Raises:
            UserError: A block is unknown, or `promotion` is not valid.
        """
        given = catalog.load("parameters")
        inputs = pipelines["__default__"].inputs()
        blocks = {name.split(":")[1].split(".")[0] for name in inputs if ":" in name}
        known = sorted(blocks | {"promotion"})
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise UserError(
                f"wrong parameters: no pipeline reads {unknown}; the blocks are {known}"
            )
        try:
            Promotion(**given["promotion"])
        except (TypeError, ValueError) as error:
            raise UserError(
                "wrong parameters: `promotion` holds `after_whole_run` and `even_if_worse`, each "
                "true or false"
            ) from error


class MissingInputHooks:
    """Before a run: refuse it if an input does not exist yet."""

    @hook_impl(tryfirst=True)
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: Catalog
    ) -> None:
        """Name the missing inputs and the command that makes them.

        Before most hooks, so that MLflow has no record of a run that never started.

        Raises:
            UserError: An input of the pipeline does not exist yet.
        """
        missing = _missing(pipeline, catalog)
        if not missing:
            return
        verb = "is" if len(missing) == 1 else "are"
        environment = f"--env={run_params['env']} " if run_params["env"] else ""
        raise UserError(
            f"{', '.join(sorted(missing))} {verb} not there yet: "
            f"run kedro run {environment}--pipelines={','.join(_makers(missing, catalog))}"
        )


class EnvironmentHooks:
    """What an environment needs: a bucket, Java, settings for Spark."""

    def __init__(self) -> None:
        # Kedro passes the context to no later hook.
        self._tables = ""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Leave Spark's settings (`spark.yml`) where PySpark looks for them; nothing starts yet."""
        self._tables = _tables_root(context)
        with suppress(MissingConfigException):
            prepare_session(context.config_loader["spark"])

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: Catalog) -> None:
        """Check for what is needed before anything uses it.

        Raises:
            UserError: No bucket is set, or there is no Java for Spark.
        """
        if self._tables.rstrip("/") in {"s3:", "s3a:"}:
            raise UserError(_NO_BUCKET)
        kinds = (type(catalog.get(name)).__module__ for name in pipeline.datasets())
        if any("spark" in kind or "delta" in kind or "databricks" in kind for kind in kinds):
            require_java()


class RunHooks:
    """Around a run: record it, and hold the lock against other runs."""

    def __init__(self) -> None:
        # Kedro calls a hook each for the start, the saves and the end of a run.
        self._root = ""
        self._lock: RunLock | None = None

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Remember the folder of the tables of this environment."""
        self._root = _tables_root(context)

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, run_params: dict[str, Any]) -> None:
        """Take the lock, and publish the record of the run to those who write for it.

        Raises:
            UserError: The bucket does not answer, or another run is in progress.
        """
        run_id = str(run_params["run_id"])
        lock = run_lock(self._root, run_id, float(os.environ.get(_LEASE_SECONDS, EXPIRY)))
        lock.acquire()
        self._lock = lock
        project = Path(run_params["project_path"])
        current_run.set(describe_run(run_id, run_params["env"] or "dev", project))

    @hook_impl
    def before_dataset_saved(self) -> None:
        """Check that the lock is still held.

        Raises:
            UserError: The lease was lost, for instance while the machine was asleep.
        """
        if self._lock:
            self._lock.require_held()

    @hook_impl(trylast=True)
    def after_pipeline_run(self) -> None:
        """Release the lock, if held; also after a failed run."""
        current_run.set({})
        if self._lock:
            self._lock.release()
            self._lock = None

    on_pipeline_error = after_pipeline_run


class ProgressHooks:
    """Log a line every ten seconds during a step, so that a long one does not seem to hang."""

    def __init__(self) -> None:
        self._done = Event()

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Start to log."""
        self._done.set()
        self._done = done = Event()

        def tell() -> None:
            began = monotonic()
            while not done.wait(_TELL_SECONDS):
                logger.info("%s: %.0f s so far", node.name, monotonic() - began)

        Thread(target=tell, daemon=True).start()

    @hook_impl
    def before_dataset_loaded(self) -> None:
        """Stop: a step has ended once the next one loads its inputs, or the run ends."""
        self._done.set()

    after_pipeline_run = on_pipeline_error = before_dataset_loaded


class TrackingHooks:
    """Track what kedro-mlflow does not: models, parameters of typed blocks, the data hash."""

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:  # noqa: ANN401 - anything
        """Log each candidate model, wherever the catalog saves it."""
        import mlflow  # noqa: PLC0415 - kedro-mlflow has it loaded by now

        if dataset_name.endswith("_candidate") and mlflow.active_run():
            with TemporaryDirectory() as folder:
                file = Path(folder) / f"{dataset_name.removesuffix('_candidate')}.onnx"
                file.write_bytes(data.SerializeToString(deterministic=True))
                mlflow.log_artifact(str(file))

    @hook_impl(trylast=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: Catalog) -> None:
        """Log every parameter of the pipeline, once the MLflow run has started."""
        import mlflow  # noqa: PLC0415 - kedro-mlflow has it loaded by now

        if mlflow.active_run():
            blocks = {name for name in pipeline.inputs() if name.startswith("params:")}
            values = {name.removeprefix("params:"): catalog.load(name) for name in blocks}
            if SCHEMA_BLOCK in values:
                # Hundreds of keys would hide the other parameters.
                mlflow.log_dict(values[SCHEMA_BLOCK].model_dump(mode="json"), "schema.json")
                values[SCHEMA_BLOCK] = values[SCHEMA_BLOCK].short()
            mlflow.log_params(flattened(values))

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self, pipeline: Pipeline, catalog: Catalog) -> None:
        """Log the hash of the data, before the MLflow run ends."""
        import mlflow  # noqa: PLC0415 - as above

        # After ingestion alone, the account is of older data.
        is_known = catalog.exists("row_accounting") and pipeline.outputs() != {"bronze_customers"}
        if mlflow.active_run() and is_known:
            accounting = catalog.load("row_accounting")
            mlflow.set_tags({key: accounting[key] for key in ("source_name", "source_sha256")})


class ChampionHooks:
    """Promote the candidate of a successful whole run, in environments configured for it."""

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self, run_params: dict[str, Any], catalog: Catalog) -> None:
        """Save the models of the candidate as those of the champion."""
        is_whole = not any(run_params[selection] for selection in _SELECTIONS)
        promotion = Promotion(**catalog.load("params:promotion"))
        if not (is_whole and promotion.after_whole_run):
            return
        names = {name: f"{name}_champion" for name in _FILES}
        if not promotion.even_if_worse and all(catalog.exists(each) for each in names.values()):
            champion = {name: catalog.load(saved) for name, saved in names.items()}
            summaries = map(catalog.load, ("clustering_summary", "supervised_metrics"))
            if kept := why_kept(champion, *summaries):
                click.echo(f"\n{kept}")
                return
        # Load both before replacing either, since they belong together.
        candidates = {name: catalog.load(f"{name}_candidate") for name in _FILES}
        for name, candidate in candidates.items():
            catalog.save(names[name], candidate)


class SummaryHooks:
    """At the end of a run: the segments, the account of the source, and where the report is."""

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: Catalog) -> None:
        """Print what the run made."""
        made = pipeline.all_outputs()
        if "segment_summary" in made:
            click.echo(f"\n{catalog.load('segment_summary')}")
        landed = getattr(catalog.get("source"), "landed", None)
        lines = landed.lines() if landed else []
        if "row_accounting" in made:
            lines += account_lines(catalog.load("row_accounting"))
        if lines:
            click.echo("\n" + "\n".join(lines))
        if "report" in made:
            click.echo(f"\nReport: {place_of(catalog.get('report'))}")


def flattened(values: dict[str, Any]) -> dict[str, str]:
    """Parameters by full name, such as `clustering.k.minimum`; kedro-mlflow logs plain values."""
    flat = leaves(to_jsonable_python(values, fallback=str))
    # MLflow allows few characters in names; headers of a source may contain any.
    return {re.sub(r"[^\w.\- ]", "_", n): str(value) for n, value in flat.items() if "." in n}


def _require_writable(path: Path) -> None:
    """Check before MLflow does, which tries for minutes and then fails with fifty lines."""
    place = path if path.exists() else path.parent
    if path.is_dir() or not os.access(place, os.W_OK):
        raise UserError(f"{path} cannot be written: a run must be able to write there")


def _tables_root(context: KedroContext) -> str:
    return str(context.config_loader["globals"]["tables"])


def _missing(pipeline: Pipeline, catalog: Catalog) -> set[str]:
    needed = {name for name in pipeline.inputs() if not name.startswith("params:")}
    return {name for name in needed - {"parameters", "source"} if not catalog.exists(name)}


def _makers(missing: set[str], catalog: Catalog) -> list[str]:
    """The pipelines that make what is missing, and what these need in turn, in flow order."""
    wanted: list[str] = []
    # Backwards, so that the missing inputs of a pipeline are known before its makers are checked.
    for name in reversed([name for name in pipelines if name != "__default__"]):
        if missing & pipelines[name].all_outputs():
            wanted.insert(0, name)
            missing = missing | _missing(pipelines[name], catalog)
    return wanted
