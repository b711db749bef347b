"""`kedro monitor` from the command line, and what was told is kept in a bucket as in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from customer_segmentation.monitoring.alerts.receivers import WEBHOOK
from customer_segmentation.monitoring.commands import Environment, alert, memory_place
from customer_segmentation.run_lock import run_lock
from tests.monitoring.alerts.reports import NOON, Listener, finding, settings, window, write
from tests.runs.project import Project
from tools.ports import free_port
from tools.rehearsal import S3Server


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(WEBHOOK, raising=False)


@pytest.fixture
def project(new_project: Project) -> Project:
    # A batch's is news on any day that this runs.
    write(new_project.root / "data", finding(0.3, window(source="batch")))
    return new_project


def test_what_was_found_is_printed_where_nobody_is_set_to_be_told(project: Project) -> None:
    result = project.kedro("monitor", "alert")
    assert result.exit_code == 0, result.output
    assert "NEW: input income (batch)" in result.output
    result = project.kedro("monitor", "status")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Looked at 2026-12-01 12:00 UTC")


def test_who_cannot_be_reached_is_one_line_and_a_failure(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTATION_ALERT_SMTP", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("SEGMENTATION_ALERT_FROM", "a@example.org")
    monkeypatch.setenv("SEGMENTATION_ALERT_TO", "b@example.org")
    # Whatever the day is.
    (project.root / "conf/dev/alerts.yml").write_text("quiet: {}\n", "utf-8")
    result = project.kedro("monitor", "alert")
    assert result.exit_code == 1
    (told,) = [line for line in result.output.splitlines() if line.startswith("Error: ")]
    assert "mail to b@example.org, by 127.0.0.1:" in told
    assert "Connection refused" in told


def test_a_setting_that_is_wrong_is_named(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTATION_ALERT_SNS", "our-topic")
    result = project.kedro("monitor", "alert")
    assert result.exit_code == 1
    assert result.output.startswith("Error: conf/*/alerts.yml: `sns`")


def test_two_commands_do_not_tell_at_once(project: Project) -> None:
    with run_lock(str(project.root / "data/monitoring/alerts"), "another"):
        result = project.kedro("monitor", "alert")
    assert result.exit_code == 1
    assert "is in use by run another" in result.output


def test_without_a_report_the_command_that_makes_one_is_named(new_project: Project) -> None:
    result = new_project.kedro("monitor", "status")
    assert result.exit_code == 1
    assert "run kedro run --pipeline=monitoring --env=dev" in result.output


def test_a_bucket_keeps_what_was_told(
    tmp_path: Path, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    s3_server.client().create_bucket(Bucket="alerts-told")
    memory = memory_place({"tables": "s3a://alerts-told/prod", "data": "data"})
    place = Environment("prod", str(tmp_path), memory, settings())
    listener = Listener()
    for value in (0.3, 0.3, 0.1):
        write(tmp_path, finding(value))
        with run_lock(memory, "kedro monitor alert"):
            alert(place, [listener], lambda _: None, NOON)
    assert listener.items == [("new", "income", "0.3"), ("over", "income", "0.1")]


def test_managed_tables_have_it_beside_the_files() -> None:
    places = {"tables": "unity-catalog://prod", "data": "/Volumes/prod/gold/segmentation"}
    assert memory_place(places) == "/Volumes/prod/gold/segmentation/monitoring/alerts"
