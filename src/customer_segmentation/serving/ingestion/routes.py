"""`POST /v1/events`, `/v1/records`, `/v1/outcomes`: 202 once the landing folder or Kafka has it."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from litestar import Response, post

from customer_segmentation.serving.body import read_body
from customer_segmentation.serving.guard import bundle_of, key_of
from customer_segmentation.serving.idempotency import HEADER
from customer_segmentation.serving.ingestion.objects import key_names
from customer_segmentation.serving.ingestion.taking import (
    FEWER,
    PRIVATE,
    SECONDS,
    Kind,
    Receipt,
    land,
    later,
    refusal,
    sent_as,
)
from customer_segmentation.serving.ingestion.targets import target_of
from customer_segmentation.serving.problems import CLOSE, RefusedError
from customer_segmentation.serving.responses import AnyRequest, json_response
from customer_segmentation.serving.server import Server

# Of one process: each waits for a disk, a bucket or a broker.
_AT_ONCE = 16
_WAITING = 64
_OPTIONS = {"access": "ingest", "streams": True}


def ingestion_routes(server: Server) -> list[Any]:
    """The routes; where a server takes nothing they say how it would."""
    settings = server.settings
    events = _Ingestion(server, "events", settings.ingest_events)
    records = _Ingestion(server, "records", settings.ingest_records)
    outcomes = _Ingestion(server, "outcomes", settings.ingest_outcomes)

    @post("/v1/events", opt=_OPTIONS, status_code=202)
    async def post_events(request: AnyRequest) -> Response[bytes]:
        return await events.take(request)

    @post("/v1/records", opt=_OPTIONS, status_code=202)
    async def post_records(request: AnyRequest) -> Response[bytes]:
        return await records.take(request)

    @post("/v1/outcomes", opt=_OPTIONS, status_code=202)
    async def post_outcomes(request: AnyRequest) -> Response[bytes]:
        return await outcomes.take(request)

    return [post_events, post_records, post_outcomes]


class _Ingestion:
    """Takes one kind of objects.

    Args:
        server: Its settings and metrics.
        kind: Of what is sent.
        place: Where it lands; '' where it is not taken.
    """

    def __init__(self, server: Server, kind: Kind, place: str) -> None:
        self._server, self._kind = server, kind
        self._target = target_of(f"ingest-{kind}", place)
        # Of its own: a store that hangs must not hold up the other routes.
        self._threads = ThreadPoolExecutor(_AT_ONCE, f"ingest-{kind}")
        self._waiting = 0

    async def take(self, request: AnyRequest) -> Response[bytes]:
        """Land the objects of a request, then answer.

        Raises:
            RefusedError: They cannot be landed, or not now.
        """
        if (target := self._target) is None:
            raise RefusedError(
                404,
                f"this server takes no {self._kind}: start it with --ingest-{self._kind} and a "
                "folder, s3://bucket/folder or kafka://host:9092/topic",
                headers=CLOSE,
            )
        sent = sent_as(
            self._kind,
            key_of(request.scope).name,
            request.headers.get("content-type"),
            request.headers.get(HEADER),
        )
        if self._waiting >= _WAITING:
            raise later("many others are being landed")
        self._waiting += 1
        try:
            headers = dict(request.scope["headers"])
            limits = self._server.settings.max_body, self._server.settings.body_seconds
            body = await read_body(request.receive, headers, *limits, FEWER)
        except BaseException:
            self._waiting -= 1
            raise
        keys = key_names(bundle_of(request.scope).contract.schema)
        put = partial(land, target, body, sent, keys)
        # Done to its end, even if the client goes; it counts until then.
        landing = asyncio.get_running_loop().run_in_executor(self._threads, put)
        landing.add_done_callback(self._landed)
        try:
            receipt = await asyncio.wait_for(asyncio.shield(landing), SECONDS)
        except RefusedError:
            raise
        except Exception as error:
            raise refusal(self._kind, error) from error
        self._server.metrics.ingested.labels(self._kind).inc(receipt.objects)
        return json_response(receipt, status_code=202, headers=PRIVATE)

    def _landed(self, landing: asyncio.Future[Receipt]) -> None:
        self._waiting -= 1
        if not landing.cancelled():
            # Told already, or of no use to anybody by now.
            landing.exception()
