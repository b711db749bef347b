"""The job table, the single source of truth, and the changes that clients make.

SQLite in the jobs' folder, or PostgreSQL. Times are of the database's clock, since the clocks of
workers on other machines differ. The changes that workers make are in `leases`.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict, get_args

import msgspec
import sqlalchemy as sa
from msgspec import Meta

from customer_segmentation.serving.body import Upload
from customer_segmentation.serving.jobs.quota import Usage
from customer_segmentation.serving.jobs.schema import JOBS, DatabaseTime, engine_of, make_table

logger = logging.getLogger(__name__)

Format = Literal["csv", "parquet", "ndjson"]
State = Literal["queued", "running", "done", "failed", "cancelled"]
STATES: tuple[State, ...] = get_args(State)
UNFINISHED: tuple[State, ...] = ("queued", "running")
# Columns of a job that ended without results.
NO_MORE = {"attempt": None, "lease_until": None, "kept_bytes": 0}
_MAX_LISTED = 100
_LARGEST = 1 << 62
# Used as names of folders.
_Name = Annotated[str, Meta(pattern="^[0-9a-f]{1,32}$")]
_Count = Annotated[int, Meta(ge=0)]
# Until the year 5138, which `datetime` can represent.
_Time = Annotated[float, Meta(ge=0.0, le=1e11)]


class Parameters(TypedDict):
    """How to read a file: its format, and the encoding of its text."""

    format: Format
    encoding: NotRequired[str]


@dataclass(frozen=True)
class Job:
    """A row of the table; times are seconds since 1970."""

    id: _Name
    owner: str
    idempotency_key: str | None
    sha256: str
    bytes: _Count
    parameters: Parameters
    state: State
    created_at: _Time
    started_at: _Time | None
    ended_at: _Time | None
    rows: _Count | None
    rows_done: _Count
    rows_rejected: _Count
    artifact_version: str | None
    message: str | None
    attempt: _Name | None
    attempts: _Count
    lease_until: _Time | None
    kept_bytes: _Count = 0


def job_of(row: sa.Row[Any]) -> Job | None:
    """A row as a job; None if it is damaged."""
    # SQLAlchemy's names are a subclass of str that msgspec does not accept.
    columns = {str(name): value for name, value in row._mapping.items()}  # noqa: SLF001 - its public name
    try:
        return msgspec.convert(columns, Job)
    except msgspec.ValidationError:
        return None


def valid_jobs(connection: sa.Connection, statement: sa.Executable) -> list[Job]:
    """The jobs that a statement gives; damaged rows are removed from the table and logged."""
    jobs = []
    for row in connection.execute(statement).all():
        if job := job_of(row):
            jobs.append(job)
        else:
            logger.error("job %r: its row in the job table is damaged, and is removed", row.id)
            connection.execute(sa.delete(JOBS).where(JOBS.c.id == row.id))
    return jobs


class JobTable:
    """The jobs that have not expired.

    Args:
        url: SQLAlchemy's.
        kept: Seconds that a job is kept after its end.
    """

    def __init__(self, url: str, kept: float) -> None:
        self.engine = engine_of(url)
        self._is_old = JOBS.c.ended_at < DatabaseTime() - kept
        self._is_kept = sa.or_(JOBS.c.ended_at.is_(None), ~self._is_old)
        make_table(self.engine)

    def add(  # noqa: PLR0913 - the columns of a job
        self,
        identity: str,
        owner: str,
        upload: Upload,
        parameters: Parameters,
        *,
        key: str | None,
        limits: Usage,
    ) -> Job:
        """Add a queued job, or return the one of the same owner and `Idempotency-Key`.

        Args:
            identity: Its id.
            owner: Of the job.
            upload: Its file.
            parameters: How to read the file.
            key: The `Idempotency-Key`, if any.
            limits: The quota of the owner.

        Raises:
            RefusedError: The quota of the owner is used up.
        """
        with self.engine.begin() as connection:
            if self.engine.dialect.name == "postgresql":
                # One transaction per owner at a time; SQLite has one writer anyway.
                lock = sa.func.pg_advisory_xact_lock(sa.func.hashtext(owner))
                connection.execute(sa.select(lock))
            if key is not None:
                same = (JOBS.c.owner == owner) & (JOBS.c.idempotency_key == key)
                connection.execute(sa.delete(JOBS).where(same, self._is_old))
                if jobs := valid_jobs(connection, sa.select(JOBS).where(same)):
                    return jobs[0]
            kept = self._kept(connection, owner)
            kept.plus(1, upload.size).require_within(limits)
            made = sa.insert(JOBS).values(
                id=identity,
                owner=owner,
                idempotency_key=key,
                sha256=upload.sha256,
                bytes=upload.size,
                parameters=parameters,
                created_at=DatabaseTime(),
                kept_bytes=upload.size,
            )
            return Job(**connection.execute(made.returning(*JOBS.c)).one()._mapping)  # noqa: SLF001 - as above

    def find(self, identity: str) -> Job | None:
        """One job."""
        rows = self._rows(sa.select(JOBS).where(JOBS.c.id == identity, self._is_kept))
        return job_of(rows[0]) if rows else None

    def kept(self, owner: str) -> Usage:
        """The usage of an owner."""
        with self.engine.begin() as connection:
            return self._kept(connection, owner)

    def _kept(self, connection: sa.Connection, owner: str) -> Usage:
        is_unfinished = sa.case((JOBS.c.state.in_(UNFINISHED), 1), else_=0)
        counted = sa.func.sum(is_unfinished), sa.func.count(), sa.func.sum(JOBS.c.kept_bytes)
        query = sa.select(*counted).where(JOBS.c.owner == owner, self._is_kept)
        totals = connection.execute(query).one()
        # A damaged row may not hold a whole number.
        return Usage(*(int(min(each or 0, _LARGEST)) for each in totals))

    def of(self, owner: str) -> list[Job]:
        """The owner's last jobs, newest first."""
        query = sa.select(JOBS).where(JOBS.c.owner == owner, self._is_kept)
        query = query.order_by(JOBS.c.created_at.desc(), JOBS.c.id).limit(_MAX_LISTED)
        return [job for row in self._rows(query) if (job := job_of(row))]

    def cancel(self, identity: str) -> bool:
        """Cancel an unfinished job, whose worker loses its lease; False if it has ended."""
        is_it = sa.and_(JOBS.c.id == identity, JOBS.c.state.in_(UNFINISHED))
        ended = {"state": "cancelled", "ended_at": DatabaseTime(), **NO_MORE}
        return self.changes(sa.update(JOBS).where(is_it).values(ended))

    def remove(self, identity: str) -> None:
        """Remove a job if it has ended."""
        is_it = sa.and_(JOBS.c.id == identity, JOBS.c.state.not_in(UNFINISHED))
        self.changes(sa.delete(JOBS).where(is_it))

    def remove_old(self) -> Sequence[str]:
        """Remove expired jobs and damaged rows; the ids of the former."""
        with self.engine.begin() as connection:
            valid_jobs(connection, sa.select(JOBS))
            gone = sa.delete(JOBS).where(self._is_old).returning(JOBS.c.id)
            return connection.execute(gone).scalars().all()

    def states(self, identities: Collection[str]) -> dict[str, tuple[State, str | None]]:
        """The state and attempt of each job that exists."""
        query = sa.select(JOBS.c.id, JOBS.c.state, JOBS.c.attempt).where(JOBS.c.id.in_(identities))
        return {row.id: (row.state, row.attempt) for row in self._rows(query)}

    def counts(self) -> dict[State, int]:
        """The number of jobs in each state."""
        query = sa.select(JOBS.c.state, sa.func.count()).where(self._is_kept).group_by(JOBS.c.state)
        counts: dict[State, int] = dict(map(tuple, self._rows(query)))
        return {state: counts.get(state, 0) for state in STATES}

    def changes(self, statement: sa.Update | sa.Delete) -> bool:
        """Execute an update or a deletion; whether it found its row."""
        with self.engine.begin() as connection:
            return connection.execute(statement).rowcount == 1

    def _rows(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        with self.engine.begin() as connection:
            return connection.execute(query).all()
