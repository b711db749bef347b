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

from customer_segmentation.customers.generator import write
from customer_segmentation.serving.settings import Settings, as_environment
from tests.serving.jobs.posting import UNFINISHED, ended, fetched, post
from tests.serving.process import free_port, start_serving

WORKER = "customer_segmentation.serving.jobs.worker"
JOBS = 20


def workers_of(parent: int) -> list[int]:
    """The processes that a server started to work on jobs."""
    found = Path(f"/proc/{parent}/task").glob("*/children")
    children = [int(word) for path in found for word in path.read_text().split()]
    return [pid for pid in children if WORKER in Path(f"/proc/{pid}/cmdline").read_text()]


@pytest.mark.parametrize("database_of", ["sqlite", "postgresql"])
def test_nothing_is_lost_or_done_twice_however_server_and_workers_are_killed(
    bundle: Path, tmp_path: Path, request: pytest.FixtureRequest, database_of: str
) -> None:
    url = request.getfixturevalue("postgresql") if database_of == "postgresql" else ""
    chance = random.Random(7)  # noqa: S311 - no secret
    source = tmp_path / "customers.csv"
    write(source, 1_500, 3)
    content = source.read_bytes()
    port = free_port()
    options = ("--most-jobs", "100", "--job-workers", "2", "--lease-seconds", "1")
    options += ("--database", url) if url else ()

    def started():
        return start_serving(bundle, tmp_path / "server", *options, port=port)

    server = started()
    client = httpx.Client(base_url=server.url, timeout=30.0)
    accepted: dict[str, str] = {}
    kills = {3: "server", 8: "worker", 12: "worker"}
    try:
        for number in range(JOBS):
            answer = post(client, content, Idempotency_Key=f"job-{number}")
            assert answer.status_code == httpx.codes.ACCEPTED
            accepted[f"job-{number}"] = answer.json()["id"]
            if number not in kills:
                continue
            time.sleep(chance.uniform(0.0, 0.6))
            if kills[number] == "server":
                os.kill(server.process.pid, signal.SIGKILL)
                server.process.wait()
                server = started()
            else:
                for pid in workers_of(server.process.pid)[:1]:
                    os.kill(pid, signal.SIGKILL)
        for key, identity in accepted.items():
            assert post(client, content, Idempotency_Key=key).json()["id"] == identity
        rows = set()
        for identity in accepted.values():
            job = ended(client, client.get(f"/v1/jobs/{identity}").json())
            assert job["state"] == "done", job
            found = fetched(client, job, "results", "?format=parquet")
            table = pl.read_parquet(io.BytesIO(found))
            assert len(table) + job["rows_rejected"] == job["rows"] == 1_500
            rows.add(table.write_csv())
            until = time.monotonic() + 5.0
            folder = tmp_path / "server" / "jobs" / identity
            while len(list(folder.iterdir())) > 1 and time.monotonic() < until:
                time.sleep(0.05)
        assert len(rows) == 1
        assert len(client.get("/v1/jobs").json()["jobs"]) == JOBS
    finally:
        client.close()
        server.stop()


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
