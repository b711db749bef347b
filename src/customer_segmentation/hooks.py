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
from kedro.config import AbstractConfigLoader, MissingConfigException
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import AbstractDataset, CatalogProtocol
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from pydantic_core import to_jsonable_python

from customer_segmentation.bundles.bundle import MODELS
from customer_segmentation.customers.account import account_lines
from customer_segmentation.datasets.pending import place_of
from customer_segmentation.datasets.whole_files import WholeFilesCatalog
from customer_segmentation.errors import RefusedError, UserError
from customer_segmentation.lineage.flow import SOURCE, WHOLE
from customer_segmentation.lineage.ledger import Ledger, ledger_place, read_ledger, write_ledger
from customer_segmentation.lineage.origin import leaves
from customer_segmentation.lineage.publishing import go_on, publish_run
from customer_segmentation.lineage.refusal import refuse_stale, require_belonging, require_matching
from customer_segmentation.lineage.state import RunState
from customer_segmentation.preconditions import (
    require_bucket,
    require_environment,
    require_feature_store,
    require_inputs,
    require_known_parameters,
)
from customer_segmentation.promotion import at_end
from customer_segmentation.reading_from import READ_FROM, Environment, borrow, refuse_writes
from customer_segmentation.retraining.asking import require_due
from customer_segmentation.run_lock import RunLock, run_lock
from customer_segmentation.run_record import LENDER, current_run, describe_run
from customer_segmentation.schema.file import SCHEMA_BLOCK, checked_schema
from customer_segmentation.session import require_environment as require_configured
from customer_segmentation.spark import prepare_session
from customer_segmentation.tables.schemas import declare_tables

logger = logging.getLogger(__name__)

Catalog = CatalogProtocol[Any, Any]

_TELL_SECONDS = 10.0
_SQLITE = "sqlite:///"
# Summary whose `lines` a run ends with -> its page.
_TOLD = {
    "campaign_summary": "campaign_page",
    "campaign_results": "campaign_results_page",
    "feedback_results": "feedback_page",
    "uplift_summary": "uplift_page",
    # It has none where all is well.
    "monitoring_summary": "monitoring_page",
}


