"""Start job workers, restart those that end, and stop them."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
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
    workers = [_Worker() for _ in range(count)]
    watching = threading.Thread(target=_watch, args=(workers, stopping), daemon=True)
    watching.start()
    try:
        yield
    finally:
        stopping.set()
        watching.join()
        _stop([worker.process for worker in workers if worker.process], stop_seconds)


@dataclass
class _Worker:
    """A worker process and its restarts; times are of the monotonic clock."""

    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    start_at: float = 0.0
    pause: float = 0.0

    def check(self) -> None:
        """Start the process when due, and schedule a restart when it has ended."""
        now = monotonic()
        if self.process is not None and self.process.poll() is not None:
            is_healthy = now - self.started > _HEALTHY_SECONDS
            self.pause = 0.5 if is_healthy else min(2.0 * self.pause + 0.5, _LONGEST_PAUSE)
            code = self.process.returncode
            logger.error("a job worker ended with %s: another starts in %g s", code, self.pause)
            self.process, self.start_at = None, now + self.pause
        if self.process is None and now >= self.start_at:
            command = [sys.executable, "-m", "customer_segmentation.serving.jobs.worker"]
            self.process = subprocess.Popen([*command, "--parent", str(os.getpid())])  # noqa: S603 - our own module
            self.started = now


def _watch(workers: list[_Worker], stopping: threading.Event) -> None:
    while not stopping.is_set():
        for worker in workers:
            worker.check()
        stopping.wait(_LOOK_SECONDS)


def _stop(processes: list[subprocess.Popen[bytes]], seconds: float) -> None:
    for process in processes:
        process.terminate()
    until = monotonic() + seconds
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, until - monotonic()))
        if process.poll() is None:
            process.kill()
            process.wait()
