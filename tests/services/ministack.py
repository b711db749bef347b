"""AWS's services on this machine, for tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tools.ministack import Ministack, ministack_python, serve_ministack


@pytest.fixture(scope="module")
def ministack() -> Iterator[Ministack]:
    """An emulator of a test file's own: its workers hold memory while it runs."""
    python = ministack_python()
    if python is None:
        pytest.skip("ministack is not there: make services")
    with serve_ministack(python) as server:
        yield server