class RunHooks:
    """A run from its checks to its end: it is alone, and its outputs are of one state."""

    def __init__(self) -> None:
        # Kedro hands the context to no later hook.
        self._tables = self._ledger = ""
        self._lender: Environment | None = None
        self._lock: RunLock | None = None
        self._state: RunState | None = None

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Anchor what Kedro leaves relative to the current folder, and leave Spark its settings.

        Raises:
            UserError: The MLflow database cannot be written.
        """
        project, loader = context.project_path, context.config_loader
        places = loader["globals"]
        self._tables = str(places["tables"])
        if "://" not in self._tables:
            self._tables = str(project / self._tables)
        loader["globals"] = {**places, "tables": self._tables}
        self._ledger = ledger_place(loader["globals"])
        self._lender = _lender(context)
        anchor_mlflow(project, loader)
        with suppress(MissingConfigException):
            prepare_session(loader["spark"])

    @hook_impl
    def after_catalog_created(self, catalog: Catalog) -> None:
        """Hold tables to the schema in use."""
        declare_tables(checked_schema(catalog.load(f"params:{SCHEMA_BLOCK}")))

    @hook_impl(tryfirst=True)
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: WholeFilesCatalog
    ) -> None:
        """Check what can be checked before anything runs, take the lock, and hold back saves.

        Before other hooks, so that MLflow has no record of a run that never started.

        Raises:
            UserError: Something is missing or does not match, or another run is in progress.
            NothingDue: The run would learn a model without a reason.
        """
        require_environment(self._tables, pipeline, catalog)
        require_known_parameters(catalog, run_params)
        lent, told = self._borrow(pipeline, catalog)
        catalog.lend(lent)
        require_due(pipeline, catalog)
        require_inputs(run_params, pipeline, catalog)
        require_feature_store(pipeline, catalog)
        ledger = read_ledger(self._ledger)
        # The outputs of a killed run are published first; then each step is checked.
        if not ledger.publishing:
            require_belonging(pipeline, RunState(ledger, catalog, run_params, told))
        self.lock(run_params)
        # Only now is the ledger this run's own; what killed runs left is in its own places.
        catalog.lend({})
        ledger = go_on(self._ledger, read_ledger(self._ledger), catalog)
        catalog.forget_killed(pipelines[WHOLE].all_outputs() | {SOURCE})
        catalog.hold()
        catalog.lend(lent)
        self._state = RunState(ledger, catalog, run_params, told)

    def _borrow(
        self, pipeline: Pipeline, catalog: WholeFilesCatalog
    ) -> tuple[dict[str, AbstractDataset[Any, Any]], Ledger]:
        """The inputs that are read from another environment, and its ledger of them."""
        if not (lender := self._lender):
            return {}, Ledger({}, {})
        refuse_writes(lender, pipeline, catalog, self._ledger)
        lent, told = borrow(lender, pipeline, catalog)
        logger.info("%s: read from %s, and only read", ", ".join(lent), lender.name)
        return lent, told

    def lock(self, run_params: dict[str, Any]) -> None:
        """Take the lock, and publish the record of the run to those who write for it.

        Raises:
            UserError: The bucket does not answer, or another run is in progress.
        """
        run_id = str(run_params["run_id"])
        lock = run_lock(self._tables, run_id)
        lock.acquire_soon()
        self._lock = lock
        project = Path(run_params["project_path"])
        lender = self._lender.name if self._lender else ""
        current_run.set(describe_run(run_id, run_params["env"] or "dev", project, lender))

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Refuse a step whose inputs do not match.

        Raises:
            UserError: Names them, and the pipelines to run.
        """
        if self._state:
            require_matching(node, self._state)

    @hook_impl
    def before_dataset_saved(self, dataset_name: str) -> None:
        """Check that the lock is still held; forget a table that cannot be held back.

        Raises:
            UserError: The lease was lost, for instance while the machine was asleep.
        """
        if self._lock:
            self._lock.require_held()
        if (state := self._state) and state.forget(dataset_name):
            write_ledger(self._ledger, state.ledger)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any, node: Node) -> None:  # noqa: ANN401 - anything
        """Record what it was made from."""
        if self._state:
            self._state.record(dataset_name, data, node)

    @hook_impl(tryfirst=True)
    def after_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: WholeFilesCatalog
    ) -> None:
        """Promote the candidate, publish what the run saved, tell what it made, free the lock.

        Raises:
            UserError: A kept output does not match what this run made, or the lock is lost.
        """
        told = at_end.Outcome()
        if state := self._state:
            told = at_end.outcome(run_params, state)
            if run_params["only_missing_outputs"]:
                kept = pipeline.all_outputs() - state.made.keys()
                refuse_stale(state.stale(kept, {}), state)
            if self._lock:
                self._lock.require_held()
            # From here on, held-back outputs are needed even if this process dies.
            self._state = None
            publish_run(self._ledger, state, told.entry)
            at_end.require_live(told, catalog)
            at_end.tell_challenger(told, catalog)
            at_end.show_in_mlflow(told, catalog)
        _tell(pipeline, catalog)
        for line in told.lines:
            click.echo(line)
        self._release()
        if told.refused:
            raise RefusedError(told.refused)

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Remove what a failed run saved, then free the lock; everything stays as it was."""
        if self._state:
            self._state.catalog.abandon()
            self._state = None
        self._release()

    def _release(self) -> None:
        current_run.set({})
        if self._lock:
            self._lock.release()
            self._lock = None


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

        name = f"{dataset_name.removesuffix('_candidate')}.onnx"
        if dataset_name.endswith("_candidate") and name in MODELS and mlflow.active_run():
            with TemporaryDirectory() as folder:
                file = Path(folder) / name
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
            if lender := current_run.get().get(LENDER):
                mlflow.set_tag(LENDER, lender)

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self, pipeline: Pipeline, catalog: Catalog) -> None:
        """Log the hash of the data, before the MLflow run ends."""
        import mlflow  # noqa: PLC0415 - as above

        # After ingestion alone, the account is of older data.
        is_known = catalog.exists("row_accounting") and pipeline.outputs() != {"bronze_customers"}
        if mlflow.active_run() and is_known:
            accounting = catalog.load("row_accounting")
            mlflow.set_tags({key: accounting[key] for key in ("source_name", "source_sha256")})


def flattened(values: dict[str, Any]) -> dict[str, str]:
    """Parameters by full name, such as `clustering.k.minimum`; kedro-mlflow logs plain values."""
    flat = leaves(to_jsonable_python(values, fallback=str))
    # MLflow allows few characters in names; headers of a source may contain any.
    return {re.sub(r"[^\w.\- ]", "_", n): str(value) for n, value in flat.items() if "." in n}


def _tell(pipeline: Pipeline, catalog: Catalog) -> None:
    """Print the segments, the account of the source, and where the report is."""
    made = pipeline.all_outputs()
    if "segment_summary" in made:
        click.echo(f"\n{catalog.load('segment_summary')}")
    for name, page in _TOLD.items():
        if name in made and (said := catalog.load(name)["lines"]):
            told = [*said, f"Page: {place_of(catalog.get(page))}"]
            click.echo("\n" + "\n".join(told))
    landed = getattr(catalog.get(SOURCE), "landed", None)
    lines = landed.lines() if landed else []
    if "row_accounting" in made:
        lines += account_lines(catalog.load("row_accounting"))
    if "online_features" in made:
        lines += getattr(catalog.get("online_features"), "lines", list)()
    if lines:
        click.echo("\n" + "\n".join(lines))
    if "report" in made:
        click.echo(f"\nReport: {place_of(catalog.get('report'))}")


def _lender(context: KedroContext) -> Environment | None:
    """The environment that SEGMENTATION_READ_FROM names.

    Raises:
        UserError: There is none of that name, it is this one, or it has no bucket yet.
    """
    if not (name := os.environ.get(READ_FROM, "")):
        return None
    # Of `settings.py`, which imports this module.
    loader: Any = context.config_loader
    if name == (context.env or loader.default_run_env):
        raise UserError(f"{READ_FROM} is {name}, which is this environment: unset it")
    require_configured(name, Path(loader.conf_source))
    found = loader.elsewhere(name)
    require_bucket(str(found["globals"]["tables"]))
    return Environment.of(name, found["globals"], found["catalog"], context.project_path)


def anchor_mlflow(project: Path, loader: AbstractConfigLoader) -> None:
    """Have MLflow's database and files in the project."""
    mlflow = loader["mlflow"]
    server, tracking = mlflow["server"], mlflow["tracking"]
    kind, is_file, name = server["mlflow_tracking_uri"].partition(_SQLITE)
    if kind or not is_file:
        return
    database = project / name
    # MLflow itself would try for minutes and then fail with fifty lines.
    place = database if database.exists() else database.parent
    if database.is_dir() or not os.access(place, os.W_OK):
        raise UserError(f"{database} cannot be written: a run must be able to write there")
    made = {"artifact_location": str(project / "mlruns")}
    experiment = {"create_experiment_kwargs": made, **tracking["experiment"]}
    loader["mlflow"] = {
        **mlflow,
        "server": {**server, "mlflow_tracking_uri": f"{_SQLITE}{database.as_posix()}"},
        "tracking": {**tracking, "experiment": experiment},
    }
