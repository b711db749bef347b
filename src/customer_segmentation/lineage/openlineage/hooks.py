"""Tell of each run and step where SEGMENTATION_OPENLINEAGE says where to."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial, wraps
from typing import Any
from uuid import uuid4, uuid5

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from customer_segmentation.errors import UserError
from customer_segmentation.lineage.flow import SOURCE, WHOLE, ancestors, is_parameter
from customer_segmentation.lineage.ledger import Entry, ledger_place, read_ledger
from customer_segmentation.lineage.openlineage.columns import made_columns
from customer_segmentation.lineage.openlineage.data import (
    Catalog,
    columns_of,
    declared,
    described,
    placed,
)
from customer_segmentation.lineage.openlineage.emitter import Emitter
from customer_segmentation.lineage.openlineage.events import Data, State, Told, event
from customer_segmentation.run_record import current_run
from customer_segmentation.schema.file import SCHEMA_BLOCK, checked_schema
from customer_segmentation.schema.parts import AS_OF, SAMPLE_KEY
from customer_segmentation.tables.columns import gold_tables

logger = logging.getLogger(__name__)

TARGET, KEY = "SEGMENTATION_OPENLINEAGE", "SEGMENTATION_OPENLINEAGE_KEY"
_PRODUCT = "customer-segmentation"
_ACCOUNT = "row_accounting"
# Dataset -> its number in the account of the source.
_CLEAN, _REFUSED = "silver_customers", "silver_quarantine"
_COUNTED = {SOURCE: "rows_in", _CLEAN: "customers", _REFUSED: "quarantined"}
# What steps put beside the cells as they were sent.
_ADDED = (AS_OF, SAMPLE_KEY, "row_number", "reasons")


def _harmless(hook: Callable[..., None]) -> Callable[..., None]:
    """A hook that lets a run go on, without more events, whatever happens in it."""

    @wraps(hook)
    def guarded(hooks: LineageHooks, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - a hook's own
        try:
            hook(hooks, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - as said
            hooks.end()
            logger.warning(
                "OpenLineage: no more events (%s); the run goes on without", type(error).__name__
            )

    return guarded


class LineageHooks:
    """START and COMPLETE, FAIL or ABORT of a run and of its steps; nothing without the setting."""

    def __init__(self) -> None:
        self._emitter: Emitter | None = None
        self._ledger = ""

    @hook_impl
    @_harmless
    def after_context_created(self, context: KedroContext) -> None:
        """Note where the record of what was made is, which has what a run comes to."""
        if os.environ.get(TARGET):
            self._ledger = ledger_place(context.config_loader["globals"])
            self._root = context.project_path

    @hook_impl(trylast=True)
    @_harmless
    def before_pipeline_run(
        self, run_params: dict[str, Any], pipeline: Pipeline, catalog: Catalog
    ) -> None:
        """Begin, once nothing refuses the run."""
        if not (target := os.environ.get(TARGET)):
            return
        self._run, self._error = uuid4(), ""
        self._account: dict[str, Any] = {}
        self._record = dict(current_run.get())
        self._namespace = f"{_PRODUCT}/{run_params['env'] or 'dev'}"
        asked = {*(run_params["pipeline_names"] or ())}
        self._job = ",".join(name for name in pipelines if name in asked) or WHOLE
        self._pipeline, self._catalog = pipeline, catalog
        self._seen: dict[str, dict[str, str]] = {}
        self._schema = checked_schema(catalog.load(f"params:{SCHEMA_BLOCK}"))
        self._tables = gold_tables(self._schema)
        self._headers = {*self._schema.aliases, *self._schema.columns, *_ADDED}
        self._as_sent = ancestors([_CLEAN]) | {SOURCE, _REFUSED}
        self._emitter = Emitter(target, os.environ.get(KEY, ""))
        names = sorted(filter(_is_data, pipeline.inputs()))
        self._tell_run("START", [self._data(name) for name in names], [])

    @hook_impl
    @_harmless
    def before_node_run(self, node: Node, inputs: dict[str, Any]) -> None:
        """Begin a step."""
        if self._emitter:
            self._see(inputs)
            self._tell_step("START", node)

    @hook_impl
    @_harmless
    def after_node_run(self, node: Node, outputs: dict[str, Any]) -> None:
        """A step is done."""
        if self._emitter:
            self._see(outputs)
            self._account = outputs.get(_ACCOUNT, self._account)
            self._tell_step("COMPLETE", node)

    @hook_impl
    @_harmless
    def on_node_error(self, error: Exception, node: Node) -> None:
        """A step has failed."""
        if self._emitter:
            self._error = _words(error)
            self._tell_step("FAIL", node)

    @hook_impl(trylast=True)
    @_harmless
    def after_pipeline_run(self) -> None:
        """A run is done and published: what it has read and made, with versions and counts."""
        if not self._emitter:
            return
        entries: Mapping[str, Entry] = {}
        with suppress(UserError):
            entries = read_ledger(self._ledger).entries
        read = sorted(filter(_is_data, self._pipeline.inputs()))
        made = sorted(
            name
            for name in self._pipeline.all_outputs() & entries.keys()
            if entries[name].run == self._record.get("run_id")
        )
        self._tell_run(
            "COMPLETE",
            [self._data(name, entries.get(name)) for name in read],
            [self._data(name, entries[name]) for name in made],
        )
        self.end()

    @hook_impl
    @_harmless
    def on_pipeline_error(self) -> None:
        """A run has failed or was stopped; also called where its end was refused."""
        if not self._emitter:
            return
        error = sys.exc_info()[1]
        is_stopped = isinstance(error, KeyboardInterrupt)
        self._error = "" if is_stopped else self._error or _words(error)
        self._tell_run("ABORT" if is_stopped else "FAIL", [], [])
        self.end()

    def end(self) -> None:
        """Wait for what is not sent yet, and tell nothing more."""
        if self._emitter:
            self._emitter.close()
        self._emitter = None

    def _see(self, loaded: Mapping[str, Any]) -> None:
        """Note the columns of tables; what is no table has none."""
        for name, data in loaded.items():
            if _is_data(name) and name not in self._seen:
                columns = columns_of(data)
                if name in self._as_sent:
                    # Of a file without headers, the first customer would stand in their place.
                    columns = {n: kind for n, kind in columns.items() if n in self._headers}
                self._seen[name] = columns

    def _tell_step(self, state: State, node: Node) -> None:
        reads = tuple(self._data(name) for name in node.inputs if _is_data(name))
        makes = tuple(self._data(name) for name in node.outputs) if state == "COMPLETE" else ()
        self._tell(
            Told(
                *(state, _now(), str(uuid5(self._run, node.name)), self._namespace),
                job=node.name,
                kind="STEP",
                about=(node.func.__doc__ or "").strip().partition("\n")[0],
                parent=(str(self._run), self._job),
                inputs=reads,
                outputs=makes,
                error=self._error if state == "FAIL" else "",
            )
        )

    def _tell_run(self, state: State, reads: Iterable[Data], makes: Iterable[Data]) -> None:
        self._tell(
            Told(
                *(state, _now(), str(self._run), self._namespace, self._job, "PIPELINE"),
                about="A run of the project's pipelines",
                inputs=tuple(reads),
                outputs=tuple(makes),
                tags=self._record,
                error=self._error,
                left_out=self._account.get("reasons", {}) if state == "COMPLETE" else {},
            )
        )

    def _tell(self, told: Told) -> None:
        if self._emitter:
            self._emitter.emit(partial(event, told))

    def _data(self, name: str, entry: Entry | None = None) -> Data:
        data = placed(name, self._catalog, self._namespace, self._root)
        table = self._tables.get(name)
        data = replace(
            data,
            columns=self._seen.get(name) or declared(table),
            about=table.comment if table else "",
            described=described(table, self._schema),
            made=made_columns(name, self._schema),
        )
        counted = self._account.get(_COUNTED.get(name, ""))
        data = replace(data, rows=counted) if counted is not None else data
        if entry:
            data = replace(data, version=entry.content.mark, size=entry.content.size or None)
        return data


def _is_data(name: str) -> bool:
    return not is_parameter(name)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _words(error: BaseException | None) -> str:
    """The project's own message, which quotes no cell; of any other error its kind alone."""
    cause = error
    while cause and not isinstance(cause, UserError):
        cause = cause.__cause__
    return str(cause) if cause else type(error).__name__
