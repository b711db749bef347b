"""An erasure or a cleaning that is killed leaves every file whole, and a re-run completes it.

`make test` kills each once, `make faults` 20 times.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.lineage.ledger import read_ledger
from tests.promotion.example import an_entry
from tests.runs.project import Project, make_project
from tests.runs.tables import TABLES, read_table
from tests.runs.test_cleaning import bundle
from tests.runs.test_forgetting import NAMED, require_one_state, require_only_rows_gone
from tests.services.s3 import S3Server

KILLS = int(os.environ.get("SEGMENTATION_KILLS", "1"))
BUCKET = "retention-kills"


def started(project: Project, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - this project's own command
        [Path(sys.executable).with_name("kedro"), *arguments],
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def after_first_line(process: subprocess.Popen[str]) -> None:
    """Wait until it has looked, and begins to change files."""
    assert process.stdout
    assert process.stdout.readline()


def killed(project: Project, seconds: float, *arguments: str) -> bool:
    """Kill a command so long after it began to change files; returns whether it was in time."""
    process = started(project, *arguments)
    after_first_line(process)
    time.sleep(seconds)
    was_on = process.poll() is None
    if was_on:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return was_on


def timed(project: Project, *arguments: str) -> float:
    """The seconds from its first line to its end."""
    process = started(project, *arguments)
    after_first_line(process)
    began = time.monotonic()
    said, _ = process.communicate(timeout=300)
    assert process.returncode == 0, said
    return time.monotonic() - began


def tables(root: str) -> dict[str, pd.DataFrame]:
    return {name: read_table(root, name) for name in TABLES}


def test_whenever_an_erasure_is_killed_a_second_one_completes_it(
    quick_run: Project, tmp_path: Path
) -> None:
    before = tables(str(quick_run.root / "data"))
    forget = ("forget", NAMED, "--do")

    def fresh() -> Project:
        shutil.rmtree(tmp_path / "project", ignore_errors=True)
        shutil.copytree(quick_run.root, tmp_path / "project")
        return Project(tmp_path / "project")

    seconds = timed(fresh(), *forget)
    draw = random.Random(KILLS)  # noqa: S311 - a draw of moments
    for _ in range(KILLS):
        project = fresh()
        data = str(project.root / "data")
        killed(project, draw.uniform(0.0, 1.0) * seconds, *forget)
        # Each table is the old one or the new one.
        for name, found in tables(data).items():
            assert len(before[name]) - len(found) in {0, 1}
        again = project.kedro(*forget)
        assert again.exit_code == 0, again.output
        require_only_rows_gone(before, tables(data), NAMED)
        require_one_state(read_ledger(f"{data}/lineage.json"))
        left = [path for path in (project.root / "data").rglob(".*") if path.is_dir()]
        assert left == []


def test_whenever_a_cleaning_is_killed_a_second_one_completes_it(
    tracking: Path, tmp_path: Path, moto_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in moto_server.environment().items():
        monkeypatch.setenv(name, value)
    moto_server.make_bucket(BUCKET)
    monkeypatch.setenv("SEGMENTATION_BUCKET", BUCKET)
    monkeypatch.setenv("SEGMENTATION_LEASE_SECONDS", "2")
    project = make_project(tmp_path / "project", tracking)
    store = BundleStore(f"s3://{BUCKET}/models", "staging")
    live, *others = (bundle(f"model {number}") for number in range(30))
    store.add(live)
    store.append(an_entry(live, None))
    clean = ("clean", "--env=staging", "--do")

    def fill() -> None:
        for each in others:
            store.add(each)

    fill()
    seconds = timed(project, *clean)
    draw = random.Random(KILLS)  # noqa: S311 - a draw of moments
    for _ in range(KILLS):
        fill()
        killed(project, draw.uniform(0.0, 1.0) * seconds, *clean)
        for each in store.kept():
            # What is no whole bundle any more is none for anybody.
            found = store._read(each)
            assert found is None or found.id == each
        assert store.champion() == live
        completed(project, clean)
        assert store.kept() == [live.id]


def completed(project: Project, command: tuple[str, ...]) -> None:
    """The command, once the lease of the one that was killed is free."""
    for _ in range(60):
        result = project.kedro(*command)
        if result.exit_code == 0:
            return
        assert "is in use by" in result.output, result.output
        time.sleep(0.5)
    pytest.fail("the lease of a killed command is not freed")
