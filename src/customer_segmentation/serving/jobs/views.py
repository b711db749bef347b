"""A job as clients see it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from customer_segmentation.serving.jobs.table import Format, Job, State


class JobView(msgspec.Struct, omit_defaults=True):
    """A job; what is not known yet is left out. Times are of UTC.

    `progress` is from 0 to 1; `rows` counts those of the file. `message` says why a job failed, or
    warns of what the file may mean other than what was read.
    """

    id: str
    state: State
    format: Format
    bytes: int
    rows_done: int
    rows_rejected: int
    progress: float
    created_at: datetime
    links: dict[str, str]
    rows: int | None = None
    artifact_version: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    removed_at: datetime | None = None
    message: str | None = None


def view(job: Job, kept: float, root_path: str) -> JobView:
    """A job as its owner sees it.

    Args:
        job: The row.
        kept: Seconds that it is kept after its end.
        root_path: The prefix of the server's paths that the client sees.
    """
    here = f"{root_path}/v1/jobs/{job.id}"
    links = {"self": here}
    if job.state == "done":
        links |= {"results": f"{here}/results", "rejected": f"{here}/rejected"}
    return JobView(
        id=job.id,
        state=job.state,
        format=job.parameters["format"],
        bytes=job.bytes,
        rows=job.rows,
        rows_done=job.rows_done,
        rows_rejected=job.rows_rejected,
        progress=1.0 if job.state == "done" else job.rows_done / job.rows if job.rows else 0.0,
        created_at=_moment(job.created_at),
        started_at=_moment_if(job.started_at),
        ended_at=_moment_if(job.ended_at),
        removed_at=_moment(job.ended_at + kept) if job.ended_at is not None else None,
        artifact_version=job.artifact_version,
        message=job.message,
        links=links,
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 3), UTC)


def _moment_if(seconds: float | None) -> datetime | None:
    return None if seconds is None else _moment(seconds)
