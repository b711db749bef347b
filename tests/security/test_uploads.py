"""Uploads that never end, and keys that keep more than their share of the disk."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.serving.jobs.posting import CSV, HEADER, LINES, done, ended, post
from tests.serving.process import ServerProcess, serving

ROW = f"{HEADER}\n1,1960,Single,5,0,0\n".encode()
MAX_JOBS, MAX_BYTES = 4, 400_000
PROBLEM = "application/problem+json"


@pytest.fixture(scope="module")
def keeper(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that keeps little of each key, and waits for a second."""
    quota = ("--max-kept-jobs", str(MAX_JOBS), "--max-kept-bytes", str(MAX_BYTES))
    rate = ("--body-seconds", "1", "--min-rate", "1000")
    with serving(bundle, tmp_path_factory.mktemp("keeper"), *quota, *rate) as started:
        yield started


@pytest.fixture
def guest(keeper: ServerProcess) -> Iterator[httpx.Client]:
    """A client that leaves nothing."""
    with httpx.Client(base_url=keeper.url, timeout=30.0) as connected:
        yield connected
        while jobs := connected.get("/v1/jobs").json()["jobs"]:
            for job in jobs:
                connected.delete(f"/v1/jobs/{job['id']}")


def trickled(server: ServerProcess, pause: float, size: int, seconds: float) -> tuple[str, float]:
    """The first line of the answer to a file of which so much comes at a time, and when it came."""
    url = httpx.URL(server.url)
    head = f"POST /v1/jobs HTTP/1.1\r\nHost: {url.netloc.decode()}\r\nContent-Type: {CSV}\r\n"
    head += "Content-Length: 100000\r\n"
    started = time.monotonic()
    with socket.create_connection((url.host, url.port or 0)) as sender:
        sender.sendall(f"{head}\r\n{HEADER}\n".encode())
        sender.settimeout(pause)
        while time.monotonic() - started < seconds:
            try:
                if answer := sender.recv(200):
                    return answer.decode().splitlines()[0], time.monotonic() - started
            except TimeoutError:
                sender.sendall(b"1" * size)
    return "", time.monotonic() - started


def test_an_upload_of_a_few_bytes_a_second_is_ended(keeper: ServerProcess) -> None:
    answer, seconds = trickled(keeper, 0.2, 20, 10.0)
    assert "408" in answer
    assert seconds < 5.0


def test_an_upload_that_keeps_to_the_rate_is_waited_for(keeper: ServerProcess) -> None:
    assert trickled(keeper, 0.2, 800, 3.0)[0] == ""


@pytest.mark.security
def test_an_upload_of_a_byte_every_3_seconds_is_ended_by_the_defaults(
    server: ServerProcess,
) -> None:
    answer, seconds = trickled(server, 3.0, 1, 60.0)
    assert "408" in answer
    assert seconds < 20.0


def test_finished_jobs_count_until_they_are_deleted(guest: httpx.Client) -> None:
    jobs = [done(guest, ROW) for _ in range(MAX_JOBS)]
    refused = post(guest, ROW)
    assert refused.status_code == httpx.codes.TOO_MANY_REQUESTS
    assert refused.headers["content-type"] == PROBLEM
    assert "delete some that are finished: DELETE /v1/jobs/ID" in refused.json()["detail"]
    guest.delete(f"/v1/jobs/{jobs[0]['id']}")
    assert done(guest, ROW)


def test_a_repeated_post_of_a_full_key_is_still_the_job_it_was(guest: httpx.Client) -> None:
    first = post(guest, ROW, Idempotency_Key="a").json()
    ended(guest, first)
    for _ in range(MAX_JOBS - 1):
        done(guest, ROW)
    assert post(guest, ROW, Idempotency_Key="a").json()["id"] == first["id"]
    assert post(guest, ROW, Idempotency_Key="b").status_code == httpx.codes.TOO_MANY_REQUESTS


def test_posts_at_once_do_not_pass_the_number_that_is_kept(guest: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as several:
        answers = list(several.map(lambda _: post(guest, ROW).status_code, range(12)))
    assert answers.count(httpx.codes.ACCEPTED) <= MAX_JOBS
    assert set(answers) == {httpx.codes.ACCEPTED, httpx.codes.TOO_MANY_REQUESTS}


@pytest.mark.parametrize("is_declared", [True, False])
def test_more_bytes_than_a_key_may_keep_are_refused_as_they_come(
    guest: httpx.Client, keeper: ServerProcess, *, is_declared: bool
) -> None:
    content = ROW + b"2,1960,Single,5,0,0\n" * (MAX_BYTES // 20)
    pieces = (content[start : start + 10_000] for start in range(0, len(content), 10_000))
    refused = post(guest, content if is_declared else pieces)
    assert refused.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    assert "delete some that are finished: DELETE /v1/jobs/ID" in refused.json()["detail"]
    incoming = keeper.log.parent / "jobs" / "incoming"
    assert not list(incoming.iterdir() if incoming.exists() else ())


def test_results_count_and_a_file_that_unfolds_to_more_fails_with_its_reason(
    guest: httpx.Client,
) -> None:
    line = b'{"ID":1,"Year_Birth":1,"Marital_Status":1,"Income":1,"Kidhome":1,"Teenhome":1}\n'
    job = ended(guest, post(guest, line + b"{}\n" * 60_000, LINES).json())
    assert job["state"] == "failed"
    assert f"the jobs of this key take more than {MAX_BYTES} bytes" in job["message"]
    assert "Delete finished jobs" in job["message"]
    assert done(guest, ROW)
