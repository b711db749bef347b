"""The outermost ASGI middleware: access, limits, headers, metrics and the access log."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from random import getrandbits
from time import perf_counter
from typing import TYPE_CHECKING

from customer_segmentation.serving.access import UNKNOWN, Route, Routes
from customer_segmentation.serving.admission import Admission
from customer_segmentation.serving.asgi import App, Header, Message, Receive, Scope, Send, respond
from customer_segmentation.serving.body import read_body
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.keys import Key
from customer_segmentation.serving.problems import MEDIA_TYPE, RefusedError

if TYPE_CHECKING:
    # It imports the routes, which import this module.
    from customer_segmentation.serving.server import Server

logger = logging.getLogger(__name__)

# Keys of the ASGI scope under which the guard stores what a request uses to its end.
_BUNDLE, _KEY = "segmentation.bundle", "segmentation.key"

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_VERSION = b"artifact-version"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9_-]{1,64}")
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", _POLICY),
]


def bundle_of(scope: Scope) -> Bundle:
    """The bundle that answers this request, even when a new one is loaded meanwhile."""
    return scope[_BUNDLE]


def key_of(scope: Scope) -> Key:
    """The caller's key, on a route that needs one."""
    return scope[_KEY]


class Guard:
    """The outermost ASGI middleware.

    Args:
        router: Answers the routes that have no handler of their own.
        routes: The router's routes with their access rules.
        server: Its champion gives each request its bundle, and each response its
            `Artifact-Version`, unless the response sets one.
    """

    def __init__(self, router: App, routes: Routes, server: Server) -> None:
        self._router = router
        self._routes = routes
        self._admission = Admission(server.keys, server.settings)
        self._server = server
        self._metrics = server.metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._router(scope, receive, send)
            return
        started = perf_counter()
        headers = dict(scope["headers"])
        sent = headers.get(b"x-request-id", b"")
        request_id = sent if sent and _REQUEST_ID.fullmatch(sent) else b"%016x" % getrandbits(64)
        bundle = scope[_BUNDLE] = self._server.champion.current
        version = (_VERSION, bundle.version.encode())
        added = [*_HEADERS, (b"x-request-id", request_id), version]
        status, has_begun, key, place = 500, False, None, None
        method = scope["method"]
        route = self._routes.find(scope["raw_path"], method)

        async def answer(message: Message) -> None:
            nonlocal status, has_begun
            if message["type"] == "http.response.start":
                status, has_begun = message["status"], True
                message["headers"] = _headers(message.get("headers", ()), added)
            await send(message)

        self._metrics.waiting.inc()
        try:
            key = scope[_KEY] = self._admission.check(route, scope, headers)
            place = self._admission.enter(route, key)
            _refuse_unanswered(route, method)
            if method == "HEAD":
                # A copy: uvicorn reads HEAD from its own scope and sends no body.
                scope = {**scope, "method": "GET"}
                receive, send = _receive_of(b""), _without_body(send)
            elif not route.is_streamed:
                # Methods without a body do not wait for one.
                is_read, settings = method in _WITH_BODY, self._server.settings
                limits = settings.max_body, settings.body_seconds
                body = await read_body(receive, headers, *limits) if is_read else b""
                receive = _receive_of(body)
            scope["path"] = route.path or scope["path"]
            await (route.handler or self._router)(scope, receive, answer)
        except RefusedError as refused:
            if not has_begun:
                await _refuse(answer, refused)
        except Exception:
            logger.exception("request %s failed", request_id.decode())
            if not has_begun:
                detail = "the server failed: see its log for this request's id"
                await _refuse(answer, RefusedError(500, detail))
        finally:
            self._admission.leave(place)
            self._metrics.waiting.dec()
            seconds = perf_counter() - started
            self._metrics.served(route.label, status, seconds)
            self._server.log.write(
                request_id=request_id.decode(),
                method=method,
                route=route.label,
                status=status,
                seconds=round(seconds, 6),
                key=key.name if key else None,
            )


def _headers(own: Sequence[Header], added: Sequence[Header]) -> list[Header]:
    """A response's headers and the added ones; a version that the response sets is kept."""
    is_named = any(name == _VERSION for name, _ in own)
    return [*own, *(added[:-1] if is_named else added)]


def _refuse_unanswered(route: Route, method: str) -> None:
    """Refuse unknown paths and methods.

    Raises:
        RefusedError: There is no such path, or it lacks the method.
    """
    if method in route.methods:
        return
    if route is UNKNOWN:
        raise RefusedError(404, "there is no such path: see /docs")
    allowed = ", ".join(route.methods)
    raise RefusedError(405, f"{route.label} answers {allowed}", headers={"allow": allowed})


def _receive_of(body: bytes) -> Receive:
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        return next(messages, {"type": "http.disconnect"})

    return receive


def _without_body(send: Send) -> Send:
    """Send the head and an empty body, so that a large file is not read."""

    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body"})

    return answer


async def _refuse(send: Send, refused: RefusedError) -> None:
    headers = [(name.encode(), value.encode()) for name, value in refused.headers.items()]
    await respond(send, refused.status, MEDIA_TYPE.encode(), refused.body, headers)
