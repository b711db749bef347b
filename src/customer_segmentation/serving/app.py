"""The server's ASGI application: its routes, error handlers and lifespan."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import date
from functools import partial
from typing import Any, NoReturn
from urllib.parse import unquote

import msgspec
from litestar import Litestar, Response, asgi, get
from litestar.exceptions import MethodNotAllowedException
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from customer_segmentation.serving.access import Routes
from customer_segmentation.serving.answers import decided_of
from customer_segmentation.serving.audiences.routes import audience_routes
from customer_segmentation.serving.campaigns.routes import campaign_routes
from customer_segmentation.serving.description import description_routes
from customer_segmentation.serving.guard import Guard, bundle_of
from customer_segmentation.serving.ingestion.routes import ingestion_routes
from customer_segmentation.serving.invocations import invocation_routes
from customer_segmentation.serving.jobs.routes import job_routes
from customer_segmentation.serving.moves.routes import moves_routes
from customer_segmentation.serving.online import CUSTOMERS, online_routes
from customer_segmentation.serving.openapi.document import openapi_routes
from customer_segmentation.serving.page import page_routes
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.proposals import proposal_routes
from customer_segmentation.serving.protocol import LimitedProtocol
from customer_segmentation.serving.responses import AnyRequest, cached_response, json_response
from customer_segmentation.serving.server import Server
from customer_segmentation.serving.settings import Settings, read_settings
from customer_segmentation.serving.stored import UNKNOWN_VERSION, with_champion_note
from customer_segmentation.tables.schemas import ARTIFACT_VERSION

logger = logging.getLogger(__name__)

_HISTORY = "/v1/history/"


def make_app(settings: Settings) -> Guard:
    """The ASGI application of one server process.

    Args:
        settings: The server's.

    Raises:
        UserError: The bundle is missing, or the file of keys.
    """
    server = Server(settings)
    inside = Litestar(
        route_handlers=_routes(server),
        exception_handlers={Exception: _raise},
        # The guard limits bodies.
        request_max_body_size=None,
        lifespan=[lambda _app: _life(server)],
        openapi_config=None,
        logging_config=None,
    )

    return _guard(settings)(inside, Routes(inside.routes), server)


def _guard(settings: Settings) -> type[Guard]:
    if not settings.traces:
        return Guard
    from customer_segmentation.serving.tracing import (  # noqa: PLC0415 - an extra, where it is asked for
        TracedGuard,
    )

    return TracedGuard


@asynccontextmanager
async def _life(server: Server) -> AsyncIterator[None]:
    """Reload the champion and the keys while the server runs."""
    server.monitor.start()
    following = asyncio.create_task(server.follow())
    # Objects made so far stay: the garbage collector need not visit them again.
    gc.collect()
    gc.freeze()
    server.is_ready = True
    try:
        yield
    finally:
        server.is_ready = False
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        await server.online.end()
        await asyncio.to_thread(server.monitor.end)
        server.log.flush()


def _routes(server: Server) -> list[Any]:
    # Bypasses the router, which would take a fifth of the time of one customer's answer.
    options = {"access": "score", "methods": ("POST",)}
    segments = asgi("/v1/segments", opt=options, copy_scope=False)(server.segments.serve)

    @get(f"{CUSTOMERS}{{customer_id:path}}", opt={"access": "read"}, sync_to_thread=True)
    def customer(request: AnyRequest) -> Response[bytes]:
        customer_id = _asked(request, CUSTOMERS)
        try:
            stored, state = server.stored.find(customer_id)
        except FileNotFoundError as error:
            raise RefusedError(404, "no batch run has stored answers yet: run kedro run") from error
        if stored is None:
            raise RefusedError(404, "the last batch run has no such customer")
        champion = bundle_of(request.scope).version
        # Absent decisions are null, as in a live answer.
        decided = decided_of(bundle_of(request.scope).contract.schema)
        absent = dict.fromkeys(name for name in decided if name not in stored)
        answer = with_champion_note(stored | absent, champion)
        headers = {
            "cache-control": "private, no-cache",
            # Of the stored answer, instead of the champion's.
            "artifact-version": stored.get(ARTIFACT_VERSION) or UNKNOWN_VERSION,
        }
        etag = f'"{state}-{champion}"'
        return cached_response(request, etag, lambda: msgspec.json.encode(answer), headers=headers)

    # Not below the customer, whose id may end in `/history`.
    @get(f"{_HISTORY}{{customer_id:path}}", opt={"access": "read"}, sync_to_thread=True)
    def history(request: AnyRequest) -> Response[bytes]:
        known_on = _known_on(request)
        try:
            snapshots, state = server.history.find(_asked(request, _HISTORY), known_on)
        except FileNotFoundError as error:
            raise RefusedError(404, "there is no history yet: run kedro run") from error
        if not snapshots:
            raise RefusedError(404, "the history tells of no such customer")
        headers = {"cache-control": "private, no-cache"}
        body = partial(msgspec.json.encode, snapshots)
        return cached_response(request, f'"{state}-{known_on or ""}"', body, headers=headers)

    @get("/healthz", opt={"access": "probe"}, sync_to_thread=False)
    def healthz() -> Response[bytes]:
        return json_response({"status": "ok"})

    @get("/readyz", opt={"access": "probe"}, sync_to_thread=False)
    def readyz() -> Response[bytes]:
        server.require_ready()
        return json_response({"status": "ready"})

    @get("/metrics", opt={"access": "admin"}, sync_to_thread=True)
    def metrics() -> Response[bytes]:
        server.jobs.measure(server.metrics)
        server.metrics.stored_answers(server.stored.newest())
        return Response(server.metrics.text(), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return [
        *(segments, customer, history, healthz, readyz, metrics),
        *audience_routes(server),
        *campaign_routes(server),
        *description_routes(server),
        *ingestion_routes(server),
        *invocation_routes(server),
        *job_routes(server),
        *moves_routes(server),
        *online_routes(server.online),
        *openapi_routes(server),
        *page_routes(),
        *proposal_routes(server),
    ]


def _asked(request: AnyRequest, route: str) -> str:
    """The id at the end of the path as sent: it may hold slashes, and Litestar merges repeated."""
    return unquote(request.scope["raw_path"].decode("latin-1")).removeprefix(route)


def _known_on(request: AnyRequest) -> date | None:
    known_on = request.query_params.get("known_on")
    try:
        return date.fromisoformat(known_on) if known_on is not None else None
    except ValueError as error:
        raise RefusedError(400, "known_on is no day: write it as 2026-11-29") from error


def create() -> Guard:
    """The application of one process, from the settings in the environment."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(message)s")
    settings = read_settings({})
    LimitedProtocol.seconds = settings.body_seconds
    return make_app(settings)


def _raise(_request: AnyRequest, error: Exception) -> NoReturn:
    """Leave every error to the guard, which answers them all."""
    if isinstance(error, MethodNotAllowedException):
        # Of a fixed path that is spelt like a name: the guard knows all others.
        raise RefusedError(404, "there is no such path: see /docs") from error
    raise error
