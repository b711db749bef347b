"""ministack: AWS's services on this machine, which keep nothing and check no credentials."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.ports import free_port
from tools.versitygw import cache_folder

_VERSION = "ministack-1.5.33"
_START_SECONDS = 30.0
_STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Ministack:
    """The emulator while it runs.

    Attributes:
        endpoint: Of every service.
        log: What it says.
        process: To stop it, which `serve_ministack` does.
        sftp_port: Of Transfer Family's servers, where they are served.
    """

    endpoint: str
    log: Path
    process: subprocess.Popen[bytes]
    sftp_port: int | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which AWS's clients find it."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3's classes are made at run time
        """A client of boto3."""
        import boto3  # noqa: PLC0415 - slow; only who talks to it

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - it checks none
        )


def ministack_python() -> Path | None:
    """The Python in whose environment `make services` puts ministack, or nothing."""
    python = cache_folder() / _VERSION / "bin" / "python"
    return python if (cache_folder() / _VERSION / "done").is_file() else None


@contextmanager
def serve_ministack(python: Path, *, sftp: bool = False) -> Iterator[Ministack]:
    """Give ministack on a free loopback port, with a temporary folder of its own.

    It and all it has started, such as Lambda's workers, end with this.

    Args:
        python: The interpreter of its environment.
        sftp: Whether Transfer Family's servers are served too.
    """
    folder = Path(tempfile.mkdtemp(prefix="ministack-"))
    server = _started(python, folder, sftp=sftp)
    try:
        yield server
    finally:
        _end(server.process)
        shutil.rmtree(folder, ignore_errors=True)


def _started(python: Path, folder: Path, *, sftp: bool) -> Ministack:
    # Another process may take a free port first.
    for _ in range(3):
        port, log = free_port(), folder / "log.txt"
        sftp_port = free_port() if sftp else None
        own = {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "TMPDIR": str(folder),
            "HOME": str(folder),
            # Its other listeners would take ports that are in use.
            "SFTP_ENABLED": "1" if sftp else "0",
            "SFTP_HOST": "127.0.0.1",
            "SFTP_PORT": str(sftp_port),
            "IOT_MTLS_ENABLED": "0",
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - what `make services` installed
                [python, "-m", "ministack.app"],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=kept | own,
                cwd=folder,
                # With all it starts it is a group, and ends as one.
                start_new_session=True,
            )
        server = Ministack(f"http://127.0.0.1:{port}", log, process, sftp_port)
        if _answers(server):
            return server
        _end(process)
    told = log.read_text("utf-8", errors="replace")[-2_000:]
    message = f"ministack does not start: {told}"
    raise RuntimeError(message)


def _answers(server: Ministack) -> bool:
    until = time.monotonic() + _START_SECONDS
    while server.process.poll() is None and time.monotonic() < until:
        with (
            suppress(OSError),
            urllib.request.urlopen(f"{server.endpoint}/_ministack/health", timeout=2),  # noqa: S310 - loopback
        ):
            return True
        time.sleep(0.1)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
