"""FerretDB over a folder of SQLite files: a real server that speaks MongoDB's protocol."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.ports import free_port
from tools.versitygw import cache_folder

START_SECONDS = 30.0


@dataclass(frozen=True)
class FerretServer:
    """A FerretDB that runs.

    Attributes:
        url: Its address.
        process: By whose id it is stopped.
    """

    url: str
    process: subprocess.Popen[bytes]


@contextmanager
def serve_ferretdb() -> Iterator[FerretServer]:
    """Give a FerretDB of one's own, for the length of a `with` block."""
    from pymongo import MongoClient  # noqa: PLC0415 - where it is tested
    from pymongo.errors import PyMongoError  # noqa: PLC0415

    binary = cache_folder() / "bin" / "ferretdb"
    if not binary.is_file():
        pytest.skip("FerretDB is not built, which needs Go: make services")
    folder = Path(tempfile.mkdtemp(prefix="ferretdb-"))
    address = f"127.0.0.1:{free_port()}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - the tests' own command
            [binary, address, folder], stdout=log, stderr=subprocess.STDOUT, cwd=folder
        )
    url = f"mongodb://{address}/"
    try:
        until = time.monotonic() + START_SECONDS
        with MongoClient(url, serverSelectionTimeoutMS=500) as client:
            while True:
                try:
                    client.admin.command("ping")
                    break
                except PyMongoError as error:
                    if process.poll() is not None or time.monotonic() > until:
                        raise RuntimeError((folder / "log").read_text()) from error
                    time.sleep(0.05)
        yield FerretServer(url, process)
    finally:
        process.terminate()
        process.wait(START_SECONDS)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def ferretdb_url() -> Iterator[str]:
    """Start one FerretDB for all tests: a test takes a database of its own in it."""
    with serve_ferretdb() as server:
        yield server.url
