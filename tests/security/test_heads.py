"""Heads of requests that never end, or hold more than anybody needs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest

from tests.security.raw import asked, connected, rest, status
from tests.serving.process import ServerProcess

START = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
CHUNKED = b"POST /v1/segments HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


def memory(server: ServerProcess) -> float:
    """The most that the server ever held, in MB."""
    lines = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1_024


def worked(pid: int) -> float:
    """The processor's seconds of a process so far, which a busy machine does not lengthen."""
    # Behind the name, which may hold spaces.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def poured(server: ServerProcess, start: bytes, part: bytes, size: int) -> bytes:
    """Send a start and then a part over and over; gives what is answered."""
    with closing(connected(server)) as client:
        client.sendall(start)
        try:
            for _ in range(size // len(part)):
                client.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            # It does not read on.
            pass
        return rest(client)


@pytest.mark.parametrize(
    ("start", "part"),
    [
        (START + b"X-Long: ", b"x" * 65_536),
        (START + b"X", b"x" * 65_536),
        (START, b"X-A: 1\r\n" * 8_192),
        (b"GET /", b"x" * 65_536),
        (b"GET /healthz?", b"x" * 65_536),
        # What follows a body in chunks are headers too.
        (
            CHUNKED + b"2\r\n[]\r\n0\r\n",
            b"X-A: 1\r\n" * 8_192,
        ),
    ],
    ids=["value", "name", "headers", "path", "query", "trailers"],
)
def test_a_head_of_many_megabytes_is_refused_at_once(
    server: ServerProcess, start: bytes, part: bytes
) -> None:
    before, work = memory(server), worked(server.process.pid)
    answer = poured(server, start, part, 80_000_000)
    # Of one that was refused while it was sent, the answer may be lost with the connection.
    assert status(answer) in {0, 431}
    assert worked(server.process.pid) - work < 2.0
    assert memory(server) - before < 20.0
    assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_the_limits_are_told_and_what_is_below_is_taken(server: ServerProcess) -> None:
    assert status(asked(server, START + b"X-Long: " + b"x" * 31_000 + b"\r\n\r\n")) == 200
    refused = asked(server, START + b"X-Long: " + b"x" * 33_000 + b"\r\n\r\n")
    assert status(refused) == 431
    assert b"application/problem+json" in refused
    assert b"a head of more than 32768 bytes or 100 headers" in refused
    assert status(asked(server, START + b"X-A: 1\r\n" * 98 + b"\r\n")) == 200
    assert status(asked(server, START + b"X-A: 1\r\n" * 99 + b"\r\n")) == 431


def test_a_long_head_behind_another_request_is_refused_too(server: ServerProcess) -> None:
    first = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = asked(server, first + START + b"X-Long: " + b"x" * 33_000 + b"\r\n\r\n")
    assert b"HTTP/1.1 431" in answer


def test_what_follows_a_body_in_chunks_is_no_header(server: ServerProcess) -> None:
    """What stands in front checks the head alone."""
    foreign = CHUNKED.replace(b"Host: localhost", b"Host: other.example")
    answer = asked(server, foreign + b"2\r\n{}\r\n0\r\nHost: localhost\r\n\r\n", 8.0)
    assert status(answer) == 421


@pytest.mark.parametrize("protocol", ["websocket", "h2c"])
def test_the_body_of_an_upgrade_is_no_request(server: ServerProcess, protocol: str) -> None:
    """Behind a proxy it would be answered to whoever asks next on the same connection."""
    inner = START + b"X-Request-Id: hidden\r\n\r\n"
    head = "POST /v1/segments HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
    head += f"Upgrade: {protocol}\r\nContent-Length: {len(inner)}\r\n\r\n"
    with closing(connected(server)) as client:
        client.sendall(head.encode())
        answer = client.recv(1 << 16)
        with suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(inner)
        answer += rest(client)
    assert b"connection: close" in answer
    assert b"hidden" not in answer


def test_requests_without_end_that_nobody_waits_for_end_their_connection(
    server: ServerProcess,
) -> None:
    """Each of 26 bytes took 4 kB until its turn came."""
    before, work = memory(server), worked(server.process.pid)
    poured(server, b"", b"GET /healthz HTTP/1.1\r\n\r\n" * 1_000, 20_000_000)
    assert worked(server.process.pid) - work < 5.0
    assert memory(server) - before < 20.0
    assert httpx.get(f"{server.url}/healthz").status_code == 200


def test_what_is_no_http_is_still_refused_as_such(server: ServerProcess) -> None:
    assert status(asked(server, b"nonsense\r\n\r\n")) == 400


@pytest.mark.security
def test_extensions_of_chunks_without_end_end(server: ServerProcess) -> None:
    """Bytes that are part of no body: the time for the whole body ends them."""

    def chunks() -> Iterator[bytes]:
        yield CHUNKED + b"2;"
        while True:
            yield b"x" * 65_536

    before = memory(server)
    started = time.monotonic()
    with closing(connected(server)) as client:
        try:
            for part in chunks():
                client.sendall(part)
                time.sleep(0.01)
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert time.monotonic() - started < 25.0
    assert memory(server) - before < 20.0
