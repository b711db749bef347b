"""What stands before every request: keys, limits, time-outs, headers, measures and the log."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from random import getrandbits
from time import monotonic, perf_counter
from typing import Any

from customer_segmentation.serving.bundle import Bundle, Champion
from customer_segmentation.serving.keys import Key, Keys, Role
from customer_segmentation.serving.measures import AccessLog, Measures
from customer_segmentation.serving.problems import MEDIA_TYPE, RefusedError
from customer_segmentation.serving.settings import Settings

logger = logging.getLogger(__name__)

# uvicorn's and Litestar's types of the same messages differ.
Scope = Any
Message = Any
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Where the guard leaves, in ASGI's scope, what a request keeps to its end.
_BUNDLE, _KEY = "segmentation.bundle", "segmentation.key"

# By the first part of the path, or the first two below /v1; anything else is for everybody.
_ROLES: dict[str, Role] = {
    "/v1/segments": "score",
    # It counts customers, which is nobody else's business.
    "/v1/bundle": "score",
    "/v1/jobs": "score",
    "/v1/customers": "read",
    "/invocations": "score",
    "/metrics": "admin",
}
# Files come and go in pieces: what is done with them has limits of its own.
_STREAMED = frozenset({"/v1/jobs"})
_MOST_BUCKETS = 10_000
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
    """The bundle that answers a request, whichever comes meanwhile."""
    found: Bundle = scope[_BUNDLE]
    return found


def key_of(scope: Scope) -> Key:
    """Who asks, on a route that is not for everybody."""
    found: Key = scope[_KEY]
    return found


class UnreadError(Exception):
    """A client does not read the file that it asked for."""


class Guard:
    """ASGI middleware, outside of everything else.

    Args:
        app: What answers.
        keys: Who may ask.
        settings: Limits.
        measures: What is counted.
        log: Where each request leaves a line.
        champion: Whose bundle a request keeps to its end, and whose version every answer names.
    """

    def __init__(  # noqa: PLR0913 - what it is made of, once
        self,
        app: App,
        *,
        keys: Keys,
        settings: Settings,
        measures: Measures,
        log: AccessLog,
        champion: Champion,
    ) -> None:
        self._app = app
        self._keys = keys
        self._settings = settings
        self._measures = measures
        self._log = log
        self._champion = champion
        self._buckets: dict[str, tuple[float, float]] = {}
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        headers = dict(scope["headers"])
        sent = headers.get(b"x-request-id", b"")
        request_id = sent if sent and _REQUEST_ID.fullmatch(sent) else b"%016x" % getrandbits(64)
        bundle = scope[_BUNDLE] = self._champion.current
        added = [
            *_HEADERS,
            (b"x-request-id", request_id),
            (b"artifact-version", bundle.version.encode()),
        ]
        status, has_begun, key = 500, False, None
        route = _route(scope["path"])

        async def answer(message: Message) -> None:
            nonlocal status, has_begun
            if message["type"] == "http.response.start":
                status, has_begun = message["status"], True
                message["headers"] = [*message.get("headers", ()), *added]
            if route in _STREAMED:
                await _send_soon(send, message, self._settings.body_seconds)
            else:
                await send(message)

        self._waiting += 1
        self._measures.waiting.inc()
        try:
            key = self._admit(route, headers, scope)
            scope[_KEY] = key
            if route not in _STREAMED:
                receive = _given(await self._body(receive, headers))
            await self._app(scope, receive, answer)
        except RefusedError as refused:
            if not has_begun:
                await _refuse(answer, refused)
        except Exception as error:  # noqa: BLE001 - it is logged, and the client is told
            _log(error, request_id.decode())
            if not has_begun:
                detail = "the server failed; its log tells more under this request's id"
                await _refuse(answer, RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, detail))
        finally:
            self._waiting -= 1
            self._measures.waiting.dec()
            seconds = perf_counter() - started
            self._measures.served(route, status, seconds)
            self._log.write(
                request_id=request_id.decode(),
                method=scope["method"],
                route=route,
                status=status,
                seconds=round(seconds, 6),
                key=key.name if key else None,
            )

    def _admit(self, route: str, headers: dict[bytes, bytes], scope: Scope) -> Key | None:
        """Who asks, where the route is not for everybody.

        Raises:
            RefusedError: Nobody known, without the right, too often, or the server is busy.
        """
        role = _ROLES.get(route)
        if role is None:
            return None
        if self._waiting > self._settings.most_waiting:
            busy = "the server is busy: ask again"
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, busy, headers={"retry-after": "1"})
        key = self._keys.find(_key_of(headers))
        if key is None:
            needs = {"www-authenticate": "Bearer"}
            detail = "give an API key: `Authorization: Bearer KEY`"
            raise RefusedError(HTTPStatus.UNAUTHORIZED, detail, headers=needs)
        if not key.may(role):
            raise RefusedError(HTTPStatus.FORBIDDEN, f"this key lacks the role `{role}`")
        if self._settings.requests_per_second:
            client = key.name if key.sha256 else str((scope.get("client") or ("",))[0])
            self._count(client)
        return key

    def _count(self, client: str) -> None:
        """A bucket a client: filled with the rate, it holds the requests of two seconds."""
        rate = self._settings.requests_per_second
        most = max(2.0 * rate, 1.0)
        now = monotonic()
        left, last = self._buckets.get(client, (most, now))
        left = min(most, left + (now - last) * rate)
        if left < 1.0:
            self._buckets[client] = (left, now)
            wait = str(max(1, round((1.0 - left) / rate)))
            raise RefusedError(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"more than {rate:g} requests a second",
                headers={"retry-after": wait},
            )
        if len(self._buckets) > _MOST_BUCKETS:
            # One that nobody touched for two seconds is full again.
            self._buckets = {c: held for c, held in self._buckets.items() if now - held[1] < 2.0}  # noqa: PLR2004 - as above
        self._buckets[client] = (left - 1.0, now)

    async def _body(self, receive: Receive, headers: dict[bytes, bytes]) -> bytes:
        """The whole body.

        Raises:
            RefusedError: It is too large, or comes too slowly.
        """
        most = self._settings.most_body
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > most:
            raise _too_large(most)
        message = await soon(receive, self._settings.body_seconds)
        if not message.get("more_body"):
            body = message.get("body", b"")
            if len(body) > most:
                raise _too_large(most)
            return body
        parts = [message.get("body", b"")]
        size = len(parts[0])
        ends = monotonic() + self._settings.body_seconds
        while message.get("more_body"):
            message = await soon(receive, ends - monotonic())
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > most:
                raise _too_large(most)
        return b"".join(parts)


async def soon(receive: Receive, seconds: float) -> Message:
    """The next message, within so many seconds.

    Raises:
        RefusedError: It did not come, or the client went away.
    """
    try:
        async with asyncio.timeout(max(seconds, 0.0)):
            message = await receive()
    except TimeoutError as error:
        detail = "the body came too slowly"
        raise RefusedError(
            HTTPStatus.REQUEST_TIMEOUT, detail, headers={"connection": "close"}
        ) from error
    if message["type"] == "http.disconnect":
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the client went away")
    return message


async def _send_soon(send: Send, message: Message, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await send(message)
    except TimeoutError as error:
        raise UnreadError from error


def _log(error: Exception, request_id: str) -> None:
    # Litestar wraps what is raised once an answer has begun, and what sends a file makes a group.
    if BaseExceptionGroup("", [error.__cause__ or error]).subgroup(UnreadError):
        logger.warning("request %s: its answer was not read", request_id)
    else:
        logger.error("request %s failed", request_id, exc_info=error)


def _too_large(most: int) -> RefusedError:
    detail = f"a body of more than {most} bytes: score many customers by POST /v1/jobs"
    # What is still on its way is not read.
    return RefusedError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, headers={"connection": "close"}
    )


def _given(body: bytes) -> Receive:
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        return next(messages, {"type": "http.disconnect"})

    return receive


async def _refuse(send: Send, refused: RefusedError) -> None:
    body = refused.body
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        *((name.encode(), value.encode()) for name, value in refused.headers.items()),
    ]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _key_of(headers: dict[bytes, bytes]) -> str | None:
    scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
    return key.decode("latin-1").strip() if scheme.lower() == b"bearer" else None


def _route(path: str) -> str:
    """What a path is of, without what it names: `/v1/customers` for every customer's."""
    parts = path.split("/", 3)
    known = "/".join(parts[:3]) if path.startswith("/v1/") else "/".join(parts[:2])
    return known if known in _ROLES or known in _OPEN else "other"


_OPEN = frozenset({"/", "/healthz", "/readyz", "/ping", "/docs", "/schema", "/page"})
