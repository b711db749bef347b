"""A real Redis on a free port of loopback, which keeps nothing on disk."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.ports import free_port

SECONDS = 20.0


@dataclass
class RedisServer:
    """A Redis that runs.

    Attributes:
        port: Of loopback.
        folder: Where it runs.
        password: What clients must give, if any.
        process: By whose id it is stopped.
    """

    port: int
    folder: Path
    password: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, with the password."""
        user = f":{self.password}@" if self.password else ""
        return f"redis://{user}127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        binary = shutil.which("redis-server", path="/usr/bin:/usr/local/bin:/usr/sbin")
        if binary is None:
            pytest.skip("redis-server is not there: make services")
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", ""]
        if self.password:
            options += ["--requirepass", self.password]
        self.process = subprocess.Popen(  # noqa: S603 - the tests' own command
            [binary, *options, "--dir", self.folder, "--logfile", self.folder / "redis.log"]
        )
        until = time.monotonic() + SECONDS
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise RuntimeError((self.folder / "redis.log").read_text())
            time.sleep(0.02)

    def stop(self) -> None:
        """End it; what it held is gone."""
        if self.process:
            # It may have been paused.
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """It keeps its connections, and answers nobody."""
        assert self.process
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as client:
                client.sendall(b"PING\r\n")
                # With a password set, it says that it wants one.
                return client.recv(64).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False


@contextmanager
def serve_redis(password: str = "") -> Iterator[RedisServer]:
    """Give a Redis of one's own, for the length of a `with` block."""
    folder = Path(tempfile.mkdtemp(prefix="redis-"))
    server = RedisServer(free_port(), folder, password)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """Start one Redis for all tests: a test takes an environment's name of its own in it."""
    with serve_redis() as server:
        yield server


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """Start one that no other test has filled."""
    with serve_redis() as server:
        yield server
