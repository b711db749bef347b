"""Prometheus's own tool for rules, for tests."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.versitygw import cache_folder

Promtool = Callable[..., str]


@pytest.fixture(scope="session")
def promtool() -> Promtool:
    """What runs `promtool` and gives what it says; what it refuses fails the test."""
    unpacked = cache_folder() / "prometheus/usr/bin/promtool"
    binary = shutil.which("promtool") or unpacked
    if not Path(binary).is_file():
        pytest.skip("promtool is not there: make services")

    def run(*arguments: object) -> str:
        done = subprocess.run(  # noqa: S603 - a tool of the tests
            [str(binary), *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
