"""The job table, which is the truth about every job, and what clients change in it.

SQLite beside the jobs' files, or PostgreSQL; the clock is the database's, since workers on other
machines have others. What workers change is in `leases`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, delete, func, insert, or_, select, update

from customer_segmentation.serving.jobs.schema import JOBS, DatabaseTime, engine_of, make_table

State = Literal["queued", "running", "done", "failed", "cancelled"]
STATES: tuple[State, ...] = ("queued", "running", "done", "failed", "cancelled")
UNFINISHED: tuple[State, ...] = ("queued", "running")
_MOST_LISTED = 100


class TooManyJobsError(Exception):
    """A key has as many unfinished jobs as it may have."""


@dataclass(frozen=True)
class Job:
    """A row of the table; times are seconds since 1970."""

    id: str
    owner: str
    idempotency_key: str | None
    sha256: str
    bytes: int
    parameters: dict[str, Any]
    state: State
    created_at: float
    started_at: float | None
    ended_at: float | None
    rows: int | None
    rows_done: int
    rows_rejected: int
    artifact_version: str | None
    message: str | None
    attempt: str | None
    attempts: int
    lease_until: float | None

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will be done about it."""
        return self.state not in UNFINISHED


def job_of(row: Row[Any]) -> Job:
    """A row of all columns as a job."""
    return Job(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


class JobTable:
    """The jobs that are not older than they are kept.

    Args:
        url: Of the database, as SQLAlchemy writes it.
        kept: Seconds that a job is kept after its end.
    """

    def __init__(self, url: str, kept: float) -> None:
        self.engine = engine_of(url)
        self._is_old = JOBS.c.ended_at < DatabaseTime() - kept
        self._is_kept = or_(JOBS.c.ended_at.is_(None), ~self._is_old)
        make_table(self.engine)

    def add(  # noqa: PLR0913 - what a job is made of
        self,
        identity: str,
        owner: str,
        *,
        size: int,
        sha256: str,
        parameters: dict[str, Any],
        idempotency_key: str | None,
        most: int,
    ) -> Job:
        """A queued job; the one there is where its owner gave the same `Idempotency-Key` before.

        Raises:
            TooManyJobsError: The owner has `most` unfinished ones.
        """
        with self.engine.begin() as connection:
            if self.engine.dialect.name == "postgresql":
                # One at a time for an owner; SQLite has one writer anyway.
                connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(owner))))
            if idempotency_key is not None:
                same = (JOBS.c.owner == owner) & (JOBS.c.idempotency_key == idempotency_key)
                connection.execute(delete(JOBS).where(same, self._is_old))
                found = connection.execute(select(JOBS).where(same)).one_or_none()
                if found is not None:
                    return job_of(found)
            unfinished = (JOBS.c.owner == owner) & JOBS.c.state.in_(UNFINISHED)
            count = connection.scalar(select(func.count()).where(unfinished))
            if (count or 0) >= most:
                raise TooManyJobsError
            made = insert(JOBS).values(
                id=identity,
                owner=owner,
                idempotency_key=idempotency_key,
                sha256=sha256,
                bytes=size,
                parameters=parameters,
                state="queued",
                created_at=DatabaseTime(),
                rows_done=0,
                rows_rejected=0,
                attempts=0,
            )
            return job_of(connection.execute(made.returning(*JOBS.c)).one())

    def find(self, identity: str) -> Job | None:
        """One job."""
        with self.engine.begin() as connection:
            query = select(JOBS).where(JOBS.c.id == identity, self._is_kept)
            row = connection.execute(query).one_or_none()
        return None if row is None else job_of(row)

    def unfinished(self, owner: str) -> int:
        """How many jobs of an owner wait or run."""
        query = select(func.count()).where(JOBS.c.owner == owner, JOBS.c.state.in_(UNFINISHED))
        with self.engine.begin() as connection:
            return int(connection.scalar(query) or 0)

    def of(self, owner: str) -> list[Job]:
        """The owner's last jobs, the newest first."""
        query = select(JOBS).where(JOBS.c.owner == owner, self._is_kept)
        query = query.order_by(JOBS.c.created_at.desc(), JOBS.c.id).limit(_MOST_LISTED)
        with self.engine.begin() as connection:
            return [job_of(row) for row in connection.execute(query)]

    def cancel(self, identity: str) -> bool:
        """End a job that waits or runs: whoever works on it loses it; False if it is over."""
        change = (
            update(JOBS)
            .where(JOBS.c.id == identity, JOBS.c.state.in_(UNFINISHED))
            .values(state="cancelled", ended_at=DatabaseTime(), attempt=None, lease_until=None)
        )
        with self.engine.begin() as connection:
            return connection.execute(change).rowcount == 1

    def remove(self, identity: str) -> bool:
        """Forget a job that is over; False if there is none."""
        ended = delete(JOBS).where(JOBS.c.id == identity, JOBS.c.state.not_in(UNFINISHED))
        with self.engine.begin() as connection:
            return connection.execute(ended).rowcount == 1

    def remove_old(self) -> Sequence[str]:
        """Forget the jobs that were kept long enough, and name them."""
        with self.engine.begin() as connection:
            gone = delete(JOBS).where(self._is_old).returning(JOBS.c.id)
            return connection.execute(gone).scalars().all()

    def states(self, identities: Collection[str]) -> dict[str, tuple[State, str | None]]:
        """State and attempt of those that there are."""
        query = select(JOBS.c.id, JOBS.c.state, JOBS.c.attempt).where(JOBS.c.id.in_(identities))
        with self.engine.begin() as connection:
            return {row.id: (row.state, row.attempt) for row in connection.execute(query)}

    def counts(self) -> dict[State, int]:
        """How many jobs are in each state."""
        query = select(JOBS.c.state, func.count()).where(self._is_kept).group_by(JOBS.c.state)
        with self.engine.begin() as connection:
            found = {row[0]: row[1] for row in connection.execute(query)}
        return {state: found.get(state, 0) for state in STATES}
