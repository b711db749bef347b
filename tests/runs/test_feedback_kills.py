"""Feedback that is killed loses no outcome, and counts none twice.

`make test` kills it twice: once it has landed what arrived, and once its tables wait to be
published. `make faults` kills it 20 times more, at random moments.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from customer_segmentation.delivery.log import FOLDER
from tests.runs.project import Project, make_project
from tests.runs.tables import read_table
from tests.runs.test_campaign_measurement import write_log
from tests.runs.test_feedback import feedback, outcomes, write_inbox

KILLS = int(os.environ.get("SEGMENTATION_KILLS", "1"))
DEADLINE = 300.0


@pytest.fixture
def project(tmp_path: Path, tracking: Path) -> Project:
    made = make_project(tmp_path / "project", tracking)
    write_log(str(made.root / "data" / FOLDER))
    return made


def start(project: Project) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).with_name("kedro")), "run", "--pipeline=feedback"]
    return subprocess.Popen(  # noqa: S603 - this project's own command
        command,
        cwd=project.root,
        env=os.environ | {"KEDRO_DISABLE_TELEMETRY": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def killed_when(project: Project, is_time: Callable[[], bool]) -> bool:
    """Start feedback, and kill it at a moment; whether it was still running."""
    process = start(project)
    deadline = time.monotonic() + DEADLINE
    while not is_time() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    is_running = process.poll() is None
    if is_running:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return is_running


def kept(project: Project) -> list[str]:
    """The ids of what is kept, each as often as it is."""
    if not list((project.root / "data/gold/outcomes").glob("*.parquet")):
        return []
    return sorted(read_table(str(project.root / "data"), "gold_outcomes")["outcome_id"])


def numbered(lines: list[str]) -> list[str]:
    return sorted(line.partition(",")[0] for line in lines[1:])


def test_an_outcome_is_kept_once_wherever_feedback_is_killed(project: Project) -> None:
    data = project.root / "data"
    all_of_them = outcomes()
    write_inbox(data, "first.csv", all_of_them)
    landed = data / "outcomes/parts/folder/00000001.parquet"
    killed_when(project, landed.exists)
    assert kept(project) in ([], numbered(all_of_them))
    waiting = data / "gold/.pending/outcomes"
    killed_when(project, lambda: any(waiting.glob("*.parquet")))
    assert kept(project) in ([], numbered(all_of_them))
    write_inbox(data, "again.csv", [*all_of_them, "late,7,spring,1,2031-01-01"])
    result = feedback(project)
    assert result.exit_code == 0, result.output
    assert kept(project) == sorted([*numbered(all_of_them), "late"])
    assert ", 0 are new" in feedback(project).output


@pytest.mark.faults
def test_an_outcome_is_kept_once_at_any_moment_of_a_kill(project: Project) -> None:
    dice = random.Random(11)  # noqa: S311 - when to kill is no secret
    sent, seconds = outcomes(), 0.0
    for kill in range(KILLS):
        part = [sent[0], *sent[1 + kill :: KILLS]]
        write_inbox(project.root / "data", f"{kill}.csv", part)
        began, wait = time.monotonic(), dice.uniform(0.2, 1.0) * (seconds or 30.0)
        if not killed_when(project, lambda end=began + wait: time.monotonic() > end):
            seconds = time.monotonic() - began
        counted = pd.Series(kept(project), dtype=str)
        assert counted.is_unique
    assert feedback(project).exit_code == 0
    assert kept(project) == numbered(sent)
