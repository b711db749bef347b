"""A span a request, and one a read of the online store; without ids, names and addresses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from opentelemetry.trace import Span, SpanKind

from customer_segmentation.serving.access import Routes
from customer_segmentation.serving.asgi import App, Message, Receive, Scope, Send
from customer_segmentation.serving.guard import Guard
from customer_segmentation.serving.metrics import Metrics
from customer_segmentation.serving.server import Server
from customer_segmentation.tracing.spans import Tracing, sent_parent

_SERVICE = "customer-segmentation-api"
# Asked every few seconds, by machines.
_PROBES = frozenset({b"/healthz", b"/readyz", b"/metrics"})
_CALLER = (b"traceparent", b"tracestate")
_VERSION = b"artifact-version"
_FAILED = 500


@dataclass
class _Request:
    span: Span
    method: str
    customers: int = 0
    status: int = 0
    version: str = ""


_current: ContextVar[_Request | None] = ContextVar("request", default=None)


class TracedMetrics(Metrics):
    """Metrics, whose numbers of a request also go into its span.

    Args:
        collector: Address of an OTLP collector.
    """

    def __init__(self, collector: str) -> None:
        super().__init__()
        self.tracing = Tracing(collector, _SERVICE)

    def served(self, route: str, status: int, seconds: float) -> None:
        """Count a response, and name its span."""
        super().served(route, status, seconds)
        if request := _current.get():
            span = request.span
            span.update_name(f"{request.method} {route}")
            span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", status)
            request.status = status

    def count(self, customers: Mapping[tuple[str, str], int]) -> None:
        """Count answered customers."""
        super().count(customers)
        if request := _current.get():
            request.customers += sum(customers.values())

    def read_store(self, seconds: float, asked: int) -> None:
        """Count a read of the online store."""
        super().read_store(seconds, asked)
        if request := _current.get():
            name = "read the online store"
            self.tracing.past(name, request.span, seconds, {"segmentation.customers": asked})


class TracedGuard(Guard):
    """The guard, in a span; the caller's trace goes on where `traceparent` names one.

    Args:
        router: As the guard's.
        routes: As the guard's.
        server: Its metrics are traced.
    """

    def __init__(self, router: App, routes: Routes, server: Server) -> None:
        super().__init__(router, routes, server)
        if not isinstance(server.metrics, TracedMetrics):
            raise TypeError("metrics that are not traced")
        self._tracing = server.metrics.tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "lifespan":
            await super().__call__(scope, receive, self._ending(send))
            return
        if scope["raw_path"] in _PROBES:
            await super().__call__(scope, receive, send)
            return
        sent = {k.decode(): v.decode("latin-1") for k, v in scope["headers"] if k in _CALLER}
        method = scope["method"]
        span = self._tracing.start(method, sent_parent(sent), SpanKind.SERVER)
        request = _Request(span, method)
        # Of this task, and of what it starts.
        _current.set(request)

        async def answer(message: Message) -> None:
            await send(message)
            if message["type"] == "http.response.start":
                # Added by the guard to the same message.
                version = dict(message["headers"]).get(_VERSION, b"")
                request.version = version.decode("latin-1")

        try:
            await super().__call__(scope, receive, answer)
        finally:
            span.set_attribute("http.request.method", method)
            span.set_attribute("segmentation.customers", request.customers)
            span.set_attribute("segmentation.artifact", request.version)
            self._tracing.finish(span, is_failed=request.status >= _FAILED)

    def _ending(self, send: Send) -> Send:
        """Sends what is left before it says that the server has come to its end."""

        async def say(message: Message) -> None:
            # Nobody waits for what is done after that.
            if message["type"].startswith("lifespan.shutdown."):
                await asyncio.to_thread(self._tracing.end)
            await send(message)

        return say
