"""Ctrl-C and SIGTERM in the middle of a run: it is told, recorded, and lets others in."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from customer_segmentation.datasets.pending import FOLDER
from customer_segmentation.lineage.state import RunState
from customer_segmentation.run_lock.folder import FolderLock
from tests.runs.project import Project


@pytest.mark.parametrize(
    ("number", "code", "name"),
    [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")],
    ids=["SIGINT", "SIGTERM"],
)
def test_a_stopped_run_is_killed_in_the_record_and_leaves_nothing_half_done(
    new_project: Project, number: signal.Signals, code: int, name: str
) -> None:
    lock = new_project.root / "data" / ".run.lock"
    with subprocess.Popen(  # noqa: S603 - this project's own command
        [Path(sys.executable).with_name("kedro"), "run"],
        cwd=new_project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell has what it starts in the background ignore Ctrl-C, these tests perhaps.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    ) as process:
        assert process.stdout
        # A step that takes seconds, after others that have written.
        assert any("measure_candidates" in line for line in process.stdout)
        assert lock.exists()
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith(f"Stopped by {name}: ")
    assert not lock.exists()
    assert not list(new_project.root.rglob(".writing-*"))
    with closing(sqlite3.connect(new_project.root / "mlflow.db")) as database:
        runs = database.execute("SELECT status, end_time FROM runs ORDER BY start_time").fetchall()
    status, ended = runs[-1]
    assert status == "KILLED"
    assert ended


def test_a_stopped_run_removes_what_it_saved_before_it_lets_others_in(
    new_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[list[Path]] = []
    release = FolderLock.release

    def stop(*_: object) -> None:
        waiting.append(pending())
        raise KeyboardInterrupt

    def watch(lock: FolderLock) -> None:
        waiting.append(pending())
        release(lock)

    def pending() -> list[Path]:
        return list(new_project.root.rglob(f"{FOLDER}/*"))

    monkeypatch.setattr(RunState, "saved", stop)
    monkeypatch.setattr(FolderLock, "release", watch)
    assert new_project.run("--pipelines=ingestion").exit_code == 130
    at_the_stop, at_the_release, *_ = waiting
    assert at_the_stop
    assert not at_the_release
