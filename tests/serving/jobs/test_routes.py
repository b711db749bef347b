"""What clients may do with jobs, on a server that works on none."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import httpx
import pytest

from customer_segmentation.serving.keys import add_key
from tests.serving.jobs.posting import CSV, post
from tests.serving.process import ServerProcess, serving

ROWS = b"ID,Income\n1,2\n"
MAX_JOB, MAX_JOBS = 3_000_000, 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("jobs-server")


@pytest.fixture(scope="module")
def clerk(bundle: Path, folder: Path) -> Iterator[ServerProcess]:
    options = ("--job-workers", "0", "--body-seconds", "1", "--keys", str(folder / "keys.json"))
    limits = ("--max-job", str(MAX_JOB), "--max-jobs", str(MAX_JOBS))
    for name in range(9):
        secret = add_key(folder / "keys.json", f"k{name}", ("admin",) if name == 0 else ("score",))
        (folder / f"k{name}").write_text(secret)
    with serving(bundle, folder, *options, *limits) as started:
        yield started


@pytest.fixture
def clients(clerk: ServerProcess, folder: Path) -> Iterator[list[httpx.Client]]:
    """An admin, a client, and another one."""
    made = []
    for name in ("k0", "k1", "k2"):
        headers = {"authorization": f"Bearer {(folder / name).read_text()}"}
        made.append(httpx.Client(base_url=clerk.url, timeout=30.0, headers=headers))
    yield made
    for client in made:
        for job in client.get("/v1/jobs").json()["jobs"]:
            # Once to cancel it, once to remove it.
            for _ in range(2):
                client.delete(f"/v1/jobs/{job['id']}")
        client.close()


def files(folder: Path) -> list[Path]:
    found = (folder / "jobs").rglob("*")
    return [path for path in found if path.is_file() and not path.name.startswith("jobs.db")]


def test_a_posted_file_is_accepted_with_its_address(clients: list[httpx.Client]) -> None:
    answer = post(clients[1], ROWS, "text/csv; charset=utf-8")
    assert answer.status_code == httpx.codes.ACCEPTED
    job = clients[1].get(answer.headers["location"]).json()
    assert job == answer.json()
    assert job["state"] == "queued"
    assert job["progress"] == 0.0
    assert clients[1].get(f"/v1/jobs/{job['id']}/results").status_code == httpx.codes.CONFLICT


def test_a_job_is_seen_by_its_key_and_an_admin_alone(clients: list[httpx.Client]) -> None:
    admin, client, other = clients
    where = post(client, ROWS).headers["location"]
    for ask in (other.get, other.delete):
        assert ask(where).status_code == httpx.codes.NOT_FOUND
    assert other.get(f"{where}/results").status_code == httpx.codes.NOT_FOUND
    assert other.get("/v1/jobs").json() == {"jobs": []}
    assert admin.get(where).status_code == httpx.codes.OK
    assert [job["id"] for job in client.get("/v1/jobs").json()["jobs"]] == [where.split("/")[-1]]


def test_a_queued_job_is_cancelled_and_then_removed(
    clients: list[httpx.Client], folder: Path
) -> None:
    where = post(clients[1], ROWS).headers["location"]
    assert clients[1].delete(where).status_code == httpx.codes.NO_CONTENT
    assert clients[1].get(where).json()["state"] == "cancelled"
    assert files(folder / "none") == [path for path in files(folder) if where[-32:] in str(path)]
    assert clients[1].delete(where).status_code == httpx.codes.NO_CONTENT
    assert clients[1].get(where).status_code == httpx.codes.NOT_FOUND


def test_a_repeated_post_is_the_same_job_and_another_file_is_refused(
    clients: list[httpx.Client],
) -> None:
    key = token_hex(8)
    first, again = (post(clients[1], ROWS, Idempotency_Key=key) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    another = post(clients[1], ROWS + b"2,3\n", Idempotency_Key=key)
    assert another.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert post(clients[2], ROWS, Idempotency_Key=key).json()["id"] != first.json()["id"]


def test_a_key_has_only_so_many_unfinished_jobs(clients: list[httpx.Client]) -> None:
    for _ in range(MAX_JOBS):
        assert post(clients[1], ROWS).status_code == httpx.codes.ACCEPTED
    refused = post(clients[1], ROWS)
    assert refused.status_code == httpx.codes.TOO_MANY_REQUESTS
    assert int(refused.headers["retry-after"]) > 0
    assert post(clients[2], ROWS).status_code == httpx.codes.ACCEPTED


@pytest.mark.parametrize("kind", ["application/json", "", "text/html"])
def test_another_media_type_is_refused(clients: list[httpx.Client], kind: str) -> None:
    assert post(clients[1], ROWS, kind).status_code == httpx.codes.UNSUPPORTED_MEDIA_TYPE


def test_an_empty_body_is_refused(clients: list[httpx.Client]) -> None:
    assert post(clients[1], b"").status_code == httpx.codes.BAD_REQUEST


@pytest.mark.parametrize("is_declared", [True, False])
def test_a_file_that_is_too_large_is_refused_and_leaves_nothing(
    clients: list[httpx.Client], folder: Path, *, is_declared: bool
) -> None:
    size, piece = MAX_JOB + 100_000, bytes(50_000)
    pieces = (piece for _ in range(size // len(piece)))
    answer = post(clients[1], bytes(size) if is_declared else pieces)
    assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    assert files(folder) == []


def raw_post(clerk: ServerProcess, key: str) -> socket.socket:
    host, port = clerk.url.removeprefix("http://").split(":")
    opened = socket.create_connection((host, int(port)), timeout=20.0)
    head = f"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
    head += f"Content-Type: {CSV}\r\nContent-Length: 2000000\r\n\r\n"
    opened.sendall(head.encode() + b"ID,Income\n" + b"1,2\n" * 300_000)
    return opened


def wait_for_no_file(folder: Path) -> None:
    until = time.monotonic() + 60.0
    while files(folder) and time.monotonic() < until:
        time.sleep(0.05)
    assert files(folder) == []


def test_a_client_that_goes_away_while_it_sends_leaves_nothing(
    clerk: ServerProcess, clients: list[httpx.Client], folder: Path
) -> None:
    with raw_post(clerk, (folder / "k1").read_text()):
        until = time.monotonic() + 60.0
        while not files(folder) and time.monotonic() < until:
            time.sleep(0.02)
        assert files(folder)
    wait_for_no_file(folder)
    assert clients[1].get("/v1/jobs").json() == {"jobs": []}


def test_a_client_that_stops_sending_is_told_and_leaves_nothing(
    clerk: ServerProcess, clients: list[httpx.Client], folder: Path
) -> None:
    with raw_post(clerk, (folder / "k1").read_text()) as opened:
        assert b" 408 " in opened.recv(200)
    wait_for_no_file(folder)
    assert clients[1].get("/v1/jobs").json() == {"jobs": []}


def test_jobs_are_counted_by_state(clients: list[httpx.Client]) -> None:
    before = clients[0].get("/metrics").text
    post(clients[1], ROWS)
    after = clients[0].get("/metrics").text
    assert 'segmentation_jobs{state="queued"} 0.0' in before
    assert 'segmentation_jobs{state="queued"} 1.0' in after
