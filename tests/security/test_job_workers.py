"""Jobs that take too long or too much memory, are cancelled, or whose rows are damaged."""

from __future__ import annotations

import io
import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote

import httpx
import pyarrow as pa
import pytest
from pyarrow import parquet

from customer_segmentation.serving.settings import Settings, as_environment
from tests.serving.jobs.posting import (
    HEADER,
    PARQUET,
    WORKER,
    done,
    ended,
    post,
    workers_of,
)
from tests.serving.process import ServerProcess, serving

ROW = f"{HEADER}\n1,1960,Single,5,0,0\n".encode()
# Rows that end early, which Python's own reader takes one by one.
LONG = ROW + b"1\n" * 6_000_000
# Long enough for a good job on a busy machine, and not for that one.
MAX_SECONDS = 10
MAX_MEMORY = 300_000_000
# For the end of a long job.
PATIENCE = 120.0


@pytest.fixture(scope="module")
def at_once(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds for a worker to begin anew and take a job, on this machine."""
    settings = Settings(bundle=str(bundle), jobs=tmp_path_factory.mktemp("none") / "jobs")
    # It loads all that a worker does, and ends, since that is not its parent.
    command = [sys.executable, "-m", WORKER, "--parent", "1"]
    started = time.monotonic()
    subprocess.run(command, env={**os.environ, **as_environment(settings)}, check=True)  # noqa: S603 - our own
    return 5.0 + 3.0 * (time.monotonic() - started)


@pytest.fixture(scope="module")
def strict(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server whose jobs may take little."""
    limits = ("--job-seconds", str(MAX_SECONDS), "--job-memory", str(MAX_MEMORY))
    with serving(bundle, tmp_path_factory.mktemp("strict"), *limits) as started:
        yield started


@pytest.fixture
def sender(strict: ServerProcess) -> Iterator[httpx.Client]:
    """A client of it."""
    with httpx.Client(base_url=strict.url, timeout=60.0) as connected:
        yield connected


def next_is_done(
    server: ServerProcess, client: httpx.Client, before: list[int], seconds: float
) -> None:
    """The worker that failed a job is ready for another, and left nothing of the first."""
    started = time.monotonic()
    job = done(client, ROW)
    assert time.monotonic() - started < seconds
    # In the same place: nobody who started it need notice.
    assert workers_of(server.process.pid) == before
    folders = [path.name for path in (server.log.parent / "jobs").iterdir() if path.is_dir()]
    assert job["id"] in folders
    known = {job["id"] for job in client.get("/v1/jobs").json()["jobs"] if job["state"] == "done"}
    assert {name for name in folders if name != "incoming"} == known


def test_a_job_that_takes_too_long_fails_inside_a_long_call(
    strict: ServerProcess, sender: httpx.Client, at_once: float
) -> None:
    done(sender, ROW)
    before = workers_of(strict.process.pid)
    job = ended(sender, post(sender, LONG).json(), PATIENCE)
    assert job["state"] == "failed"
    told = f"the job took more than {MAX_SECONDS} seconds. Post the file in parts."
    assert job["message"] == told
    next_is_done(strict, sender, before, at_once)


@pytest.mark.security
def test_a_job_that_takes_too_much_memory_fails_with_what_to_do(
    strict: ServerProcess, sender: httpx.Client, at_once: float
) -> None:
    done(sender, ROW)
    before = workers_of(strict.process.pid)
    written = io.BytesIO()
    # Cells as long as they may be, and many.
    ids = [f"{row:06}" + "i" * 60_000 for row in range(4_000)]
    customer = {"Year_Birth": "1960", "Marital_Status": "", "Income": "5", "Kidhome": "0"}
    same = {name: [cell] * len(ids) for name, cell in {**customer, "Teenhome": "0"}.items()}
    rows = pa.table({"ID": ids, **same})
    parquet.write_table(rows, written, compression="zstd")
    job = ended(sender, post(sender, written.getvalue(), PARQUET).json(), PATIENCE)
    assert job["state"] == "failed"
    assert f"the job took more than {MAX_MEMORY} bytes of memory" in job["message"]
    assert "post the file in parts" in job["message"]
    next_is_done(strict, sender, before, at_once)


@pytest.mark.security
def test_a_cancelled_job_frees_its_worker_inside_a_long_call(
    bundle: Path, tmp_path: Path, at_once: float
) -> None:
    with (
        serving(bundle, tmp_path) as server,
        httpx.Client(base_url=server.url, timeout=60.0) as client,
    ):
        done(client, ROW)
        before = workers_of(server.process.pid)
        where = post(client, LONG).headers["location"]
        while client.get(where).json()["state"] == "queued":
            time.sleep(0.02)
        time.sleep(0.5)
        client.delete(where)
        assert client.get(where).json()["state"] == "cancelled"
        next_is_done(server, client, before, at_once)
        assert client.get(where).json()["state"] == "cancelled"


def test_what_a_server_keeps_is_its_owners_alone(
    strict: ServerProcess, sender: httpx.Client
) -> None:
    done(sender, ROW)
    folder = strict.log.parent / "jobs"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    found = sorted(folder.glob("jobs.db*"))
    assert [path.name for path in found] == ["jobs.db", "jobs.db-shm", "jobs.db-wal"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {0o600}


DAMAGES = {
    "parameters": ["no JSON", "[" * 100_000, "[1]", "{}", '{"format": "exe"}'],
    "state": ["unknown", 7],
    "bytes": ["many", -1],
    "created_at": ["today", 1e300],
    "rows_done": ["some", 1.5],
    "attempts": ["x"],
    "rows": ["x"],
    "ended_at": [9e999],
    "sha256": [b"\xff\xfe"],
    "message": [b"\xff\xfe"],
    "kept_bytes": ["x"],
    "id": ["../../../tmp/x", b"\xff"],
}


def damage(database: Path, like: str, state: str) -> list[str]:
    """Rows of a state, like a job's but for one wrong value each, and their ids."""
    made = []
    with closing(sqlite3.connect(database, timeout=20.0, isolation_level=None)) as connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(jobs)")]
        for column, values in DAMAGES.items():
            for value in values:
                changed = {"id": token_hex(16), "state": state, column: value}
                if state == "queued":
                    changed = {"ended_at": None, "attempt": None, **changed}
                chosen = ", ".join("?" if name in changed else name for name in names)
                given = [changed[name] for name in names if name in changed]
                copy = f"INSERT OR IGNORE INTO jobs SELECT {chosen} FROM jobs WHERE id = ?"  # noqa: S608 - nothing of it is a client's
                connection.execute(copy, [*given, like])
                made.append(str(changed["id"]))
    return made


def rows_of(database: Path) -> int:
    with closing(sqlite3.connect(database, timeout=20.0)) as connection:
        return int(connection.execute("SELECT count(*) FROM jobs").fetchone()[0])


def test_a_damaged_row_costs_its_job_alone(bundle: Path, tmp_path: Path) -> None:
    with (
        serving(bundle, tmp_path, "--jobs-kept", "3", "--max-jobs", "1000") as server,
        httpx.Client(base_url=server.url, timeout=60.0) as client,
    ):
        like = done(client, ROW)["id"]
        database = tmp_path / "jobs" / "jobs.db"
        made = damage(database, like, "queued") + damage(database, like, "done")
        listed = client.get("/v1/jobs")
        assert listed.status_code == httpx.codes.OK
        assert like in {job["id"] for job in listed.json()["jobs"]}
        for identity in made:
            found = client.get(f"/v1/jobs/{quote(identity, safe='')}").status_code
            assert found in (httpx.codes.OK, httpx.codes.NOT_FOUND)
        # The owner may post, the worker goes on, and the next sweep removes what is damaged.
        assert done(client, ROW)
        until = time.monotonic() + PATIENCE
        while rows_of(database) and time.monotonic() < until:
            time.sleep(0.2)
        assert rows_of(database) == 0
    log = server.stderr()
    assert "Traceback" not in log
    assert "job '../../../tmp/x': its row in the job table is damaged, and is removed" in log
    for identity in made:
        assert log.count(f"job {identity!r}: its row") <= 1
