"""Real S3 servers on this machine: moto's, and versitygw over a folder."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.rehearsal import S3Server, serve_moto

__all__ = [
    "S3Server",
    "moto_server",
    "s3_server",
    "serve_versitygw",
    "versitygw_binary",
    "versitygw_server",
]

START_SECONDS = 20


def cache_folder() -> Path:
    """Where `make services` keeps what takes long to make."""
    named = os.environ.get("CUSTOMER_SEGMENTATION_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "customer-segmentation"


def versitygw_binary() -> Path | None:
    """Where `make services` puts versitygw, or nothing."""
    binary = cache_folder() / "bin" / "versitygw"
    return binary if binary.is_file() else None


@contextmanager
def serve_versitygw(binary: Path) -> Iterator[S3Server]:
    """Give versitygw over a temporary folder, on a free loopback port, with users of its own."""
    folder = Path(tempfile.mkdtemp(prefix="versitygw-"))
    for name in ("buckets", "users"):
        (folder / name).mkdir()
    secret = secrets.token_hex(16)
    process, port = _started(binary, folder, secret)
    try:
        yield S3Server(f"http://127.0.0.1:{port}", access_key="root", secret_key=secret)
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)
        shutil.rmtree(folder)


def _started(binary: Path, folder: Path, secret: str) -> tuple[subprocess.Popen[bytes], int]:
    # It cannot take port 0, and another process may take a free port first.
    for _ in range(3):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        process = subprocess.Popen(  # noqa: S603 - the binary that `make services` built
            [
                binary,
                "--quiet",
                f"--port=127.0.0.1:{port}",
                "--access=root",
                f"--secret={secret}",
                f"--iam-dir={folder / 'users'}",
                # A user made a moment ago is known at once.
                "--iam-cache-disable",
                "posix",
                folder / "buckets",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if _listens(process, port):
            return process, port
        process.kill()
        process.wait()
    message = f"{binary} does not start: run it by hand to see why"
    raise RuntimeError(message)


def _listens(process: subprocess.Popen[bytes], port: int) -> bool:
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="session")
def moto_server() -> Iterator[S3Server]:
    """Start moto's S3 server: it is there wherever the tests are."""
    with serve_moto() as server:
        yield server


@pytest.fixture(scope="session")
def versitygw_server() -> Iterator[S3Server]:
    """Start versitygw, which also checks who may do what."""
    binary = versitygw_binary()
    if binary is None:
        pytest.skip("versitygw is not built, which needs Go: make services")
    with serve_versitygw(binary) as server:
        yield server


@pytest.fixture(scope="session", params=["moto_server", "versitygw_server"], ids=["moto", "vgw"])
def s3_server(request: pytest.FixtureRequest) -> S3Server:
    """Each S3 server in turn."""
    server: S3Server = request.getfixturevalue(request.param)
    return server
