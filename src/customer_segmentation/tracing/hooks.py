"""A span a run and a span a step, where SEGMENTATION_TRACES names a collector."""

from __future__ import annotations

import os
from time import perf_counter
from typing import TYPE_CHECKING, Any

from kedro.framework.hooks import hook_impl
from kedro.pipeline.node import Node

from customer_segmentation.errors import UserError
from customer_segmentation.lineage.flow import WHOLE
from customer_segmentation.run_record import current_run

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from customer_segmentation.tracing.spans import Tracing

COLLECTOR = "SEGMENTATION_TRACES"
_SERVICE = "customer-segmentation"
# As other commands leave it to those they start.
_PARENT = "TRACEPARENT"


class TracingHooks:
    """Spans of a run and of its steps; nothing without the setting."""

    def __init__(self) -> None:
        self._tracing: Tracing | None = None
        self._run: Span | None = None
        self._started: dict[str, float] = {}

    @hook_impl(trylast=True)
    def before_pipeline_run(self, run_params: dict[str, Any]) -> None:
        """Begin, once nothing refuses the run.

        Raises:
            UserError: The setting is no address.
        """
        if not (collector := os.environ.get(COLLECTOR)):
            return
        if not collector.startswith(("http://", "https://")):
            raise UserError(f"{COLLECTOR} is no collector's address: write it as http://HOST:4318")
        from customer_segmentation.tracing.spans import (  # noqa: PLC0415 - an extra, where it is asked for
            Tracing,
            sent_parent,
        )

        self._tracing = Tracing(collector, _SERVICE)
        parent = sent_parent({"traceparent": os.environ.get(_PARENT, "")})
        named = ",".join(run_params["pipeline_names"] or ()) or WHOLE
        self._run = self._tracing.start(f"kedro run {named}", parent)
        self._run.set_attribute("segmentation.environment", run_params["env"] or "dev")
        self._run.set_attribute("segmentation.run_id", str(current_run.get().get("run_id", "")))

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Note when a step begins."""
        self._started[node.name] = perf_counter()

    @hook_impl
    def after_node_run(self, node: Node) -> None:
        """A step is done."""
        self._tell(node, "")

    @hook_impl
    def on_node_error(self, error: Exception, node: Node) -> None:
        """A step has failed: the kind of error is told, not its message, which may quote a cell."""
        self._tell(node, type(error).__name__)

    @hook_impl(trylast=True)
    def after_pipeline_run(self) -> None:
        """A run is done and published."""
        self._end(is_failed=False)

    @hook_impl
    def on_pipeline_error(self) -> None:
        """A run has failed, was stopped, or its end was refused."""
        self._end(is_failed=True)

    def _tell(self, node: Node, error: str) -> None:
        if self._tracing and self._run:
            seconds = perf_counter() - self._started.pop(node.name, perf_counter())
            told = {"error.type": error} if error else {}
            self._tracing.past(node.name, self._run, seconds, told, is_failed=bool(error))

    def _end(self, *, is_failed: bool) -> None:
        if self._tracing and self._run:
            self._tracing.finish(self._run, is_failed=is_failed)
            self._tracing.end()
        self._tracing = self._run = None
