"""A promotion or a rollback that is killed leaves one whole champion, and can be done again."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.serving.bundle import Champion
from tests.runs.project import Project, shell

KILLS = int(os.environ.get("SEGMENTATION_KILLS", "1"))
PROMOTE = (
    *("run", "--pipeline=promotion"),
    "--params=promotion.approver=Ana,promotion.reason=killed",
)
ROLL_BACK = ("rollback", "--approver=Ana", "--reason=again")


@pytest.fixture(scope="module")
def trialled(quick_run: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose candidate is another bundle than its champion."""
    root = tmp_path_factory.mktemp("trialled") / "project"
    shutil.copytree(quick_run.root, root)
    project = Project(root)
    result = project.run("--params=clustering.k.minimum=4,promotion.after_whole_run=false")
    assert result.exit_code == 0, result.output
    return project


@pytest.fixture
def trial(trialled: Project, tmp_path: Path) -> Project:
    """A copy of it."""
    shutil.copytree(trialled.root, tmp_path / "trial")
    return Project(tmp_path / "trial")


def store_of(project: Project) -> BundleStore:
    return BundleStore(str(project.root / "data" / "models"), "dev")


def live(store: BundleStore) -> str:
    entry = store.live()
    assert entry
    return entry.bundle


@contextmanager
def reading(store: BundleStore) -> Iterator[set[str]]:
    """A server's view, looked at all the time: the versions that it saw, none of them broken."""
    seen: set[str] = set()
    broken: list[Exception] = []
    ended = threading.Event()

    def look() -> None:
        while not ended.is_set():
            try:
                seen.add(Champion(store.root).current.version)
            except Exception as error:  # noqa: BLE001 - whatever it is, a reader failed
                broken.append(error)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()
    assert broken == []


def killed(project: Project, arguments: tuple[str, ...], seconds: float) -> None:
    """A command in a process of its own, killed after a time if it has not ended by then."""
    process = subprocess.Popen(  # noqa: S603 - this project's own command
        [sys.executable, "-m", "customer_segmentation", *arguments],
        cwd=project.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def timed(project: Project, arguments: tuple[str, ...]) -> float:
    began = time.monotonic()
    done = shell(project, "kedro", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return time.monotonic() - began


def worked() -> float:
    """The processor's seconds of every command that has ended, and of what it started."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_whenever_a_promotion_is_killed_the_champion_is_one_whole_version(trial: Project) -> None:
    store = store_of(trial)
    old = live(store)
    seconds = timed(trial, PROMOTE)
    new = live(store)
    assert new != old
    draw = random.Random(KILLS)  # noqa: S311 - a draw of moments
    for _ in range(KILLS):
        timed(trial, ROLL_BACK)
        assert live(store) == old
        with reading(store) as seen:
            killed(trial, PROMOTE, draw.uniform(0.3, 1.0) * seconds)
        assert live(store) in {old, new}
        assert len(seen) <= 2
        again = shell(trial, "kedro", *PROMOTE)
        assert again.returncode == 0, again.stdout + again.stderr
        assert live(store) == new


def test_whenever_a_rollback_is_killed_the_champion_is_one_whole_version(trial: Project) -> None:
    store = store_of(trial)
    old = live(store)
    timed(trial, PROMOTE)
    new = live(store)
    began = worked()
    timed(trial, ("rollback", "--help"))
    loaded = worked()
    seconds = timed(trial, ROLL_BACK)
    # Its work beside loading Kedro, whatever else the machine does.
    assert (worked() - loaded) - (loaded - began) < 3.0
    draw = random.Random(KILLS)  # noqa: S311 - a draw of moments
    before = old
    for _ in range(KILLS):
        with reading(store) as seen:
            killed(trial, ROLL_BACK, draw.uniform(0.3, 1.0) * seconds)
        now = live(store)
        assert now in {old, new}
        assert len(seen) <= 2
        if now == before:
            timed(trial, ROLL_BACK)
        before = live(store)


def test_of_two_promotions_at_once_one_is_refused_with_a_reason(trial: Project) -> None:
    store = store_of(trial)
    log = store.log()
    command = [sys.executable, "-m", "customer_segmentation", *PROMOTE]
    processes = [
        subprocess.Popen(  # noqa: S603 - this project's own command
            command,
            cwd=trial.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    told = [process.communicate()[0] for process in processes]
    codes = [process.returncode for process in processes]
    assert len(store.log()) == len(log) + 1
    if sorted(codes) == [0, 1]:
        refused = told[codes.index(1)]
        assert "is in use by run" in refused
        assert "run again" in refused
    else:
        # One began after the other had ended.
        assert codes == [0, 0]
        assert sum("is the champion of dev already" in one for one in told) == 1
