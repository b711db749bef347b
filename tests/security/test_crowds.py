"""Many clients that send or read nothing, beside one with a key who is to be answered."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import monotonic

import httpx
import pytest

from customer_segmentation.serving.keys import add_key
from tests.security.raw import connected, many, request, rest, status
from tests.serving.example import a_customer
from tests.serving.process import ServerProcess, serving

PATIENCE = 2.0
# Who is kept out of a server as patient as that waits longer than any machine takes to answer.
LONG_PATIENCE = 90.0
AT_ONCE = 20.0

Keyed = tuple[ServerProcess, str, str]


@contextmanager
def waiting_for(bundle: Path, folder: Path, seconds: float) -> Iterator[Keyed]:
    """A server that waits so long for bodies and readers, and two keys."""
    path = folder / "keys.json"
    first, second = (add_key(path, name, ("score",)) for name in ("first", "second"))
    options = ["--keys", path, "--job-workers", "0", "--body-seconds", str(seconds)]
    with serving(bundle, folder, *options) as server:
        yield server, first, second


@pytest.fixture(scope="module")
def keyed(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    """A server that waits two seconds."""
    with waiting_for(bundle, tmp_path_factory.mktemp("crowds"), PATIENCE) as started:
        yield started


@pytest.fixture(scope="module")
def patient(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    """A server that waits long: whoever is answered meanwhile was not kept out."""
    with waiting_for(bundle, tmp_path_factory.mktemp("patient"), LONG_PATIENCE) as started:
        yield started


def is_answered(server: ServerProcess, key: str) -> bool:
    headers = {"authorization": f"Bearer {key}"}
    started = monotonic()
    url = f"{server.url}/v1/segments"
    found = httpx.post(url, json=a_customer(), headers=headers, timeout=60.0)
    return found.status_code == 200 and monotonic() - started < AT_ONCE


def watched(server: ServerProcess, path: str) -> bool:
    """Whether whoever watches the server is answered."""
    return httpx.get(f"{server.url}{path}", timeout=AT_ONCE).status_code == 200


def files_of(server: ServerProcess) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))  # noqa: PTH208 - numbers, no paths


def closes(server: ServerProcess, before: int) -> bool:
    """Whether the server lets go of its connections."""
    until = monotonic() + 60.0
    while files_of(server) > before + 5:
        if monotonic() > until:
            return False
        time.sleep(0.1)
    return True


def require_room(patient: Keyed, crowd: int, held: bytes, probe: str) -> None:
    """A key and a probe are answered beside a crowd, whose connections end with it."""
    server, key, _ = patient
    before = files_of(server)
    with many(server, crowd, held):
        assert is_answered(server, key)
        assert watched(server, probe)
    assert closes(server, before)


def require_closed(server: ServerProcess, crowd: int, held: bytes) -> None:
    """A crowd's connections are closed while it would hold them."""
    before = files_of(server)
    with many(server, crowd, held):
        assert closes(server, before)


@pytest.mark.parametrize(
    "path", ["/nothing", "/", "/healthz", "/schema/openapi.json", "/v1/segments", "/v1/jobs"]
)
def test_bodies_held_back_without_a_key_keep_nobody_out(
    keyed: Keyed, patient: Keyed, path: str
) -> None:
    held = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{{".encode()
    require_room(patient, 300, held, "/readyz")
    # Nor do they keep their connections.
    require_closed(keyed[0], 300, held)


def test_answers_that_nobody_reads_keep_nobody_out(keyed: Keyed, patient: Keyed) -> None:
    # Pipelined, so that the answers are more than the buffers of both ends hold.
    unread = b"GET /schema/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 100
    require_room(patient, 270, unread, "/healthz")
    require_closed(keyed[0], 270, unread)
    assert "does not read its response" in keyed[0].stderr()


def test_one_key_cannot_take_the_places_of_another(keyed: Keyed, patient: Keyed) -> None:
    def held(key: str) -> bytes:
        return request("POST", "/v1/segments", key=key)[:-2] + b"Content-Length: 9\r\n\r\n"

    server, key, other = patient
    before = files_of(server)
    with many(server, 300, held(other)):
        assert is_answered(server, key)
    assert closes(server, before)
    server, _, other = keyed
    with many(server, 300, held(other)) as clients:
        assert status(rest(clients[-1])) in {408, 503}


def test_a_body_that_drips_after_the_answer_ends_its_connection(keyed: Keyed) -> None:
    with closing(connected(keyed[0])) as client:
        client.sendall(b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n")
        assert status(client.recv(1_000)) == 401
        started = monotonic()
        with pytest.raises(OSError, match=r"reset|pipe"):
            _drip(client, 60.0)
        assert monotonic() - started < 40.0


def _drip(client: socket.socket, seconds: float) -> None:
    for _ in range(round(seconds * 5.0)):
        client.sendall(b"x")
        time.sleep(0.2)


def test_a_slow_reader_who_reads_is_served_to_the_end(keyed: Keyed) -> None:
    """A thin line is no attack: what counts is that it moves."""
    server, _, _ = keyed
    whole = httpx.get(f"{server.url}/schema/openapi.json").content
    with closing(connected(server)) as client:
        asking = b"GET /schema/openapi.json HTTP/1.1\r\nHost: x\r\n"
        client.sendall(asking + b"\r\n" + asking + b"Connection: close\r\n\r\n")
        got = 0
        started = monotonic()
        while part := client.recv(4_096):
            got += len(part)
            if monotonic() - started < 1.5 * PATIENCE:
                time.sleep(0.05)
    assert got > 2 * len(whole)
