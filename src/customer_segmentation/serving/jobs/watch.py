"""A leased job and the thread that watches it: its lease, its time and its memory.

A long native call can only be ended with its process. So when a job is lost or over a limit, the
worker replaces itself by a new process (`exec`), which needs no supervisor.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import NoReturn

from sqlalchemy.exc import SQLAlchemyError

from customer_segmentation.errors import UserError
from customer_segmentation.serving.jobs.files import JobFiles
from customer_segmentation.serving.jobs.leases import Leases
from customer_segmentation.serving.jobs.table import Job
from customer_segmentation.serving.settings import Settings

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.05
_LONGEST_RENEWAL = 1.0
# Outside a long call, a worker notices by itself that its job is lost.
_GRACE_SECONDS = 0.5
# Beyond the lease: how long a call may block all other threads before the process ends.
_DEAF_SECONDS = 30.0
_STDERR = 2


class LostJobError(Exception):
    """The job was cancelled, or another worker has it."""


class StoppingError(Exception):
    """The worker must stop."""


@dataclass
class HeldJob:
    """A job that this worker has leased.

    Args:
        job: The job.
        leases: Of the job table.
        files: Of all jobs.
        settings: Limits of one job, and of its owner's files.
        stopping: Set when the worker must stop.
    """

    job: Job
    leases: Leases
    files: JobFiles
    settings: Settings
    stopping: threading.Event
    _is_over: threading.Event = field(default_factory=threading.Event, init=False)
    _is_lost: bool = field(default=False, init=False)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Renew the lease and check the limits during a `with` block."""
        watching = threading.Thread(target=self._watch, daemon=True)
        watching.start()
        try:
            yield
        finally:
            self._is_over.set()
            watching.join()
            faulthandler.cancel_dump_traceback_later()

    def report(self, **progress: object) -> None:
        """Store the progress of the job.

        Raises:
            LostJobError: The lease was lost.
            StoppingError: The worker must stop.
            UserError: Its results exceed the owner's quota.
        """
        written = self.files.size(self.job.id, self.job.attempt)
        kept = self.job.bytes + written
        if self._is_lost or not self.leases.renew(self.job, kept_bytes=kept, **progress):
            raise LostJobError
        if self.stopping.is_set():
            raise StoppingError
        if self.leases.table.kept(self.job.owner).bytes > self.settings.max_kept_bytes:
            raise UserError(
                f"the jobs of this key take more than {self.settings.max_kept_bytes} bytes, of "
                f"which {written} are this one's results so far. Delete finished jobs (DELETE "
                "/v1/jobs/ID), and post the file again, or in parts."
            )

    def fail(self, message: str) -> None:
        """End the job with a message for its owner."""
        if self.leases.fail(self.job, message):
            self.files.remove(self.job.id)

    def remove_results(self) -> None:
        """Remove the results of this attempt."""
        shutil.rmtree(self.files.attempt(self.job.id, self.job.attempt), ignore_errors=True)

    def _watch(self) -> None:
        started = renewed = monotonic()
        pause = min(self.leases.seconds / 4.0, _LONGEST_RENEWAL)
        held_until = started + self.leases.seconds
        self._reset_watchdog()
        while not self._is_over.wait(_LOOK_SECONDS):
            now = monotonic()
            if exceeded := self._exceeded(now - started):
                self._end(exceeded)
            if now - renewed < pause:
                continue
            renewed = now
            self._reset_watchdog()
            try:
                self._is_lost = not self.leases.renew(self.job)
                held_until = now + self.leases.seconds
            except SQLAlchemyError:
                logger.exception("job %s: the lease is not renewed", self.job.id)
                self._is_lost = now > held_until
            if self._is_lost:
                if not self._is_over.wait(_GRACE_SECONDS):
                    self.remove_results()
                    restart(self.stopping)
                return

    def _reset_watchdog(self) -> None:
        longest = self.leases.seconds + _DEAF_SECONDS
        # By file descriptor, since sys.stderr may have been replaced.
        faulthandler.dump_traceback_later(longest, exit=True, file=_STDERR)

    def _exceeded(self, seconds: float) -> str:
        """The limit that is exceeded and what to do about it, as a message; else ''."""
        longest, limit = self.settings.job_seconds, self.settings.job_memory
        if seconds > longest:
            return f"the job took more than {longest:g} seconds. Post the file in parts."
        if limit and memory() > limit:
            return (
                f"the job took more than {limit} bytes of memory. Look for cells of many "
                "kilobytes, or post the file in parts, as CSV."
            )
        return ""

    def _end(self, message: str) -> NoReturn:
        logger.warning("job %s: %s The worker restarts.", self.job.id, message)
        try:
            self.fail(message)
        except SQLAlchemyError:
            logger.exception("job %s: its failure could not be stored", self.job.id)
        restart(self.stopping)


def memory() -> int:
    """The private memory of this process in bytes; 0 where it is unknown."""
    try:
        _, resident, shared, *_ = Path("/proc/self/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def restart(stopping: threading.Event) -> NoReturn:
    """Replace this process by a new one, or end it if it must stop."""
    if stopping.is_set():
        os._exit(0)
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - the command that started this process
