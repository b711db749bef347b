"""How a run ends that does not come to its end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline

from customer_segmentation.errors import UserError
from customer_segmentation.lineage.openlineage.hooks import LineageHooks
from tests.marketing import SCHEMA
from tools.deploy.project import registered

RUN = {"env": None, "pipeline_names": ["promotion"]}
CATALOG = DataCatalog({"params:customers": MemoryDataset(SCHEMA.model_dump(mode="json"))})


def ended(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[dict[str, Any]]:
    """The events of a run that an error ends outside of its steps."""
    file = tmp_path / "events.jsonl"
    monkeypatch.setenv("SEGMENTATION_OPENLINEAGE", str(file))
    registered()
    hooks = LineageHooks()
    hooks.before_pipeline_run(RUN, Pipeline([]), CATALOG)

    def fail() -> None:
        raise error

    try:
        fail()
    except BaseException:  # noqa: BLE001 - as Kedro's session does
        # Kedro and the session of the project both say so.
        hooks.on_pipeline_error()
        hooks.on_pipeline_error()
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def test_a_stopped_run_is_aborted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, end = ended(KeyboardInterrupt(), tmp_path, monkeypatch)
    assert end["eventType"] == "ABORT"
    assert "errorMessage" not in end["run"]["facets"]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (UserError("bundle x is not promoted: refused by agreement"), "bundle x is not promoted"),
        # Of other people's errors nobody knows what they quote.
        (ValueError("could not convert 'Ana Perez'"), "ValueError"),
    ],
)
def test_a_run_whose_end_is_refused_has_failed(
    error: Exception, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, end = ended(error, tmp_path, monkeypatch)
    assert end["eventType"] == "FAIL"
    told = end["run"]["facets"]["errorMessage"]["message"]
    assert told.startswith(message)
    assert "Ana" not in json.dumps(end)


def test_what_cannot_be_told_is_not_told_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SEGMENTATION_OPENLINEAGE", str(tmp_path / "events.jsonl"))
    hooks = LineageHooks()
    hooks.before_pipeline_run(RUN, Pipeline([]), DataCatalog({}))
    hooks.after_pipeline_run()
    assert "OpenLineage: no more events" in caplog.text
