"""What happens around a run: missing inputs named, MLflow's record filled, the champion made."""

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
from customer_segmentation.spark import prepare_session, require_java

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
    """What Kedro leaves relative to the folder that it is started from: the project's instead."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Anchor the tables' folder, which the lock is on, and MLflow's files.

        Raises:
            UserError: MLflow's database cannot be written.
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
    """Before a run: parameters that no pipeline reads are refused, since they would do nothing."""

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, catalog: Catalog) -> None:
        """Check the blocks' names, and the one block that no node reads.

        Raises:
            UserError: A block is unknown, or `promotion` is not what it should be.
        """
        given = catalog.load("parameters")
        inputs = pipelines["__default__"].inputs()
        blocks = {name.split(":")[1].split(".")[0] for name in inputs if ":" in name}
        known = sorted(blocks | {"promotion"})
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise UserError(
                f"wrong parameters: {unknown} are read by nobody; the blocks are {known}"
            )
        try:
            Promotion(**given["promotion"])
        except (TypeError, ValueError) as error:
            raise UserError(
                "wrong parameters: `promotion` holds `after_whole_run` and `even_if_worse`, each "
                "true or false"
            ) from error


class MissingInputHooks:
    """Before a run: what it needs and is not there yet."""

    @hook_impl(tryfirst=True)
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: Catalog
    ) -> None:
        """Name the missing inputs and the command that makes them.

        First of all hooks, so that MLflow keeps no run that never started.

        Raises:
            UserError: An input of the pipeline is not saved yet.
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
    """What an environment needs of the machine: a bucket, Java, settings for Spark."""

    def __init__(self) -> None:
        # Of the one context that a process makes; Kedro hands it to no later hook.
        self._tables = ""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Leave Spark's settings (`spark.yml`) where PySpark looks for them; nothing starts yet."""
        self._tables = _tables_root(context)
        with suppress(MissingConfigException):
            prepare_session(context.config_loader["spark"])

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: Catalog) -> None:
        """Ask for what is needed before anything looks for it.

        Raises:
            UserError: There is no bucket to run in, or no Java for the tables' Spark.
        """
        if self._tables.rstrip("/") in {"s3:", "s3a:"}:
            raise UserError(_NO_BUCKET)
        kinds = (type(catalog.get(name)).__module__ for name in pipeline.datasets())
        if any("spark" in kind or "delta" in kind or "databricks" in kind for kind in kinds):
            require_java()


class RunHooks:
    """Around a run: its record, and the lock that keeps a second one out."""

    def __init__(self) -> None:
        # Kedro tells of a run's beginning, saves and end in calls of their own.
        self._root = ""
        self._lock: RunLock | None = None

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Remember where this environment's tables are."""
        self._root = _tables_root(context)

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, run_params: dict[str, Any]) -> None:
        """Keep others out, and say which run it is to those who write for it.

        Raises:
            UserError: The bucket does not answer, or another run is on.
        """
        run_id = str(run_params["run_id"])
        lock = run_lock(self._root, run_id, float(os.environ.get(_LEASE_SECONDS, EXPIRY)))
        lock.acquire()
        self._lock = lock
        project = Path(run_params["project_path"])
        current_run.set(describe_run(run_id, run_params["env"] or "dev", project))

    @hook_impl
    def before_dataset_saved(self) -> None:
        """Write nothing once another run may be writing.

        Raises:
            UserError: The lease was lost, which a machine that slept finds when it wakes.
        """
        if self._lock:
            self._lock.require_held()

    @hook_impl(trylast=True)
    def after_pipeline_run(self) -> None:
        """Let others in, if nobody has yet; also after a run that failed."""
        current_run.set({})
        if self._lock:
            self._lock.release()
            self._lock = None

    on_pipeline_error = after_pipeline_run


