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
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from s3fs import S3FileSystem

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.lineage.ledger import read_ledger
from tests.promotion.example import an_entry
from tests.runs.project import Project, make_project, shell
from tests.runs.tables import TABLES, read_table
from tests.runs.test_cleaning import bundle
from tests.runs.test_forgetting import NAMED, require_one_state, require_only_rows_gone
from tests.services.s3 import S3Server

KILLS = int(os.environ.get("SEGMENTATION_KILLS", "1"))
BUCKET, TRIAL = "retention-kills", "retention-trial"
ENVIRONMENTS = ["dev", pytest.param("staging", marks=pytest.mark.faults)]
if KILLS > 1:
    ENVIRONMENTS.append(pytest.param("prod", marks=[pytest.mark.faults, pytest.mark.spark]))
OF_PROD = ("bronze_customers", "silver_customers", "silver_quarantine", "gold_features")


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


class Trial:
    """An environment that a run has just left, made anew as often as it is needed."""

    def __init__(self, kept: Project, environment: str, client: Any) -> None:
        self.kept, self.environment, self.client = kept, environment, client
        self.forget = ("forget", NAMED, "--do", f"--env={environment}")
        self.project = Project(kept.root.with_name("trial"))
        self.objects = self.in_bucket()

    @property
    def root(self) -> str:
        data = self.project.root / "data"
        roots = {"dev": str(data), "prod": str(data / "prod"), "staging": f"s3://{TRIAL}"}
        return roots[self.environment]

    def in_bucket(self) -> dict[str, bytes]:
        if self.environment != "staging":
            return {}
        found = self.client.list_objects_v2(Bucket=TRIAL).get("Contents", [])
        names = [each["Key"] for each in found]
        return {
            name: self.client.get_object(Bucket=TRIAL, Key=name)["Body"].read() for name in names
        }

    def renew(self) -> None:
        shutil.rmtree(self.project.root, ignore_errors=True)
        shutil.copytree(self.kept.root, self.project.root)
        for name in self.in_bucket():
            self.client.delete_object(Bucket=TRIAL, Key=name)
        for name, content in self.objects.items():
            self.client.put_object(Bucket=TRIAL, Key=name, Body=content)

    def tables(self) -> dict[str, pd.DataFrame]:
        S3FileSystem.clear_instance_cache()
        names = TABLES if self.environment != "prod" else OF_PROD
        return {name: read_table(self.root, name) for name in names}


@pytest.fixture
def trial_of(
    tracking: Path, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Trial]:
    def make(environment: str) -> Trial:
        if environment == "dev":
            quick: Project = request.getfixturevalue("quick_run")
            shutil.copytree(quick.root, tmp_path / "kept")
            return Trial(Project(tmp_path / "kept"), environment, None)
        project, client = make_project(tmp_path / "kept", tracking), None
        project.make_quick()
        pipelines = []
        if environment == "prod":
            request.getfixturevalue("spark")
            sample = project.root / "data" / "sample" / "customers.csv"
            header, *rows = sample.read_text().splitlines()
            theirs = [row for row in rows if row.startswith(NAMED)]
            sample.write_text("\n".join([header, *theirs, *rows[:100]]) + "\n")
            pipelines = ["--pipelines=ingestion,preprocessing"]
        else:
            server: S3Server = request.getfixturevalue("moto_server")
            server.make_bucket(TRIAL)
            client = server.client()
            settings = {"SEGMENTATION_BUCKET": TRIAL, "SEGMENTATION_LEASE_SECONDS": "2"}
            for name, value in (server.environment() | settings).items():
                monkeypatch.setenv(name, value)
        result = project.run(f"--env={environment}", *pipelines)
        assert result.exit_code == 0, result.output
        return Trial(project, environment, client)

    return make


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_whenever_an_erasure_is_killed_a_second_one_completes_it(
    environment: str, trial_of: Callable[[str], Trial]
) -> None:
    trial = trial_of(environment)
    trial.renew()
    before = trial.tables()
    seconds = timed(trial.project, *trial.forget)
    draw = random.Random(KILLS)  # noqa: S311 - a draw of moments
    for _ in range(KILLS):
        trial.renew()
        killed(trial.project, draw.uniform(0.0, 1.0) * seconds, *trial.forget)
        # Each table is the old one or the new one.
        for name, found in trial.tables().items():
            assert len(before[name]) - len(found) in {0, 1}
        completed(trial.project, trial.forget)
        require_only_rows_gone(before, trial.tables(), NAMED)
        require_one_state(read_ledger(f"{trial.root}/lineage.json"))
        left = [path for path in (trial.project.root / "data").rglob(".*") if path.is_dir()]
        assert left == []
        assert not [name for name in trial.in_bucket() if "/." in name]


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
        # In a process of its own: a Spark session keeps what it knew of tables.
        done = shell(project, "kedro", *command)
        if done.returncode == 0:
            return
        assert "is in use by" in done.stderr, done.stdout + done.stderr
        time.sleep(0.5)
    pytest.fail("the lease of a killed command is not freed")
