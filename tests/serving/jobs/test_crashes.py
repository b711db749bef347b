"""Jobs and their processes through crashes, signals and cancelling."""

from __future__ import annotations

import io
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import polars as pl
import pytest

from customer_segmentation.serving.settings import Settings, as_environment
from tests.serving.jobs.posting import UNFINISHED, WORKER, ended, fetched, post, workers_of
from tests.serving.process import start_serving
from tools.generator import write
from tools.ports import free_port

JOBS = 12
SIZES = {"small": 1_500, "large": 20_000}


class Crashing:
    """A server that is killed and started again on the same port, and what it accepted.

    Jobs are named by their size and number: `large-3`.
    """

    def __init__(self, bundle: Path, folder: Path, options: tuple[str, ...]) -> None:
        self._bundle, self._folder, self._options = bundle, folder, options
        self._port = free_port()
        self._chance = random.Random(7)  # noqa: S311 - no secret
        self.contents = {}
        for size, count in SIZES.items():
            write(folder / f"{size}.csv", count, 3)
            self.contents[size] = (folder / f"{size}.csv").read_bytes()
        self.accepted: dict[str, str] = {}
        self.start()
        self.client = httpx.Client(base_url=self.server.url, timeout=30.0)

    def start(self) -> None:
        folder = self._folder / "server"
        self.server = start_serving(self._bundle, folder, *self._options, port=self._port)

    def post(self, name: str) -> str:
        content = self.contents[name.split("-", maxsplit=1)[0]]
        answer = post(self.client, content, Idempotency_Key=name)
        assert answer.status_code == httpx.codes.ACCEPTED
        return str(answer.json()["id"])

    def kill(self, whom: str) -> None:
        """Kill the server, its workers, or all at once, at a random moment of a job."""
        time.sleep(self._chance.uniform(0.0, 0.4))
        workers = workers_of(self.server.process.pid)
        assert workers
        if whom == "workers":
            for pid in workers:
                os.kill(pid, signal.SIGKILL)
            return
        if whom == "all":
            self.server.kill()
        else:
            os.kill(self.server.process.pid, signal.SIGKILL)
            self.server.process.wait()
        self.start()

    def result(self, name: str) -> str:
        """The one result of a job, once the leftovers of its attempts are gone."""
        identity = self.accepted[name]
        job = ended(self.client, self.client.get(f"/v1/jobs/{identity}").json())
        assert job["state"] == "done", job
        table = pl.read_parquet(io.BytesIO(fetched(self.client, job, "results", "?format=parquet")))
        rows = SIZES[name.split("-", maxsplit=1)[0]]
        assert len(table) + job["rows_rejected"] == job["rows"] == rows
        until = time.monotonic() + 60.0
        folder = self._folder / "server" / "jobs" / identity
        while len(list(folder.iterdir())) > 1 and time.monotonic() < until:
            time.sleep(0.05)
        assert len(list(folder.iterdir())) == 1
        return table.write_csv()


@pytest.mark.parametrize(
    "database_of", ["sqlite", pytest.param("postgresql", marks=pytest.mark.faults)]
)
def test_nothing_is_lost_or_done_twice_however_server_and_workers_are_killed(
    bundle: Path, tmp_path: Path, request: pytest.FixtureRequest, database_of: str
) -> None:
    options = ("--max-jobs", "100", "--job-workers", "2", "--lease-seconds", "5")
    if database_of == "postgresql":
        options += ("--database", request.getfixturevalue("postgresql"))
    crashing = Crashing(bundle, tmp_path, options)
    kills = {2: "server", 6: "workers", 10: "all"}
    try:
        for number in range(JOBS):
            name = f"{'large' if number in kills else 'small'}-{number}"
            crashing.accepted[name] = crashing.post(name)
            if number in kills:
                until_running(crashing.client, crashing.accepted[name])
                crashing.kill(kills[number])
        assert {name: crashing.post(name) for name in crashing.accepted} == crashing.accepted
        results = {name: crashing.result(name) for name in crashing.accepted}
        # One for each of the two files that were sent, however often.
        assert len(set(results.values())) == len(SIZES)
        assert len(crashing.client.get("/v1/jobs").json()["jobs"]) == JOBS
    finally:
        crashing.client.close()
        crashing.server.stop()


def until_running(client: httpx.Client, identity: str) -> None:
    """Wait until somebody works on a job."""
    until = time.monotonic() + 60.0
    while client.get(f"/v1/jobs/{identity}").json()["state"] == "queued":
        assert time.monotonic() < until
        time.sleep(0.01)


def environment(bundle: Path, folder: Path, **changes: object) -> dict[str, str]:
    settings = Settings(bundle=str(bundle), jobs=folder / "jobs", **changes)
    return {**os.environ, **as_environment(settings)}


def test_a_running_job_is_cancelled_and_leaves_no_file(bundle: Path, tmp_path: Path) -> None:
    source = tmp_path / "customers.csv"
    write(source, 100_000, 3)
    server = start_serving(bundle, tmp_path / "server")
    try:
        with httpx.Client(base_url=server.url, timeout=30.0) as client:
            job = post(client, source.read_bytes()).json()
            where = f"/v1/jobs/{job['id']}"
            until = time.monotonic() + 30.0
            while client.get(where).json()["state"] == "queued" and time.monotonic() < until:
                time.sleep(0.02)
            assert client.get(where).json()["state"] == "running"
            assert client.delete(where).status_code == httpx.codes.NO_CONTENT
            assert client.get(where).json()["state"] == "cancelled"
            after = ended(client, post(client, b"ID,Income\n1,2\n").json())
            assert after["state"] == "failed"
            assert client.get(where).json()["state"] == "cancelled"
            assert not (tmp_path / "server" / "jobs" / job["id"]).exists()
            post(client, source.read_bytes())
            pids = workers_of(server.process.pid)
        assert pids
    finally:
        server.stop()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_worker_gives_its_job_back_when_it_is_told_to_stop(bundle: Path, tmp_path: Path) -> None:
    source = tmp_path / "customers.csv"
    write(source, 100_000, 3)
    server = start_serving(bundle, tmp_path, "--job-workers", "0", "--lease-seconds", "60")
    environment_of = environment(bundle, tmp_path, lease_seconds=60.0)
    try:
        with httpx.Client(base_url=server.url, timeout=30.0) as client:
            where = post(client, source.read_bytes()).headers["location"]
            worker = subprocess.Popen([sys.executable, "-m", WORKER], env=environment_of)  # noqa: S603 - our own
            try:
                until = time.monotonic() + 30.0
                while client.get(where).json()["state"] == "queued" and time.monotonic() < until:
                    time.sleep(0.02)
                assert client.get(where).json()["state"] == "running"
            finally:
                worker.terminate()
                worker.wait(30.0)
            assert worker.returncode == 0
            assert client.get(where).json()["state"] == UNFINISHED[0]
    finally:
        server.stop()


def test_a_worker_ends_when_its_parent_is_gone(bundle: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", WORKER, "--parent", "1"]
    worker = subprocess.Popen(command, env=environment(bundle, tmp_path))  # noqa: S603 - our own
    assert worker.wait(60.0) == 0


def test_a_worker_imports_none_of_what_makes_models() -> None:
    heavy = ("kedro", "mlflow", "pandas", "sklearn")
    program = (
        f"import sys; import {WORKER}; import customer_segmentation.serving.jobs.output;"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, check=True, capture_output=True, text=True)  # noqa: S603 - our own
    assert done.stdout == "[]\n"
