"""The jobs of each key: post, find, list, delete, and fetch results."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from secrets import token_hex

from sqlalchemy.exc import SQLAlchemyError

from customer_segmentation.errors import UserError
from customer_segmentation.serving.asgi import Receive
from customer_segmentation.serving.body import Upload, save
from customer_segmentation.serving.idempotency import HEADER, require_idempotency_key
from customer_segmentation.serving.jobs.files import JobFiles, Table
from customer_segmentation.serving.jobs.quota import Quota, Usage
from customer_segmentation.serving.jobs.table import Format, Job, JobTable, Parameters
from customer_segmentation.serving.keys import Key
from customer_segmentation.serving.metrics import Metrics
from customer_segmentation.serving.problems import CLOSE, RefusedError
from customer_segmentation.serving.responses import CSV
from customer_segmentation.serving.settings import Settings
from customer_segmentation.sources.content import require_encoding

MEDIA_TYPES: dict[str, Format] = {
    CSV: "csv",
    "text/tab-separated-values": "csv",
    "application/gzip": "csv",
    "application/zip": "csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "csv",
    "application/vnd.apache.parquet": "parquet",
    "application/octet-stream": "parquet",
    "application/x-ndjson": "ndjson",
}
# The first media type of each format.
SENT_AS = {kind: media_type for media_type, kind in reversed(MEDIA_TYPES.items())}
logger = logging.getLogger(__name__)

_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]{1,40})")


class JobService:
    """The operations on jobs that the routes offer; all but `post` block, for a thread.

    Args:
        settings: Limits, and the folder of jobs.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._files = JobFiles(settings.jobs)
        self._quota = Quota(settings)

    @cached_property
    def _table(self) -> JobTable:
        """Opened at the first use: a server without jobs needs no database."""
        return JobTable(self._settings.database_url, self._settings.jobs_kept)

    async def post(self, key: Key, headers: Mapping[str, str], receive: Receive) -> Job:
        """Accept a file as a job, or return the job that the same request made before.

        Args:
            key: The caller's.
            headers: Of the request.
            receive: ASGI's, for the body.

        Raises:
            RefusedError: The file is invalid, too large, too slow, or one too many.
        """
        parameters, idempotency_key = sent_as(headers), headers.get(HEADER)
        if idempotency_key is not None:
            require_idempotency_key(idempotency_key)
        owner = _owner(key)
        kept = Usage(0, 0, 0)
        if idempotency_key is None:
            # A repeated request adds no job: its quota is checked later.
            kept = await asyncio.to_thread(lambda: self._table.kept(owner))
        declared = headers.get("content-length", "0")
        size = int(declared) if declared.isdigit() else 0
        identity = token_hex(16)
        with self._quota.upload(owner, kept, size) as admit:
            incoming = await asyncio.to_thread(self._files.incoming, identity)
            limits = self._settings.body_seconds, self._settings.min_rate
            upload = await save(receive, incoming, *limits, admit)
            if not upload.size:
                incoming.unlink()
                raise RefusedError(400, "the body is empty: send a file")
            add = partial(self._add, identity, owner, upload, parameters, idempotency_key)
            # Completed even if the client disconnects: a job is accepted or leaves no trace.
            job = await asyncio.shield(asyncio.to_thread(add))
        if (job.sha256, job.parameters) != (upload.sha256, parameters):
            raise RefusedError(422, "this Idempotency-Key was used for another file: take another")
        return job

    def _add(
        self, identity: str, owner: str, upload: Upload, parameters: Parameters, key: str | None
    ) -> Job:
        """Add an uploaded file to the table, unless it has its job already."""
        self._files.accept(identity)
        try:
            limits = self._quota.limits
            job = self._table.add(identity, owner, upload, parameters, key=key, limits=limits)
        except RefusedError:
            self._files.remove(identity)
            raise
        if job.id != identity:
            self._files.remove(identity)
        return job

    def find(self, key: Key, identity: str) -> Job:
        """A job that the key may see.

        Raises:
            RefusedError: There is no such job.
        """
        job = self._table.find(identity)
        if job is None or (job.owner != _owner(key) and not key.may("admin")):
            raise _no_job()
        return job

    def own(self, key: Key) -> list[Job]:
        """The key's own jobs, the newest first."""
        return self._table.of(_owner(key))

    def delete(self, key: Key, identity: str) -> None:
        """Cancel a job, or remove one that is over.

        Raises:
            RefusedError: There is no such job.
        """
        self.find(key, identity)
        if not self._table.cancel(identity):
            self._table.remove(identity)
        self._files.remove(identity)

    def result(self, key: Key, identity: str, table: Table, kind: str) -> tuple[Path, Format]:
        """The file of a finished job's table, and its format.

        Args:
            key: The caller's.
            identity: The job's id.
            table: Results or rejected rows.
            kind: `parquet`, or '' for the format that was sent.

        Raises:
            RefusedError: There is no such job or format, or it is not done.
        """
        job = self.find(key, identity)
        sent: Format = job.parameters["format"]
        wanted: Format = "parquet" if kind == "parquet" else sent
        if kind not in ("", wanted):
            detail = f"format={kind} is not there: leave it out for {sent}, or give parquet"
            raise RefusedError(400, detail)
        if job.state != "done":
            raise RefusedError(409, f"the job is {job.state}: there are results once it is done")
        path = self._files.attempt(job.id, job.attempt) / f"{table}.{wanted}"
        if not path.exists():
            raise _no_job()
        return path, wanted

    def measure(self, metrics: Metrics) -> None:
        """Set the metric of jobs by state, if the table answers."""
        try:
            for state, count in self._table.counts().items():
                metrics.jobs.labels(state).set(count)
        except (SQLAlchemyError, OSError):
            logger.exception("the job table does not answer")


def sent_as(headers: Mapping[str, str]) -> Parameters:
    """The format and the encoding of a posted file.

    Raises:
        RefusedError: The media type or the encoding is not taken.
    """
    sent, _, more = headers.get("content-type", "").lower().partition(";")
    sent = sent.strip()
    if sent not in MEDIA_TYPES or headers.get("content-encoding", "identity") != "identity":
        detail = f"send one of {', '.join(MEDIA_TYPES)} as Content-Type, not compressed"
        raise RefusedError(415, detail, headers=CLOSE)
    parameters = Parameters(format=MEDIA_TYPES[sent])
    if charset := _CHARSET.search(more):
        try:
            parameters["encoding"] = require_encoding(charset[1])
        except UserError as error:
            raise RefusedError(415, str(error), headers=CLOSE) from error
    return parameters


def _no_job() -> RefusedError:
    return RefusedError(404, "there is no such job, or it was removed")


def _owner(key: Key) -> str:
    """A stable identity of a key, different from a later key of the same name."""
    return key.sha256 or key.name
