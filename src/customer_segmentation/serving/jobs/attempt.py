"""One attempt of a worker at a job: from the file to published results."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Self

import polars as pl
from sqlalchemy.exc import SQLAlchemyError

from customer_segmentation.errors import UserError
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.jobs.files import JobFiles
from customer_segmentation.serving.jobs.leases import Leases
from customer_segmentation.serving.jobs.output import tables
from customer_segmentation.serving.jobs.scoring import FileScorer
from customer_segmentation.serving.jobs.source import open_source
from customer_segmentation.serving.jobs.table import Job

logger = logging.getLogger(__name__)


# Broken rows that wait for their reasons.
_MOST_WAITING = 20_000


class LostJobError(Exception):
    """The job was cancelled, or another worker has it."""


class StoppingError(Exception):
    """The worker is to end."""


class HeldJob:
    """A job that this worker holds as long as nobody takes it away.

    Args:
        leases: Where it was taken.
        job: As it was taken.
        stopping: Set when the worker is to end.
    """

    def __init__(self, leases: Leases, job: Job, stopping: threading.Event) -> None:
        self._leases = leases
        self._job = job
        self._stopping = stopping
        self._is_over = threading.Event()
        self._is_lost = False
        self._renewing = threading.Thread(target=self._renew, daemon=True)

    @contextmanager
    def renewed(self) -> Iterator[Self]:
        """Renew the lease for the length of a `with` block."""
        self._renewing.start()
        try:
            yield self
        finally:
            self._is_over.set()
            self._renewing.join()

    def tell(self, **progress: object) -> None:
        """Say how far the job is.

        Raises:
            LostJobError: It is held no more.
            StoppingError: The worker is to end.
        """
        if self._is_lost or not self._leases.renew(self._job, **progress):
            raise LostJobError
        if self._stopping.is_set():
            raise StoppingError

    def _renew(self) -> None:
        renewed = monotonic()
        while not self._is_over.wait(self._leases.seconds / 4.0):
            try:
                self._is_lost = not self._leases.renew(self._job)
                renewed = monotonic()
            except SQLAlchemyError:
                logger.exception("job %s: the lease is not renewed", self._job.id)
                self._is_lost = monotonic() - renewed > self._leases.seconds
            if self._is_lost:
                return


def attempt(
    job: Job, leases: Leases, files: JobFiles, bundle: Bundle, stopping: threading.Event
) -> None:
    """Work on a job that was taken, to its end or until it is lost or given back.

    Args:
        job: As it was taken.
        leases: Where.
        files: Of all jobs.
        bundle: What answers.
        stopping: Set when the worker is to end.
    """
    try:
        with HeldJob(leases, job, stopping).renewed() as held:
            _write_results(job, held, files, bundle)
        is_ours = leases.publish(job)
    except LostJobError:
        is_ours = False
    except StoppingError:
        leases.give_back(job)
        is_ours = False
    except UserError as error:
        _fail(job, leases, files, str(error).replace(str(files.upload(job.id)), "the file"))
        return
    except SQLAlchemyError:
        # The job is still ours, or another's: whoever asks the database next is told.
        raise
    except Exception:
        if not leases.renew(job):
            # Its files were removed while they were read.
            is_ours = False
        else:
            logger.exception("job %s failed", job.id)
            _fail(job, leases, files, "the worker failed on this file; its log tells more")
            return
    if is_ours:
        files.keep_results(job.id, job.attempt)
    else:
        shutil.rmtree(files.attempt(job.id, job.attempt), ignore_errors=True)


def _write_results(job: Job, held: HeldJob, files: JobFiles, bundle: Bundle) -> None:
    source = open_source(files.upload(job.id), job.parameters["format"])
    scorer = FileScorer(source.headers, bundle)
    held.tell(rows=source.rows, artifact_version=scorer.version)
    done = refused = waiting = 0
    folder = files.attempt(job.id, job.attempt)
    with tables(folder, job.parameters["format"], source.separator) as (results, rejected):
        broken: list[pl.DataFrame] = []
        for checked in source.batches(scorer.check):
            results.write(scorer.answers(checked))
            broken.append(scorer.broken(checked))
            waiting += len(broken[-1])
            refused += len(broken[-1])
            if waiting >= _MOST_WAITING:
                rejected.write(scorer.reasons(pl.concat(broken)))
                broken, waiting = [broken[0].clear()], 0
            done += len(checked)
            held.tell(rows_done=done, rows_rejected=refused)
        rejected.write(scorer.reasons(pl.concat(broken)))
    if done != source.rows:
        message = f"the file has {source.rows} rows, and {done} could be read. Post it again."
        raise UserError(message)


def _fail(job: Job, leases: Leases, files: JobFiles, message: str) -> None:
    if leases.fail(job, message):
        files.remove(job.id)
