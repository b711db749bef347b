"""A run that is killed leaves every table of one run, and the next one gives what it would have.

`make test` does one kill in dev; `make faults` 20 in each environment, prod among them, where one
run alone takes a minute.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from customer_segmentation.lineage.ledger import LEDGER, read_ledger
from tests.runs.project import CHECKOUT, Project, make_project
from tests.runs.tables import read_table
from tests.services.s3 import S3Server

KILLS = int(os.environ.get("SEGMENTATION_KILLS", "1"))
ENVIRONMENTS = ["dev", pytest.param("staging", marks=pytest.mark.faults)]
if KILLS > 1:
    ENVIRONMENTS.append(pytest.param("prod", marks=[pytest.mark.faults, pytest.mark.spark]))
TABLES = ("bronze_customers", "silver_quarantine", "silver_customers", "gold_features")
PIPELINES = "--pipelines=ingestion,preprocessing"
# A killed run's lease is free again after these seconds.
LEASE_SECONDS = "4"


class Store:
    """An environment of a project, and the runs in it; those to be killed are processes."""

    def __init__(self, project: Project, environment: str, root: str, settings: dict[str, str]):
        self.project, self.environment, self.root = project, environment, root
        self.settings = settings | {"SEGMENTATION_LEASE_SECONDS": LEASE_SECONDS}

    def start(self, source: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - this project's own command
            [
                str(Path(sys.executable).with_name("kedro")),
                "run",
                PIPELINES,
                f"--env={self.environment}",
            ],
            cwd=self.project.root,
            env=os.environ | self.settings | {"SEGMENTATION_SOURCE": str(source)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # Spark's JVM is killed with the rest of its group.
            start_new_session=True,
        )

    def timed(self, source: Path) -> float:
        """How many seconds a process takes for a run."""
        began = time.monotonic()
        process = self.start(source)
        said, _ = process.communicate(timeout=600)
        assert process.returncode == 0, said.decode()[-2000:]
        return time.monotonic() - began

    def run(self, source: Path) -> None:
        """A run to its end."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (self.settings | {"SEGMENTATION_SOURCE": str(source)}).items():
                patch.setenv(name, value)
            for _ in range(60):
                result = self.project.run(PIPELINES, f"--env={self.environment}")
                if result.exit_code == 0:
                    return
                # The lease of the run that was killed is not free yet.
                assert "is in use by" in result.output, result.output[-2000:]
                time.sleep(0.5)
        pytest.fail("the lease of a killed run is not freed")

    def tables(self) -> dict[str, pd.DataFrame]:
        return {name: read_table(self.root, name) for name in TABLES}


@pytest.fixture
def sources(tmp_path: Path) -> tuple[Path, Path]:
    """The sample, and the sample with every income changed, some rows gone and some new."""
    lines = (CHECKOUT / "data/sample/customers.csv").read_text().splitlines()
    header, rows = lines[0], lines[1:]
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text("\n".join([header, *rows[:1500]]) + "\n")
    new.write_text("\n".join([header, *rows[300:2000]]) + "\n")
    return old, new


@pytest.fixture
def store_of(
    tmp_path: Path, tracking: Path, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], Store]]:
    def make(environment: str) -> Store:
        if environment == "prod":
            # Skips without Java.
            request.getfixturevalue("spark")
        project = make_project(tmp_path / "project", tracking)
        data, settings = project.root / "data", {}
        roots = {"dev": str(data), "prod": str(data / "prod"), "staging": "s3://kills"}
        if environment == "staging":
            server: S3Server = request.getfixturevalue("moto_server")
            server.make_bucket("kills")
            settings = server.environment() | {"SEGMENTATION_BUCKET": "kills"}
        return Store(project, environment, roots[environment], settings)

    with pytest.MonkeyPatch.context() as patch:
        if "staging" in request.node.name:
            server = request.getfixturevalue("moto_server")
            for name, value in server.environment().items():
                patch.setenv(name, value)
        yield make


def is_same(left: pd.DataFrame, right: pd.DataFrame) -> bool:
    return left.equals(right)


def state_of(found: pd.DataFrame, before: pd.DataFrame, undisturbed: pd.DataFrame) -> str:
    if is_same(before, undisturbed):
        return "both" if is_same(found, before) else "torn"
    return "old" if is_same(found, before) else "new" if is_same(found, undisturbed) else "torn"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_killed_run_leaves_one_state_and_the_next_one_is_as_if_undisturbed(
    environment: str, store_of: Callable[[str], Store], sources: tuple[Path, Path]
) -> None:
    store = store_of(environment)
    old, new = sources
    seconds = store.timed(new)
    undisturbed = store.tables()
    store.run(old)
    before = store.tables()
    assert not is_same(before["silver_customers"], undisturbed["silver_customers"])
    dice = random.Random(7)  # noqa: S311 - when to kill is no secret
    killed = 0
    while killed < KILLS:
        process = store.start(new)
        time.sleep(dice.uniform(0.3, 1.0) * seconds)
        if process.poll() is not None:
            # It was quicker than the one that was timed: the tables are to change once more.
            process.communicate()
            seconds *= 0.9
            store.run(old)
            continue
        killed += 1
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        states = {
            name: state_of(found, before[name], undisturbed[name])
            for name, found in store.tables().items()
        }
        # Tables that no run changed are of both.
        are_mixed = {"old", "new"} <= set(states.values())
        assert "torn" not in states.values(), states
        assert not are_mixed or read_ledger(f"{store.root}/{LEDGER}").publishing, states
    store.run(new)
    for name, found in store.tables().items():
        pd.testing.assert_frame_equal(found, undisturbed[name])
