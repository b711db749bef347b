"""versitygw over a temporary folder: an S3 server that checks who may do what."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tools.ports import free_port
from tools.rehearsal import S3Server

START_SECONDS = 20


def cache_folder() -> Path:
    """Where `make services` keeps what takes long to make."""
    named = os.environ.get("CUSTOMER_SEGMENTATION_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "customer-segmentation"


def versitygw_binary() -> Path | None:
    """Where `make services` puts versitygw, or nothing."""
    binary = cache_folder() / "bin" / "versitygw"
    return binary if binary.is_file() else None


def add_user(server: S3Server, name: str, secret: str = "") -> S3Server:
    """A new user without any right, as the server with that user's keys."""
    secret = secret or secrets.token_hex(16)
    subprocess.run(  # noqa: S603 - the binary that `make services` built
        [
            str(versitygw_binary()),
            "admin",
            f"--access={server.access_key}",
            f"--secret={server.secret_key}",
            f"--endpoint-url={server.endpoint}",
            "create-user",
            f"--access={name}",
            f"--secret={secret}",
            "--role=user",
        ],
        check=True,
    )
    return replace(server, access_key=name, secret_key=secret)


def understood(policy: Mapping[str, Any]) -> str:
    """A bucket's policy without its denials, whose ARNs of principals versitygw does not know.

    Nor does it know `NotResource`, and it keeps the text as an attribute of a folder, of 4,096
    bytes at most.
    """
    known = [one for one in policy["Statement"] if one["Effect"] == "Allow"]
    return json.dumps({**policy, "Statement": known}, separators=(",", ":"))


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
        port = free_port()
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
