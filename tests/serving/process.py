"""Real server processes on free ports of loopback, stopped by their process id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tools.ports import free_port

START_SECONDS = 60.0
STOP_SECONDS = 30.0


@dataclass(frozen=True)
class ServerProcess:
    """A server that runs.

    Attributes:
        url: `http://127.0.0.1:PORT`, without a slash at the end.
        process: Its process, by whose id it is stopped.
        log: The file with everything it wrote to stdout and stderr.
    """

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Send SIGTERM and give the exit code; kill what is still there after these seconds."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """End it and its workers at once, as a lost machine would."""
        # It leads a process group of its own, so that nothing else is in it.
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stderr(self) -> str:
        """What it wrote so far."""
        return self.log.read_text(encoding="utf-8", errors="replace")


def start(  # noqa: PLR0913 - what a process is made of
    command: Sequence[str | Path],
    folder: Path,
    *,
    port: int,
    ready: str = "/readyz",
    environment: Mapping[str, str] | None = None,
    seconds: float = START_SECONDS,
) -> ServerProcess:
    """Start a server and wait until it answers 200 where it says that it is ready.

    Args:
        command: What to start.
        folder: Where it runs; what it leaves stays there.
        port: Where it will listen.
        ready: The path to ask.
        environment: Variables beside this process's own.
        seconds: How long to wait.

    Raises:
        RuntimeError: It ended, or is not ready in time; the message holds what it wrote.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"server-{port}.log"
    with log.open("wb") as written:
        process = subprocess.Popen(  # noqa: S603 - the tests' own commands
            [str(part) for part in command],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    server = ServerProcess(f"http://127.0.0.1:{port}", process, log)
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        try:
            if httpx.get(server.url + ready, timeout=5.0).status_code == httpx.codes.OK:
                return server
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    ended = process.poll()
    if ended is None:
        server.kill()
    message = f"{command} is not ready (exit code {ended}):\n{server.stderr()}"
    raise RuntimeError(message)


def start_serving(
    bundle: Path,
    folder: Path,
    *options: str | Path,
    port: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> ServerProcess:
    """Start this project's server; the caller stops it.

    Args:
        bundle: The folder of the two artifacts.
        folder: Where the server runs and keeps its jobs: a temporary folder.
        options: Of `serve`, as on the command line: `"--workers", "2"`.
        port: Where it listens; a free one unless told.
        environment: Variables beside this process's own.
    """
    port = port or free_port()
    command = [sys.executable, "-m", "customer_segmentation.serving", "serve"]
    chosen = ["--bundle", bundle, "--jobs", folder / "jobs", "--port", str(port), *options]
    return start([*command, *chosen], folder, port=port, environment=environment)


@contextmanager
def serving(
    bundle: Path,
    folder: Path,
    *options: str | Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[ServerProcess]:
    """As `start_serving`, for the length of a `with` block."""
    server = start_serving(bundle, folder, *options, environment=environment)
    try:
        yield server
    finally:
        server.stop()
