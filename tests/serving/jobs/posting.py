"""Post files as jobs to a server, and wait for what becomes of them."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

CSV, LINES, PARQUET = "text/csv", "application/x-ndjson", "application/vnd.apache.parquet"
UNFINISHED = ("queued", "running")
WORKER = "customer_segmentation.serving.jobs.worker"
HEADER = "ID,Year_Birth,Marital_Status,Income,Kidhome,Teenhome"


def post(client: httpx.Client, content: Any, kind: str = CSV, **headers: str) -> httpx.Response:
    """Post a file; a header's `_` stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post("/v1/jobs", content=content, headers={"content-type": kind, **named})


def ended(client: httpx.Client, job: dict[str, Any], seconds: float = 60.0) -> dict[str, Any]:
    """Wait for a job's end."""
    until = time.monotonic() + seconds
    while job["state"] in UNFINISHED and time.monotonic() < until:
        time.sleep(0.05)
        job = client.get(f"/v1/jobs/{job['id']}").json()
    assert job["state"] not in UNFINISHED, job
    return job


def done(client: httpx.Client, content: Any, kind: str = CSV) -> dict[str, Any]:
    """Post a file and wait until it is scored."""
    job = ended(client, post(client, content, kind).json())
    assert job["state"] == "done", job
    return job


def fetched(client: httpx.Client, job: dict[str, Any], table: str, query: str = "") -> bytes:
    """One table of a job that is done."""
    answer = client.get(f"/v1/jobs/{job['id']}/{table}{query}")
    assert answer.status_code == httpx.codes.OK, answer.text
    return answer.content


def workers_of(parent: int) -> list[int]:
    """The processes that a server started to work on jobs."""
    found = Path(f"/proc/{parent}/task").glob("*/children")
    children = [int(word) for path in found for word in path.read_text().split()]
    workers = []
    for pid in children:
        # One may end meanwhile.
        with suppress(FileNotFoundError, ProcessLookupError):
            if WORKER in Path(f"/proc/{pid}/cmdline").read_text():
                workers.append(pid)
    return workers
