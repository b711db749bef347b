"""Spans of a run and of its steps, by Kedro's own runner."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kedro.framework.hooks import _create_hook_manager
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node
from kedro.runner import SequentialRunner

from customer_segmentation.errors import UserError
from customer_segmentation.tracing.hooks import TracingHooks
from tests.services.otlp import collecting, hanging, told

RUN = {"env": "staging", "pipeline_names": ["ingestion", "eda"]}


def run(function: Callable[[], int]) -> None:
    """A run of one step, with hooks as Kedro calls them."""
    hooks = _create_hook_manager()
    hooks.register(TracingHooks())
    step = Pipeline([node(function, None, "number", name="count")])
    hooks.hook.before_pipeline_run(run_params=RUN, pipeline=step, catalog=DataCatalog())
    try:
        SequentialRunner().run(step, DataCatalog(), hooks)
    except Exception as error:
        hooks.hook.on_pipeline_error(
            error=error, run_params=RUN, pipeline=step, catalog=DataCatalog()
        )
        raise
    hooks.hook.after_pipeline_run(
        run_params=RUN, run_result={}, pipeline=step, catalog=DataCatalog()
    )


def fails() -> int:
    raise ValueError("customer 7319")


def test_a_run_is_a_span_and_each_step_a_span_within(monkeypatch: pytest.MonkeyPatch) -> None:
    trace, caller = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    monkeypatch.setenv("TRACEPARENT", f"00-{trace}-{caller}-01")
    with collecting() as collector:
        monkeypatch.setenv("SEGMENTATION_TRACES", collector.url)
        run(lambda: 1)
        step, whole = collector.wait_for(2)
    assert (step.name, whole.name) == ("count", "kedro run ingestion,eda")
    assert step.parent_span_id == whole.span_id
    assert (whole.trace_id.hex(), whole.parent_span_id.hex()) == (trace, caller)
    assert told(whole)["segmentation.environment"] == "staging"


def test_of_a_failure_the_kind_is_told_and_not_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting() as collector:
        monkeypatch.setenv("SEGMENTATION_TRACES", collector.url)
        with pytest.raises(ValueError, match="7319"):
            run(fails)
        step, whole = collector.wait_for(2)
    assert told(step) == {"error.type": "ValueError"}
    assert {step.status.code, whole.status.code} == {2}
    assert b"7319" not in collector.raw


def test_a_collector_that_hangs_fails_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    with hanging() as (url, _socket):
        monkeypatch.setenv("SEGMENTATION_TRACES", url)
        run(lambda: 1)


def test_without_the_setting_nothing_is_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEGMENTATION_TRACES", raising=False)
    run(lambda: 1)


def test_what_is_no_address_is_refused_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SEGMENTATION_TRACES", "collector:4318")
    with pytest.raises(UserError, match="SEGMENTATION_TRACES is no collector's address"):
        run(fails)
