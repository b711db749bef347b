"""One attempt of a worker at a job: from the file to published results."""

from __future__ import annotations

import logging

import polars as pl
from sqlalchemy.exc import SQLAlchemyError

from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.hourly import HourlySummary
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.jobs.files import UPLOAD
from customer_segmentation.serving.jobs.output import tables
from customer_segmentation.serving.jobs.scoring import FileScorer
from customer_segmentation.serving.jobs.source import Source, open_source
from customer_segmentation.serving.jobs.watch import HeldJob, LostJobError, StoppingError
from customer_segmentation.sources.content import UTF8

logger = logging.getLogger(__name__)


# Limits of the rejected rows that are buffered, since their reasons are found in batches.
_MAX_WAITING = 20_000
_MAX_WAITING_BYTES = 1 << 24


def attempt(held: HeldJob, bundle: Bundle) -> HourlySummary | None:
    """Work on a leased job until it ends, is lost or is given back.

    Args:
        held: The job.
        bundle: What answers.

    Returns:
        What its customers look like, once its results are published.
    """
    job, leases, files = held.job, held.leases, held.files
    files.keep_only(job.id, UPLOAD)
    is_published, counts = False, None
    try:
        with held.watched():
            counts = _write_results(held, bundle)
        is_published = leases.publish(job, files.size(job.id, job.attempt))
    except LostJobError:
        pass
    except StoppingError:
        leases.give_back(job)
    except UserError as error:
        held.fail(str(error).replace(str(files.upload(job.id)), "the file"))
        return None
    except SQLAlchemyError:
        # Unknown whether the job is still ours: the lease decides.
        raise
    except (Exception, pl.exceptions.PanicException):
        # If the job was lost, its files were removed while being read.
        if leases.renew(job):
            logger.exception("job %s failed", job.id)
            held.fail("the worker failed on this file: see its log")
            return None
    if is_published:
        files.keep_only(job.id, job.attempt)
        return counts
    held.remove_results()
    return None


def _write_results(held: HeldJob, bundle: Bundle) -> HourlySummary | None:
    job, files = held.job, held.files
    kind = job.parameters["format"]
    source = open_source(files.upload(job.id), kind, job.parameters.get("encoding", UTF8))
    scorer = FileScorer(source.headers, bundle, source.batches)
    rows = source.rows(scorer.headers)
    warnings = _warnings(scorer, source, rows)
    held.report(rows=rows, artifact_version=scorer.version, message=warnings)
    done = refused = 0
    folder = files.attempt(job.id, job.attempt)
    with tables(folder, kind, source.separator) as (write_results, write_rejected):
        broken: list[pl.DataFrame] = []
        for checked in source.batches(scorer.headers, scorer.check):
            if not scorer.keep(checked):
                write_results(scorer.answers(checked))
            broken.append(scorer.broken(checked))
            refused += len(broken[-1])
            waiting_bytes = sum(rows.estimated_size() for rows in broken)
            if sum(map(len, broken)) >= _MAX_WAITING or waiting_bytes >= _MAX_WAITING_BYTES:
                write_rejected(scorer.reasons(pl.concat(broken)))
                broken = [broken[0].clear()]
            done += len(checked)
            held.report(rows_done=done, rows_rejected=refused)
        write_rejected(scorer.reasons(pl.concat(broken)))
        if made := scorer.of_lines():
            answers, told = made
            write_results(answers)
            held.report(message=" ".join(filter(None, (told, warnings))))
    if done != rows:
        raise UserError(f"the file has {rows} rows, and {done} could be read. Post it again.")
    return scorer.counted.counts


def _warnings(scorer: FileScorer, source: Source, rows: int) -> str | None:
    """What the first rows may mean other than what was read, in words for the job's owner."""
    first = next(source.batches(scorer.headers, lambda batch: batch))
    which = f"the first {len(first)} rows" if len(first) < rows else "the file"
    doubts = " ".join(f"{warning}." for warning in scorer.warnings(first))
    remedy = "Ask whoever runs this server to change these settings, or write the file differently."
    return f"Warning about {which}: {doubts} {remedy}" if doubts else None
