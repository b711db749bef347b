"""Hooks that refuse to combine outputs of different states, and record what was made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from customer_segmentation.datasets.pending import place_of
from customer_segmentation.datasets.whole_files import WholeFilesCatalog
from customer_segmentation.errors import UserError
from customer_segmentation.lineage.flow import SOURCE, WHOLE
from customer_segmentation.lineage.ledger import (
    Entry,
    Ledger,
    ledger_place,
    read_ledger,
    write_ledger,
)
from customer_segmentation.lineage.publishing import go_on, publish_run
from customer_segmentation.lineage.record import code_hash, entry_of, promoted, version_of
from customer_segmentation.lineage.refusal import current_parameters, refusal, refusal_of_kept
from customer_segmentation.lineage.state import Catalog, RunState


class BelongingHooks:
    """Before a run: refuse to join or keep tables and files that do not match."""

    def __init__(self) -> None:
        # Kedro hands the context to no later hook.
        self._place = ""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Remember the ledger of this environment."""
        self._place = ledger_place(context.config_loader["globals"])

    @hook_impl(tryfirst=True)
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: Catalog
    ) -> None:
        """Refuse what can be refused before anything runs.

        Raises:
            UserError: Names the tables and files, and the pipelines to run.
        """
        ledger = read_ledger(self._place)
        if ledger.publishing:
            # The outputs of a killed run are published first; each step is checked later.
            return
        if run_params["only_missing_outputs"]:
            _require_current(ledger, pipeline, catalog, run_params)
        state = RunState(ledger, catalog)
        for node in pipeline.nodes:
            if clashing := state.enter(node):
                raise UserError(refusal(node, clashing, state, run_params))


class LineageHooks:
    """During a run: check that the inputs of each step match, and record each output.

    All outputs of a run are published together at its end.

    Args:
        require_held: Makes sure that the run still holds the lock of its environment.
    """

    def __init__(self, require_held: Callable[[], None]) -> None:
        # Kedro calls a hook each for the start, the steps, the saves and the end of a run.
        self._require_held = require_held
        self._place = ""
        self._run: _Run | None = None

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Remember the ledger of this environment."""
        self._place = ledger_place(context.config_loader["globals"])
        self._run = None

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], catalog: WholeFilesCatalog) -> None:
        """Finish publishing for a killed run, clean up after it, and hold back saves from now on.

        The run holds the lock by now, so the ledger is its own.
        """
        ledger = go_on(self._place, read_ledger(self._place), catalog)
        catalog.forget_killed(pipelines[WHOLE].all_outputs() | {SOURCE})
        catalog.hold()
        self._run = _Run(ledger, catalog, run_params, RunState(ledger, catalog))

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Refuse a step whose inputs do not match.

        Raises:
            UserError: Names them, and the pipelines to run.
        """
        run = self._run
        if run and (clashing := run.state.enter(node)):
            raise UserError(refusal(node, clashing, run.state, run.params))

    @hook_impl
    def before_dataset_saved(self, dataset_name: str) -> None:
        """Forget the entry of a table that cannot be held back until the run ends."""
        run = self._run
        if run and dataset_name in run.ledger.entries and not place_of(run.catalog[dataset_name]):
            others = {n: e for n, e in run.ledger.entries.items() if n != dataset_name}
            run.ledger = replace(run.ledger, entries=others)
            write_ledger(self._place, run.ledger)

    @hook_impl
    def after_dataset_saved(
        self,
        dataset_name: str,
        data: Any,  # noqa: ANN401 - anything
        node: Node,
    ) -> None:
        """Record what it was made from."""
        run = self._run
        if not (run and run.state.is_kept(dataset_name)):
            return
        content, origin = run.state.saved(dataset_name), run.state.origin(dataset_name)
        version = version_of(data, origin, {**run.ledger.entries, **run.made})
        entry, values = entry_of(dataset_name, node.name, origin, content, version)
        run.made[dataset_name] = entry
        run.values |= values

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self, pipeline: Pipeline) -> None:
        """Publish everything that the run saved, and record what it was made from.

        Raises:
            UserError: A kept output does not match what this run made, or the lock is lost.
        """
        if not (run := self._run):
            return
        if run.params["only_missing_outputs"]:
            kept = pipeline.all_outputs() - run.made.keys()
            if stale := run.state.stale(kept, {}):
                raise UserError(refusal_of_kept(stale, run.params))
        self._require_held()
        # From here on, held-back outputs are needed even if this process dies.
        self._run = None
        entries = {**run.made, **promoted(run.catalog.waiting, run.made)}
        publish_run(self._place, run.ledger, run.catalog, entries, run.values)

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Remove what a failed run saved; everything stays as it was."""
        if self._run:
            self._run.catalog.abandon()
            self._run = None


@dataclass
class _Run:
    """The state of the current run."""

    ledger: Ledger
    catalog: WholeFilesCatalog
    params: dict[str, Any]
    state: RunState
    made: dict[str, Entry] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)


def _require_current(
    ledger: Ledger, pipeline: Pipeline, catalog: Catalog, run_params: dict[str, Any]
) -> None:
    """Refuse to keep outputs that a run would now make differently.

    Raises:
        UserError: Names them, and the pipelines to run.
    """
    state = RunState(ledger, catalog)
    kept = [name for name in pipeline.all_outputs() if state.is_kept(name) and catalog.exists(name)]
    source: Any = catalog.get(SOURCE)
    if SOURCE in pipeline.inputs() and kept and hasattr(source, "look"):
        # Its hash is known only after reading it.
        source.look()
    stale = state.stale(kept, current_parameters(catalog))
    for name in kept:
        entry = ledger.entries.get(name)
        if name not in stale and entry and entry.code != code_hash():
            stale[name] = "by another version of the code"
    if stale:
        raise UserError(refusal_of_kept(stale, run_params))
