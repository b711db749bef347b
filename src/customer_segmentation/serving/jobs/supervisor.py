"""Start job workers, restart those that end, and stop them."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2
_LONGEST_PAUSE = 30.0
# A worker that ran this long did not fail at its start.
_HEALTHY_SECONDS = 10.0


@contextmanager
def job_workers(count: int, stop_seconds: float) -> Iterator[None]:
    """Run job workers during a `with` block; they read their settings from the environment.

    Args:
        count: 0 if workers run elsewhere.
        stop_seconds: A worker that takes longer to stop is killed; its job is not lost.
    """
    stopping = threading.Event()
    told = stopping, stop_seconds
    keepers = [threading.Thread(target=_keep_one, args=told, daemon=True) for _ in range(count)]
    for keeper in keepers:
        keeper.start()
    try:
        yield
    finally:
        stopping.set()
        for keeper in keepers:
            keeper.join()


def _keep_one(stopping: threading.Event, stop_seconds: float) -> None:
    """Run a worker, and another when it ends, until told to stop."""
    command = [sys.executable, "-m", "customer_segmentation.serving.jobs.worker"]
    pause = 0.0
    while not stopping.wait(pause):
        started = monotonic()
        process = subprocess.Popen([*command, "--parent", str(os.getpid())])  # noqa: S603 - our own module
        while process.poll() is None:
            if stopping.wait(_LOOK_SECONDS):
                _stop(process, stop_seconds)
                return
        is_healthy = monotonic() - started > _HEALTHY_SECONDS
        pause = 0.5 if is_healthy else min(2.0 * pause + 0.5, _LONGEST_PAUSE)
        code = process.returncode
        logger.error("a job worker ended with %s: another starts in %g s", code, pause)


def _stop(process: subprocess.Popen[bytes], seconds: float) -> None:
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
