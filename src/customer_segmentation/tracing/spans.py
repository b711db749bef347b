"""Spans, sent beside the work: a collector that is down or slow costs spans, and nothing else.

OpenTelemetry's own variables hold: OTEL_TRACES_SAMPLER for a share of all requests,
OTEL_EXPORTER_OTLP_HEADERS for what a collector asks for, OTEL_RESOURCE_ATTRIBUTES.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from threading import Thread
from time import time_ns
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

logger = logging.getLogger(__name__)

Attributes = Mapping[str, str | int]
# Of one batch; and of what is left at the end.
_SEND_SECONDS, _END_SECONDS = 2.0, 3.0
_PATH = "/v1/traces"
_NANO = 1_000_000_000
# They would log each batch that is lost, and each span.
_LOUD = ("opentelemetry.exporter.otlp", "opentelemetry.sdk._shared_internal")


class Tracing:
    """Makes spans and sends them from a thread of its own.

    Args:
        collector: Address of an OTLP collector, such as http://127.0.0.1:4318; without a path of
            its own, spans go to `/v1/traces` there.
        service: Whose spans they are.
    """

    def __init__(self, collector: str, service: str) -> None:
        for name in _LOUD:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        # Not the process's own provider, which MLflow may use; and no wait when the process ends.
        self._provider = TracerProvider(
            resource=Resource.create({SERVICE_NAME: service}), shutdown_on_exit=False
        )
        exporter = OTLPSpanExporter(endpoint(collector), timeout=_SEND_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(_ToldOnce(exporter, collector)))
        self._tracer = self._provider.get_tracer(__name__)

    def start(self, name: str, parent: Context | None, kind: SpanKind = SpanKind.INTERNAL) -> Span:
        """A span that begins now; its `end` sends it."""
        return self._tracer.start_span(name, parent or Context(), kind)

    def past(
        self, name: str, within: Span, seconds: float, told: Attributes, *, is_failed: bool = False
    ) -> None:
        """A span that ends now and began some seconds ago."""
        now = time_ns()
        parent = set_span_in_context(within)
        began = now - round(seconds * _NANO)
        span = self._tracer.start_span(name, parent, attributes=told, start_time=began)
        self.finish(span, is_failed=is_failed, at=now)

    def finish(self, span: Span, *, is_failed: bool, at: int | None = None) -> None:
        """End a span, now or at a time in nanoseconds."""
        if is_failed:
            span.set_status(Status(StatusCode.ERROR))
        span.end(at)

    def end(self) -> None:
        """Send what is left, for some seconds at most."""
        # OpenTelemetry's own end would wait for half a minute where a collector hangs.
        ending = Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(_END_SECONDS)


class _ToldOnce(SpanExporter):
    """Says once that spans are lost, until some arrive again."""

    def __init__(self, inside: SpanExporter, collector: str) -> None:
        self._inside, self._is_down = inside, False
        parts = urlsplit(collector)
        # Without what a person may have put into an address to log in.
        self._place = f"{parts.scheme}://{parts.hostname}"

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send them."""
        result = self._inside.export(spans)
        was_down, self._is_down = self._is_down, result is not SpanExportResult.SUCCESS
        if self._is_down and not was_down:
            logger.warning("traces: %s does not take spans; they are dropped", self._place)
        return result

    def shutdown(self) -> None:
        """Close connections."""
        self._inside.shutdown()


def endpoint(collector: str) -> str:
    """Where spans are posted."""
    return collector if urlsplit(collector).path.strip("/") else collector.rstrip("/") + _PATH


def sent_parent(headers: Mapping[str, str]) -> Context | None:
    """The caller's span by W3C's `traceparent`; None where there is none, or it is no such."""
    found = TraceContextTextMapPropagator().extract(headers, Context())
    return found or None