class ProgressHooks:
    """A line every ten seconds while a step runs: a long one is not to be taken for a hung one."""

    def __init__(self) -> None:
        self._done = Event()

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Begin to tell."""
        self._done.set()
        self._done = done = Event()

        def tell() -> None:
            began = monotonic()
            while not done.wait(_TELL_SECONDS):
                logger.info("%s: %.0f s so far", node.name, monotonic() - began)

        Thread(target=tell, daemon=True).start()

    @hook_impl
    def before_dataset_loaded(self) -> None:
        """A step is over once the next one's inputs are asked for, and at the end of the run."""
        self._done.set()

    after_pipeline_run = on_pipeline_error = before_dataset_loaded


class TrackingHooks:
    """What kedro-mlflow does not keep: models, each parameter of a typed block, the data's hash."""

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:  # noqa: ANN401 - anything
        """Keep each candidate with the run that made it, wherever the catalog saved it."""
        import mlflow  # noqa: PLC0415 - kedro-mlflow has it loaded by now

        if dataset_name.endswith("_candidate") and mlflow.active_run():
            with TemporaryDirectory() as folder:
                file = Path(folder) / f"{dataset_name.removesuffix('_candidate')}.onnx"
                file.write_bytes(data.SerializeToString(deterministic=True))
                mlflow.log_artifact(str(file))

    @hook_impl(trylast=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: Catalog) -> None:
        """Keep every parameter that the pipeline is given, once MLflow's run has begun."""
        import mlflow  # noqa: PLC0415 - kedro-mlflow has it loaded by now

        if mlflow.active_run():
            blocks = {name for name in pipeline.inputs() if name.startswith("params:")}
            values = {name.removeprefix("params:"): catalog.load(name) for name in blocks}
            mlflow.log_params(flattened(values))

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self, pipeline: Pipeline, catalog: Catalog) -> None:
        """Keep the data's hash, before MLflow's run ends."""
        import mlflow  # noqa: PLC0415 - as above

        # Ingestion alone reads data that are not accounted for yet.
        is_known = catalog.exists("row_accounting") and pipeline.outputs() != {"bronze_customers"}
        if mlflow.active_run() and is_known:
            accounting = catalog.load("row_accounting")
            mlflow.set_tags({key: accounting[key] for key in ("source_name", "source_sha256")})


class ChampionHooks:
    """Where an environment says so, a whole successful run makes its candidate the champion."""

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self, run_params: dict[str, Any], catalog: Catalog) -> None:
        """Save the candidate's models as the champion's, each whole."""
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
        # Both are there before either is replaced: the two belong together.
        candidates = {name: catalog.load(f"{name}_candidate") for name in _FILES}
        for name, candidate in candidates.items():
            catalog.save(names[name], candidate)


class SummaryHooks:
    """At the end of a run: the segments, the account of the source, and where the report is."""

    @hook_impl
    def after_pipeline_run(self, pipeline: Pipeline, catalog: Catalog) -> None:
        """Print what the run made of each."""
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
    """Each parameter under its full name, `clustering.k.minimum`; plain blocks are kept already."""
    found = leaves(to_jsonable_python(values, fallback=str))
    # MLflow takes few signs in a name; a company's own headers hold any.
    return {re.sub(r"[^\w.\- ]", "_", n): str(value) for n, value in found.items() if "." in n}


def _require_writable(path: Path) -> None:
    """Ask before MLflow does, which asks for minutes and then says it in fifty lines."""
    place = path if path.exists() else path.parent
    if path.is_dir() or not os.access(place, os.W_OK):
        raise UserError(f"{path} cannot be written: a run must be able to write there")


def _tables_root(context: KedroContext) -> str:
    return str(context.config_loader["globals"]["tables"])


def _missing(pipeline: Pipeline, catalog: Catalog) -> set[str]:
    needed = {name for name in pipeline.inputs() if not name.startswith("params:")}
    return {name for name in needed - {"parameters", "source"} if not catalog.exists(name)}


def _makers(missing: set[str], catalog: Catalog) -> list[str]:
    """The pipelines that make what is missing, and what they miss in turn, in flow order."""
    wanted: list[str] = []
    # Backwards, so that what a maker misses is known when its own makers' turn comes.
    for name in reversed([name for name in pipelines if name != "__default__"]):
        if missing & pipelines[name].all_outputs():
            wanted.insert(0, name)
            missing = missing | _missing(pipelines[name], catalog)
    return wanted
