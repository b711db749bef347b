"""Requests as bytes on a socket: what no client would send."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from urllib.parse import urlsplit

from tests.serving.process import ServerProcess


def connected(server: ServerProcess, seconds: float = 30.0) -> socket.socket:
    where = urlsplit(server.url)
    return socket.create_connection((where.hostname, where.port), timeout=seconds)


def narrow(server: ServerProcess) -> socket.socket:
    """A connection of which the system, at both ends, holds 0.1 MB and not 4 MB until it is read.

    Answers that nobody reads are then few, also where the machine is slow or busy.
    """
    where = urlsplit(server.url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    # The server's buffer is a number of segments, which are large on loopback.
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    client.settimeout(30.0)
    client.connect((where.hostname, where.port))
    return client


def asked(server: ServerProcess, content: bytes, seconds: float = 30.0) -> bytes:
    """All that is answered to these bytes, until the server closes."""
    with closing(connected(server, seconds)) as client:
        # It may have refused them already.
        with suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(content)
        return rest(client)


def rest(client: socket.socket) -> bytes:
    """What still comes, until the server closes."""
    answer = b""
    try:
        while part := client.recv(1 << 16):
            answer += part
    except ConnectionResetError:
        pass
    return answer


def status(answer: bytes) -> int:
    """The status of the first answer; 0 where there is none."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/") else 0


def request(
    method: str, path: str, *, key: str = "", host: str = "localhost", body: bytes = b""
) -> bytes:
    """A request that asks the server to close."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"Authorization: Bearer {key}"] if key else []
    lines += [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@contextmanager
def many(server: ServerProcess, count: int, content: bytes) -> Iterator[list[socket.socket]]:
    """So many clients that send the same and then say and read nothing."""
    with ExitStack() as stack:
        clients = [stack.enter_context(closing(narrow(server))) for _ in range(count)]
        for client in clients:
            client.sendall(content)
        yield clients
