"""Around a run: what does not belong together is refused, and what was made is written down."""

from __future__ import annotations

from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from customer_segmentation.errors import UserError
from customer_segmentation.lineage.flow import SOURCE
from customer_segmentation.lineage.ledger import (
    Entry,
    Ledger,
    ledger_place,
    read_ledger,
    write_ledger,
)
from customer_segmentation.lineage.record import code_hash, entry_of, version_of
from customer_segmentation.lineage.refusal import current_parameters, refusal, refusal_of_kept
from customer_segmentation.lineage.state import Catalog, RunState


class BelongingHooks:
    """Before a run: what would be joined or kept, and does not belong together."""

    def __init__(self) -> None:
        # Kedro hands the context to no later hook.
        self._place = ""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Remember where this environment's ledger is."""
        self._place = ledger_place(context.config_loader["globals"])

    @hook_impl(tryfirst=True)
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: Catalog
    ) -> None:
        """Refuse what can be told before anything ran.

        Raises:
            UserError: Names the tables and files, and the pipelines to run.
        """
        ledger = read_ledger(self._place)
        if run_params["only_missing_outputs"]:
            _require_current(ledger, pipeline, catalog, run_params)
        state = RunState(ledger, catalog)
        if found := state.rehearse(pipeline):
            raise UserError(refusal(*found, state, catalog, run_params))


class LineageHooks:
    """During a run: each step's inputs are held against each other, each output is noted."""

    def __init__(self) -> None:
        # Kedro tells of a run's beginning, steps, saves and end in calls of their own.
        self._place = ""
        self._run_params: dict[str, Any] = {}
        self._state: RunState | None = None
        self._ledger = Ledger()
        self._made: dict[str, Entry] = {}
        self._values: dict[str, Any] = {}

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Remember where this environment's ledger is."""
        self._place = ledger_place(context.config_loader["globals"])
        self._state = None

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], catalog: Catalog) -> None:
        """Read the ledger, which is this run's now that it holds the lock."""
        self._ledger, self._run_params = read_ledger(self._place), run_params
        self._state = RunState(self._ledger, catalog)
        self._made, self._values = {}, {}

    @hook_impl
    def before_node_run(self, node: Node, catalog: Catalog) -> None:
        """Refuse a step whose inputs do not belong together.

        Raises:
            UserError: Names them, and the pipelines to run.
        """
        if self._state and (found := self._state.enter(node)):
            raise UserError(refusal(node, found, self._state, catalog, self._run_params))

    @hook_impl
    def before_dataset_saved(self, dataset_name: str) -> None:
        """What is kept in no file has no content to look at: until it is saved, it has no entry."""
        entry = self._ledger.entries.get(dataset_name)
        if self._state and entry and entry.content is None:
            self._ledger = self._ledger.without(dataset_name)
            write_ledger(self._place, self._ledger)

    @hook_impl
    def after_dataset_saved(
        self,
        dataset_name: str,
        data: Any,  # noqa: ANN401 - anything
        node: Node,
    ) -> None:
        """Note what it was made from."""
        if not (self._state and self._state.is_kept(dataset_name)):
            return
        content = self._state.saved(dataset_name)
        origin = self._state.origin(dataset_name)
        version = version_of(data, origin, {**self._ledger.entries, **self._made})
        entry, values = entry_of(dataset_name, node.name, origin, content, version)
        self._made[dataset_name] = entry
        self._values |= values

    @hook_impl
    def after_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline) -> None:
        """Write it all down.

        Raises:
            UserError: An output that was kept is not of what this run made.
        """
        if self._state and run_params["only_missing_outputs"]:
            kept = pipeline.all_outputs() - self._made.keys()
            if stale := self._state.stale(kept, {}):
                raise UserError(refusal_of_kept(stale, run_params))
        self._write()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Write down what was made until then, too."""
        self._write()

    def _write(self) -> None:
        if self._state and self._made:
            write_ledger(self._place, self._ledger.with_entries(self._made, self._values))
        self._state = None


def _require_current(
    ledger: Ledger, pipeline: Pipeline, catalog: Catalog, run_params: dict[str, Any]
) -> None:
    """Refuse to keep outputs that a run would not make of what is there now.

    Raises:
        UserError: Names them, and the pipelines to run.
    """
    state = RunState(ledger, catalog)
    kept = [name for name in pipeline.all_outputs() if state.is_kept(name) and catalog.exists(name)]
    if SOURCE in pipeline.inputs() and kept:
        # Its hash is known once it was read.
        catalog.load(SOURCE)
    stale = state.stale(kept, current_parameters(catalog))
    for name in kept:
        entry = ledger.entries.get(name)
        if name not in stale and entry and entry.code != code_hash():
            stale[name] = "by another version of the code"
    if stale:
        raise UserError(refusal_of_kept(stale, run_params))
