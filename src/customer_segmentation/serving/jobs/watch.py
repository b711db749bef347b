"""A job that a worker holds, and the watch over it: its lease, its time, and the memory it takes.

Where a job is over and the worker is inside a long call, only the end of the process ends that
call. So the process begins anew, in its own place: whoever started it need not notice, and the next
job runs as soon as the worker is loaded.
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
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import NoReturn, Self

from sqlalchemy.exc import SQLAlchemyError

from customer_segmentation.errors import UserError
from customer_segmentation.serving.jobs.files import JobFiles
from customer_segmentation.serving.jobs.leases import Leases
from customer_segmentation.serving.jobs.table import Job

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.05
_LONGEST_RENEWAL = 1.0
# A worker that is in no long call sees by itself that its job is lost.
_GRACE_SECONDS = 0.5
# A call that lets no other thread run for so long, beside the lease, ends the process.
_DEAF_SECONDS = 30.0
_STDERR = 2


class LostJobError(Exception):
    """The job was cancelled, or another worker has it."""


class StoppingError(Exception):
    """The worker is to end."""


@dataclass(frozen=True)
class JobLimits:
    """What one job may take: seconds, the worker's bytes of memory, and bytes of its owner's files.

    0 bytes of memory are no limit.
    """

    seconds: float
    memory: int
    kept_bytes: int


class HeldJob:
    """A job that this worker holds as long as nobody takes it away.

    Args:
        job: As it was taken.
        leases: Where it was taken.
        files: Of all jobs.
        limits: What it may take.
        stopping: Set when the worker is to end.
    """

    def __init__(
        self,
        job: Job,
        leases: Leases,
        files: JobFiles,
        limits: JobLimits,
        stopping: threading.Event,
    ) -> None:
        self.job = job
        self.leases = leases
        self.files = files
        self._limits = limits
        self._stopping = stopping
        self._is_over = threading.Event()
        self._is_lost = False
        self._watching = threading.Thread(target=self._watch, daemon=True)

    @contextmanager
    def watched(self) -> Iterator[Self]:
        """Renew the lease and look after the limits for the length of a `with` block."""
        self._watching.start()
        try:
            yield self
        finally:
            self._is_over.set()
            self._watching.join()
            faulthandler.cancel_dump_traceback_later()

    def tell(self, **progress: object) -> None:
        """Say how far the job is.

        Raises:
            LostJobError: It is held no more.
            StoppingError: The worker is to end.
            UserError: What it wrote takes more than its owner may keep.
        """
        written = self.files.size(self.job.id, self.job.attempt)
        kept = self.job.bytes + written
        if self._is_lost or not self.leases.renew(self.job, kept_bytes=kept, **progress):
            raise LostJobError
        if self._stopping.is_set():
            raise StoppingError
        if self.leases.table.kept(self.job.owner).bytes > self._limits.kept_bytes:
            message = (
                f"the jobs of this key take more than {self._limits.kept_bytes} bytes, of which "
                f"{written} are this one's results so far. Delete finished jobs (DELETE "
                "/v1/jobs/ID), and post the file again, or in parts."
            )
            raise UserError(message)

    def fail(self, message: str) -> None:
        """End the job with what its sender can do about it."""
        if self.leases.fail(self.job, message):
            self.files.remove(self.job.id)

    def remove_results(self) -> None:
        """Remove what this attempt wrote."""
        shutil.rmtree(self.files.attempt(self.job.id, self.job.attempt), ignore_errors=True)

    def _watch(self) -> None:
        started = renewed = monotonic()
        pause = min(self.leases.seconds / 4.0, _LONGEST_RENEWAL)
        held_until = started + self.leases.seconds
        self._listen()
        while not self._is_over.wait(_LOOK_SECONDS):
            now = monotonic()
            if beyond := self._beyond(now - started):
                self._end(beyond)
            if now - renewed < pause:
                continue
            renewed = now
            self._listen()
            try:
                self._is_lost = not self.leases.renew(self.job)
                held_until = now + self.leases.seconds
            except SQLAlchemyError:
                logger.exception("job %s: the lease is not renewed", self.job.id)
                self._is_lost = now > held_until
            if self._is_lost:
                if not self._is_over.wait(_GRACE_SECONDS):
                    self.remove_results()
                    begin_anew(self._stopping)
                return

    def _listen(self) -> None:
        # To the descriptor of stderr, whatever became of the object.
        faulthandler.dump_traceback_later(
            self.leases.seconds + _DEAF_SECONDS, exit=True, file=_STDERR
        )

    def _beyond(self, seconds: float) -> str:
        """What the job takes too much of, and what to do; '' as long as it does not."""
        if seconds > self._limits.seconds:
            return (
                f"the job took more than {self._limits.seconds:g} seconds. Post the file in parts."
            )
        if self._limits.memory and memory() > self._limits.memory:
            return (
                f"the job took more than {self._limits.memory} bytes of memory. Look for cells of "
                "many kilobytes, or post the file in parts, as CSV."
            )
        return ""

    def _end(self, message: str) -> NoReturn:
        logger.warning("job %s: %s The worker begins anew.", self.job.id, message)
        try:
            self.fail(message)
        except SQLAlchemyError:
            logger.exception("job %s: its end is not told", self.job.id)
        begin_anew(self._stopping)


def memory() -> int:
    """The bytes that this process alone holds, without those of files; 0 where nothing tells."""
    try:
        _, resident, shared, *_ = Path("/proc/self/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def begin_anew(stopping: threading.Event) -> NoReturn:
    """Start this process again in its own place, whatever its threads do; end it if it is to."""
    if stopping.is_set():
        os._exit(0)
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606 - the command that started this process
