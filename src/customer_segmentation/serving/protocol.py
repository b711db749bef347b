"""uvicorn's HTTP protocol with size limits, timeouts and fewer writes."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from customer_segmentation.serving.problems import MEDIA_TYPE, RefusedError

logger = logging.getLogger(__name__)

# Larger bodies are written at once, so that flow control sees them.
_LARGE = 65_536
# Of a request's head, in bytes and in lines: far above what browsers and proxies send.
MAX_HEAD = 32_768
MAX_HEADERS = 100
# Requests of one connection that wait for earlier ones; each takes some kB.
MAX_PIPELINED = 100
# Bytes per second that a client must read while data waits for it.
_MIN_RATE = 1_000.0


@dataclass(eq=False)
class JoinedWrites:
    """A transport that joins the writes of one event loop turn into one.

    uvicorn writes a response's head and body separately, and each system call costs as much as
    decoding a customer. A client that does not read its data is disconnected.

    Args:
        transport: The real one.
        loop: The event loop.
        seconds: How often the client must have read something.
    """

    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    seconds: float
    _parts: list[bytes] = field(default_factory=list, init=False)
    _unread: asyncio.TimerHandle | None = field(default=None, init=False)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute
        """Any other attribute of the transport."""
        return getattr(self.transport, name)

    def write(self, data: bytes) -> None:
        """Send data at the end of this turn, or at once if it is large."""
        self._parts.append(data)
        if len(data) > _LARGE:
            self._flush()
        elif len(self._parts) == 1:
            self.loop.call_soon(self._flush)

    def close(self) -> None:
        """Send pending data, then close."""
        self._flush()
        self.transport.close()
        self.watch()

    def watch(self) -> None:
        """Start to check that the client reads its data."""
        if self._unread is None and (waiting := self.transport.get_write_buffer_size()):
            self._unread = self.loop.call_later(self.seconds, self._check, waiting)

    def _check(self, before: int) -> None:
        self._unread = None
        # Nothing is added while the buffer is full, so that it shrinks by what was read.
        if before - self.transport.get_write_buffer_size() < _MIN_RATE * self.seconds:
            logger.warning("a client does not read its response: the connection is closed")
            self.transport.abort()
        else:
            self.watch()

    def unwatch(self) -> None:
        """Stop checking: the client reads, or is gone."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self.transport.is_closing():
            self.transport.writelines(parts)


class _RefusedHeadError(Exception):
    """A request's head is too large, or too many pipelined requests wait."""


class LimitedProtocol(HttpToolsProtocol):
    """Closes connections whose request head is too large, or whose client is too slow.

    uvicorn waits forever for the rest of a head, for the rest of an unwanted body, and for a client
    to read: a few slow clients could hold all connections.
    """

    # The timeout; on the class, since uvicorn makes one instance per connection.
    seconds = 10.0
    _timer: asyncio.TimerHandle | None = None
    # Bytes since the last end of a head or part of a body, and bytes of the last read.
    _unparsed = _received = 0
    _is_too_large = False

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - uvicorn's signature
        """A client connected: start to wait for its first head."""
        super().connection_made(transport)
        self._writes = JoinedWrites(transport, self.loop, self.seconds)
        self.transport = cast("asyncio.Transport", self._writes)
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        """Data arrived; on a kept connection it may begin the next head."""
        self._received = len(data)
        self._unparsed += self._received
        super().data_received(data)
        # Most requests arrive whole and need no check.
        if not self._unparsed or self.transport.is_closing():
            return
        # An endless head, endless trailers after a chunked body, or endless chunk extensions.
        if self._unparsed > MAX_HEAD:
            self._refuse()
        elif self.cycle is None or self.cycle.response_complete:
            self._start_timer()

    def on_headers_complete(self) -> None:
        """The head is complete."""
        if len(self.headers) > MAX_HEADERS or self._is_long():
            self._is_too_large = True
            raise _RefusedHeadError
        if len(self.pipeline) >= MAX_PIPELINED:
            raise _RefusedHeadError
        self._unparsed = 0
        self._stop_timer()
        if not self.url.startswith(b"/") and (host := urlsplit(self.url).netloc):
            # Of a whole URL as target, the host replaces the header's (RFC 9112, 3.2.2).
            others = [header for header in self.headers if header[0] != b"host"]
            self.headers[:] = [*others, (b"host", host)]
        super().on_headers_complete()
        # Trailers of a chunked body must not become headers, such as a key or a host.
        self.headers = []
        if self.parser.should_upgrade():
            # The parser skips its body and would read the rest of it as a request.
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A part of a body arrived."""
        self._unparsed = 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        """The response is written; the rest of an unread body may arrive for a while."""
        super().on_response_complete()
        if self.pipeline and not self.transport.is_closing():
            # uvicorn resumes reading after each response, so that ever more requests would wait.
            self.flow.pause_reading()
        if self.cycle.response_complete and self.cycle.more_body:
            self._start_timer()

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser rejects."""
        if self.pipeline:
            # The refusal would mix with the response to an earlier request.
            self.transport.abort()
        elif self._is_too_large:
            self._refuse()
        else:
            super().send_400_response(msg)

    def pause_writing(self) -> None:
        """The write buffer is full."""
        super().pause_writing()
        self._writes.watch()

    def resume_writing(self) -> None:
        """The client has read most of the buffer."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._writes.unwatch()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client disconnected."""
        self._stop_timer()
        self._writes.unwatch()
        super().connection_lost(exc)

    def _start_timer(self) -> None:
        if self._timer is None:
            self._timer = self.loop.call_later(self.seconds, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_long(self) -> bool:
        # Cheap test first: a head is no longer than what was received.
        if max(self._unparsed, self._received) <= MAX_HEAD:
            return False
        return len(self.url) + sum(len(n) + len(v) for n, v in self.headers) > MAX_HEAD

    def _refuse(self) -> None:
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        detail = f"a head of more than {MAX_HEAD} bytes or {MAX_HEADERS} headers"
        body = RefusedError(status, detail).body
        head = (
            f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
