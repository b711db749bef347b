"""A run that a cloud starts says how it ended, in words that a state machine can read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import pytest

from customer_segmentation import cloud_job
from customer_segmentation.cloud_job import run_and_say
from customer_segmentation.errors import RefusedError, UserError
from customer_segmentation.monitoring.alerts.receivers import WEBHOOK
from customer_segmentation.run_lock import run_lock
from tests.monitoring.alerts.reports import finding, window, write
from tests.runs.project import Project, make_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, tracking: Path) -> Project:
    return make_project(tmp_path_factory.mktemp("job") / "project", tracking)


@pytest.fixture
def there(project: Project) -> Iterator[Path]:
    """Where outcomes are written, while the project's folder is the current one."""
    before = Path.cwd()
    os.chdir(project.root)
    yield project.root / "outcomes"
    os.chdir(before)


def said(place: Path) -> dict[str, str]:
    told: dict[str, str] = json.loads(place.read_text("utf-8"))
    return told


def test_a_run_that_ends_well_is_done(there: Path) -> None:
    run_and_say(["--pipelines=ingestion"], str(there / "1" / "ingestion.json"))
    assert said(there / "1" / "ingestion.json") == {"outcome": "done", "message": ""}


def test_a_wrong_file_is_told_in_the_projects_own_words(
    there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    monkeypatch.setenv("SEGMENTATION_SOURCE", str(tmp_path / "bad.csv"))
    told = run_and_say(["--pipelines=ingestion"], str(there / "bad.json"))
    assert told == said(there / "bad.json")
    assert told["outcome"] == "wrong"
    assert told["message"].startswith("bad.csv: no column for `customer_id`")


def test_a_model_that_need_not_be_learned_anew_is_done(there: Path) -> None:
    # Nothing was made here: it is asked whether anything is due before inputs are missed.
    told = run_and_say(["--pipeline=retraining"], str(there / "due.json"))
    assert told["outcome"] == "done", told
    assert told["message"] == "nothing is due: there is no champion to compare with yet"


def test_a_second_run_is_told_who_is_on(there: Path) -> None:
    with run_lock("data", "by hand"):
        told = run_and_say(["--pipelines=ingestion"], str(there / "busy.json"))
    assert told["outcome"] == "busy"
    assert "by hand" in told["message"]


def ending(error: Exception) -> object:
    def command(*_: object, **__: object) -> None:
        # As a command of the project does.
        raise click.ClickException(str(error)) from error

    return lambda _: command


def test_a_refusal_of_the_gate_is_an_answer(there: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud_job, "find_run_command", ending(RefusedError("by quality")))
    told = run_and_say(["--pipelines=promotion"], str(there / "gate.json"))
    assert told == {"outcome": "refused", "message": "by quality"}


def test_what_may_pass_by_itself_is_left_to_another_try(
    there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = UserError("the bucket does not answer")
    error.__cause__ = ConnectionError()
    monkeypatch.setattr(cloud_job, "find_run_command", ending(error))
    with pytest.raises(click.ClickException):
        run_and_say(["--pipelines=ingestion"], str(there / "lost.json"))
    assert not (there / "lost.json").exists()


def test_what_monitoring_found_is_in_the_outcome_once(
    there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cloud_job.ALERTS, "yes")
    monkeypatch.delenv(WEBHOOK, raising=False)
    (there.parent / "conf/dev/alerts.yml").write_text("quiet: {}\n", "utf-8")
    # A run that looks for nothing: the report is as it was.
    monkeypatch.setattr(cloud_job, "find_run_command", lambda _: lambda *_, **__: None)
    write(there.parent / "data", finding(0.3, window(source="batch")), at=datetime.now(UTC))
    told = run_and_say(["--env=dev", "--pipelines=scoring"], str(there / "alerts.json"))
    assert told == json.loads((there / "alerts.json").read_text("utf-8"))
    assert told["outcome"] == "done"
    assert told["alert"]["title"] == "[ticket] customer segmentation, dev: 1 new"
    assert "NEW: input income (batch)" in told["alert"]["text"]
    assert run_and_say(["--env=dev"], str(there / "again.json")) == {
        "outcome": "done",
        "message": "",
    }


def test_alerts_that_cannot_be_told_leave_a_run_done_and_are_said(
    there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cloud_job.ALERTS, "yes")
    monkeypatch.setenv("SEGMENTATION_ALERT_SNS", "our-topic")
    monkeypatch.setattr(cloud_job, "find_run_command", lambda _: lambda *_, **__: None)
    told = run_and_say(["--env=dev"], str(there / "odd.json"))
    assert told["outcome"] == "done"
    assert told["alert"]["title"] == "Alerts are not known"
    assert "conf/*/alerts.yml: `sns`" in told["alert"]["text"]
