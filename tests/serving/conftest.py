"""One bundle and one server for the tests of serving; those that need another start their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.serving.example import write_bundle
from tests.serving.process import ServerProcess, serving


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a bundle of `segmenter.onnx` and `cold_start.onnx`, without a run of Kedro."""
    return write_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="session")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Start a server of the bundle with every default, without keys."""
    with serving(bundle, tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(scope="session")
def client(server: ServerProcess) -> Iterator[httpx.Client]:
    """Connect to that server."""
    with httpx.Client(base_url=server.url, timeout=30.0) as connected:
        yield connected
