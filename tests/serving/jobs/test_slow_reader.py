"""A client that asks for a file and does not read it."""

from __future__ import annotations

import socket
import time
from contextlib import closing
from pathlib import Path

import httpx

from tests.serving.jobs.posting import ended, post
from tests.serving.process import serving
from tools.generator import write

# More than the buffers of both ends of a connection hold.
ROWS = 15_000


def test_it_is_not_waited_for(bundle: Path, tmp_path: Path) -> None:
    source = tmp_path / "customers.csv"
    write(source, ROWS, 3)
    with serving(bundle, tmp_path / "server", "--body-seconds", "1") as server:
        url = httpx.URL(server.url)
        with httpx.Client(base_url=server.url, timeout=60.0) as client:
            job = ended(client, post(client, source.read_bytes()).json())
            size = len(client.get(job["links"]["results"]).content)
        with closing(socket.socket()) as reader:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            # The server's buffer is a number of segments, which are large on loopback.
            reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
            reader.settimeout(30.0)
            reader.connect((url.host, url.port))
            path = job["links"]["results"]
            reader.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            time.sleep(4.0)
            got = 0
            try:
                while part := reader.recv(1 << 20):
                    got += len(part)
            except ConnectionResetError:
                # What was not taken is thrown away.
                pass
        assert 0 < got < size
        assert httpx.get(f"{server.url}/healthz").status_code == httpx.codes.OK
    assert "a client does not read its response" in server.stderr()
    assert "Traceback" not in server.stderr()
