"""The routes of `/v1/jobs`."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import datetime
from typing import Any

import msgspec
from litestar import Response, delete, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import File

from customer_segmentation.serving.guard import key_of
from customer_segmentation.serving.jobs.files import Table
from customer_segmentation.serving.jobs.service import SENT_AS
from customer_segmentation.serving.jobs.table import Format, Job, State
from customer_segmentation.serving.responses import AnyRequest, json_response
from customer_segmentation.serving.server import Server

_ACCESS = {"access": "score"}
# Bodies are streamed.
_STREAMED = {**_ACCESS, "streams": True}
_PRIVATE = {"cache-control": "private, no-store"}
_TIMES = ("created_at", "started_at", "ended_at", "removed_at")


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


def job_routes(server: Server) -> list[Any]:
    """The handlers.

    With `sync_to_thread`, Litestar would wrap one that shares its path with another twice.
    """

    def seen(request: AnyRequest, job: Job) -> JobView:
        return _view(job, server.settings.jobs_kept, server.root_path(request.headers))

    @post("/v1/jobs", opt=_STREAMED, status_code=202)
    async def post_job(request: AnyRequest) -> Response[bytes]:
        job = await server.jobs.post(key_of(request.scope), request.headers, request.receive)
        seen_job = seen(request, job)
        headers = {"location": seen_job.links["self"], **_PRIVATE}
        return json_response(seen_job, headers=headers)

    @get("/v1/jobs", opt=_STREAMED)
    async def list_jobs(request: AnyRequest) -> Response[bytes]:
        own = await asyncio.to_thread(server.jobs.own, key_of(request.scope))
        jobs = [seen(request, job) for job in own]
        return json_response({"jobs": jobs}, headers=_PRIVATE)

    @get("/v1/jobs/{job_id:str}", opt=_ACCESS)
    async def get_job(request: AnyRequest, job_id: FromPath[str]) -> Response[bytes]:
        job = await asyncio.to_thread(server.jobs.find, key_of(request.scope), job_id)
        return json_response(seen(request, job), headers=_PRIVATE)

    @delete("/v1/jobs/{job_id:str}", opt=_ACCESS)
    async def delete_job(request: AnyRequest, job_id: FromPath[str]) -> None:
        await asyncio.to_thread(server.jobs.delete, key_of(request.scope), job_id)

    def download(table: Table) -> HTTPRouteHandler:
        @get(f"/v1/jobs/{{job_id:str}}/{table}", opt=_STREAMED)
        async def answer(request: AnyRequest, job_id: FromPath[str]) -> File:
            job = key_of(request.scope), job_id
            asked = request.query_params.get("format", "")
            path, kind = await asyncio.to_thread(server.jobs.result, *job, table, asked)
            return File(
                path,
                filename=f"{table}-{job_id}.{kind}",
                media_type=SENT_AS[kind],
                content_disposition_type="attachment",
                headers=_PRIVATE,
            )

        return answer

    downloads = download("results"), download("rejected")
    return [post_job, list_jobs, get_job, delete_job, *downloads]


def _view(job: Job, kept: float, root_path: str) -> JobView:
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
    progress = 1.0 if job.state == "done" else job.rows_done / job.rows if job.rows else 0.0
    known = {**asdict(job), **job.parameters, "progress": progress, "links": links}
    known["removed_at"] = job.ended_at and job.ended_at + kept
    known |= {name: known[name] and round(known[name], 3) for name in _TIMES}
    # Not strict: the times are seconds since 1970.
    return msgspec.convert(known, JobView, strict=False)
