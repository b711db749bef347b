"""The routes of `/v1/jobs`."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Response, delete, get, post
from litestar.params import FromPath
from litestar.response import File

from customer_segmentation.serving.guard import key_of
from customer_segmentation.serving.jobs.files import Table
from customer_segmentation.serving.jobs.service import SENT_AS
from customer_segmentation.serving.jobs.table import Job
from customer_segmentation.serving.jobs.views import JobView, view
from customer_segmentation.serving.responses import AnyRequest, json_response
from customer_segmentation.serving.server import Server

_ACCESS = {"access": "score"}
# Bodies are streamed.
_STREAMED = {**_ACCESS, "streams": True}
_PRIVATE = {"cache-control": "private, no-store"}


def job_routes(server: Server) -> list[Any]:
    """The handlers.

    With `sync_to_thread`, Litestar would wrap one that shares its path with another twice.
    """

    def seen(request: AnyRequest, job: Job) -> JobView:
        return view(job, server.settings.jobs_kept, server.root_path(request.headers))

    @post("/v1/jobs", opt=_STREAMED, status_code=202)
    async def post_job(request: AnyRequest) -> Response[bytes]:
        job = await server.jobs.post(key_of(request.scope), request.headers, request.receive)
        seen_job = seen(request, job)
        headers = {"location": seen_job.links["self"], **_PRIVATE}
        return json_response(seen_job, headers=headers)

    @get("/v1/jobs", opt=_STREAMED)
    async def list_jobs(request: AnyRequest) -> Response[bytes]:
        found = await asyncio.to_thread(server.jobs.own, key_of(request.scope))
        jobs = [seen(request, job) for job in found]
        return json_response({"jobs": jobs}, headers=_PRIVATE)

    @get("/v1/jobs/{job_id:str}", opt=_ACCESS)
    async def get_job(request: AnyRequest, job_id: FromPath[str]) -> Response[bytes]:
        job = await asyncio.to_thread(server.jobs.find, key_of(request.scope), job_id)
        return json_response(seen(request, job), headers=_PRIVATE)

    @delete("/v1/jobs/{job_id:str}", opt=_ACCESS)
    async def delete_job(request: AnyRequest, job_id: FromPath[str]) -> None:
        await asyncio.to_thread(server.jobs.delete, key_of(request.scope), job_id)

    @get("/v1/jobs/{job_id:str}/results", opt=_STREAMED)
    async def results(request: AnyRequest, job_id: FromPath[str]) -> File:
        return await _download(server, request, job_id, "results")

    @get("/v1/jobs/{job_id:str}/rejected", opt=_STREAMED)
    async def rejected(request: AnyRequest, job_id: FromPath[str]) -> File:
        return await _download(server, request, job_id, "rejected")

    return [post_job, list_jobs, get_job, delete_job, results, rejected]


async def _download(server: Server, request: AnyRequest, job_id: str, table: Table) -> File:
    asked = request.query_params.get("format", "")
    key = key_of(request.scope)
    path, kind = await asyncio.to_thread(server.jobs.result, key, job_id, table, asked)
    return File(
        path,
        filename=f"{table}-{job_id}.{kind}",
        media_type=SENT_AS[kind],
        content_disposition_type="attachment",
        headers=_PRIVATE,
    )
