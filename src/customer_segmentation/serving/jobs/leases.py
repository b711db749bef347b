"""Leases on jobs: a worker holds a job for some seconds and renews its lease.

Each update names its attempt, so that a worker that lost its job changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from sqlalchemy import and_, case, func, or_, select, update

from customer_segmentation.serving.jobs.schema import JOBS, DatabaseTime
from customer_segmentation.serving.jobs.table import NO_MORE, Job, JobTable, valid_jobs

MAX_ATTEMPTS = 3
_NOW = DatabaseTime()


@dataclass(frozen=True)
class Leases:
    """Leases on the jobs of a table.

    Args:
        table: The jobs.
        seconds: After so many without a renewal, another worker may take the job.
    """

    table: JobTable
    seconds: float

    def take(self) -> Job | None:
        """Lease the oldest free job: queued, or with an expired lease; None if there is none."""
        is_left = and_(JOBS.c.state == "running", JOBS.c.lease_until < _NOW)
        is_spent = JOBS.c.attempts >= MAX_ATTEMPTS
        is_free = or_(JOBS.c.state == "queued", and_(is_left, ~is_spent))
        message = (
            f"the worker ended {MAX_ATTEMPTS} times while working on this job, most likely because "
            "it ran out of memory: look for cells of many megabytes, or post the file in parts"
        )
        give_up = (
            update(JOBS)
            .where(is_left, is_spent)
            .values(state="failed", message=message, ended_at=_NOW, **NO_MORE)
        )
        first = select(JOBS.c.id).where(is_free).order_by(JOBS.c.created_at, JOBS.c.id).limit(1)
        # With row locks, workers do not wait for each other.
        chosen = first.with_for_update(skip_locked=True).scalar_subquery()
        take = (
            update(JOBS)
            .where(JOBS.c.id == chosen, is_free)
            .values(
                state="running",
                attempt=token_hex(8),
                attempts=JOBS.c.attempts + 1,
                started_at=func.coalesce(JOBS.c.started_at, _NOW),
                lease_until=_NOW + self.seconds,
                rows=None,
                rows_done=0,
                rows_rejected=0,
                kept_bytes=JOBS.c.bytes,
            )
            .returning(*JOBS.c)
        )
        with self.table.engine.begin() as connection:
            connection.execute(give_up)
            jobs = valid_jobs(connection, take)
        return jobs[0] if jobs else None

    def renew(self, job: Job, **progress: Any) -> bool:  # noqa: ANN401 - columns of the table
        """Renew the lease and store progress; False if the lease was lost."""
        return self._change(job, lease_until=_NOW + self.seconds, **progress)

    def publish(self, job: Job, kept_bytes: int = 0) -> bool:
        """End the job with the results of its attempt; False if the lease was lost."""
        ended = {"ended_at": _NOW, "lease_until": None, "kept_bytes": kept_bytes}
        return self._change(job, state="done", **ended)

    def fail(self, job: Job, message: str) -> bool:
        """End the job with a message for its owner; False if the lease was lost."""
        return self._change(job, state="failed", message=message, ended_at=_NOW, **NO_MORE)

    def give_back(self, job: Job) -> bool:
        """Queue the job again; this attempt does not count."""
        attempts = case((JOBS.c.attempts > 0, JOBS.c.attempts - 1), else_=0)
        return self._change(job, state="queued", lease_until=None, attempt=None, attempts=attempts)

    def _change(self, job: Job, **values: Any) -> bool:  # noqa: ANN401 - columns of the table
        is_ours = and_(JOBS.c.id == job.id, JOBS.c.attempt == job.attempt)
        change = update(JOBS).where(is_ours, JOBS.c.state == "running").values(**values)
        return self.table.changes(change)
