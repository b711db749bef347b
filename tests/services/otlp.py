"""A collector of OpenTelemetry's spans on loopback, and one that takes connections and hangs."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

SECONDS = 60.0


@dataclass
class Collector:
    """What has arrived.

    Attributes:
        url: Where it listens.
        spans: In the order of their arrival.
        raw: The bodies, as sent.
    """

    url: str = ""
    spans: list[Any] = field(default_factory=list)
    raw: bytes = b""
    arrived: Condition = field(default_factory=Condition)

    def wait_for(self, count: int) -> list[Any]:
        """The spans, once there are so many."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.spans) >= count, SECONDS)
            return [*self.spans]

    def take(self, body: bytes) -> None:
        """Note a body."""
        sent = ExportTraceServiceRequest.FromString(body)
        with self.arrived:
            self.raw += body
            self.spans += [
                span
                for resource in sent.resource_spans
                for scope in resource.scope_spans
                for span in scope.spans
            ]
            self.arrived.notify_all()


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector, as long as the block lasts."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["content-length"])))
            body = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, daemon=True).start()
        yield collector
        server.shutdown()


@contextmanager
def hanging() -> Iterator[tuple[str, socket.socket]]:
    """A collector's address, and its socket, whose connections are taken and never answered."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", listening


def told(span: Any) -> dict[str, object]:
    """A span's attributes."""
    return {
        one.key: one.value.int_value if one.value.HasField("int_value") else one.value.string_value
        for one in span.attributes
    }
