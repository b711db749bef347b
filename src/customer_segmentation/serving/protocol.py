"""HTTP as uvicorn speaks it, but with limits and an end to its patience, and in fewer writes."""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from customer_segmentation.serving.problems import MEDIA_TYPE, RefusedError

logger = logging.getLogger(__name__)

# A body beyond it is worth a write of its own; a longer queue would hide it from flow control.
_LARGE = 65_536
# Of a request's head, in bytes and in lines: what browsers and proxies send is far below.
MOST_HEAD = 32_768
MOST_HEADERS = 100
# Of one connection, that came while another is answered: each takes some kB until its turn.
MOST_PIPELINED = 100
# Bytes a second that a client reads at least, of what waits for it.
_LEAST_RATE = 1_000.0


class JoinedWrites:
    """A transport that sends together what is written in one turn of the event loop.

    uvicorn writes an answer's head and body apart, and each write takes the system as long as
    msgspec takes for a customer. A client that does not read what waits for it is cut off.

    Args:
        transport: What sends.
        loop: Whose turns.
        seconds: How long what waits may stay as it is.
    """

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, seconds: float
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._seconds = seconds
        self._parts: list[bytes] = []
        self._unread: asyncio.TimerHandle | None = None

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - what it is asked for
        """Whatever else a transport has."""
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send it at the end of this turn, or at once where it is large."""
        self._parts.append(data)
        if len(data) > _LARGE:
            self._flush()
        elif len(self._parts) == 1:
            self._loop.call_soon(self._flush)

    def close(self) -> None:
        """Send what waits, then close."""
        self._flush()
        self._transport.close()
        self.watch()

    def watch(self) -> None:
        """Cut the client off, unless it reads what waits for it."""
        if self._unread is None and (waiting := self._transport.get_write_buffer_size()):
            self._unread = self._loop.call_later(self._seconds, self._look, waiting)

    def _look(self, before: int) -> None:
        self._unread = None
        # Nothing is added while it is full, so that what is gone was read.
        if before - self._transport.get_write_buffer_size() < _LEAST_RATE * self._seconds:
            logger.warning("an answer was not read: its connection is closed")
            self._transport.abort()
        else:
            self.watch()

    def forget(self) -> None:
        """The client reads, or is gone."""
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self._transport.is_closing():
            self._transport.writelines(parts)


class _TooLargeError(Exception):
    """A request's head has too many lines or bytes."""


class _TooManyError(Exception):
    """Too many requests wait for the answers of those before them."""


class PatientProtocol(HttpToolsProtocol):
    """Closes a connection whose client sends too much of a head, or takes too long.

    uvicorn waits without end for the rest of a head or of an unwanted body, and for a client to
    read, so that a few slow ones would hold all connections.
    """

    # How long, for all connections of the process: uvicorn makes one of these for each.
    seconds = 10.0
    _patience: asyncio.TimerHandle | None = None
    # Bytes since the last that were of a body or ended a head, and those that came at once.
    _unparsed = _came = 0
    _is_too_large = False

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - uvicorn's signature
        """A client came: its first head is awaited."""
        super().connection_made(transport)
        self._writes = JoinedWrites(transport, self.loop, self.seconds)
        self.transport = cast("asyncio.Transport", self._writes)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Something came; on a kept connection it may be the beginning of the next head."""
        self._came = len(data)
        self._unparsed += self._came
        super().data_received(data)
        # Most requests come whole, and nothing need be done for them.
        if not self._unparsed or self.transport.is_closing():
            return
        # A head, headers after a body in chunks, or what else is told of a chunk, without end.
        if self._unparsed > MOST_HEAD:
            self._refuse()
        elif self.cycle is None or self.cycle.response_complete:
            self._wait()

    def on_headers_complete(self) -> None:
        """The head is there."""
        if len(self.headers) > MOST_HEADERS or self._is_long():
            self._is_too_large = True
            raise _TooLargeError
        if len(self.pipeline) >= MOST_PIPELINED:
            raise _TooManyError
        self._unparsed = 0
        self._forget()
        super().on_headers_complete()
        # What comes after a body in chunks is no part of the head: no key, and no name of a host.
        self.headers = []
        if self.parser.should_upgrade():
            # The parser passes over its body, and would take what comes of it for a request.
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._unparsed = 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        """The answer is written; of a body that nobody wanted, the rest may come a while."""
        super().on_response_complete()
        if self.pipeline and not self.transport.is_closing():
            # uvicorn reads on after each answer, so that ever more would wait.
            self.flow.pause_reading()
        if self.cycle.response_complete and self.cycle.more_body:
            self._wait()

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser does not take."""
        if self.pipeline:
            # It would stand within the answer to one of those.
            self.transport.abort()
        elif self._is_too_large:
            self._refuse()
        else:
            super().send_400_response(msg)

    def pause_writing(self) -> None:
        """More waits for the client than it reads."""
        super().pause_writing()
        self._writes.watch()

    def resume_writing(self) -> None:
        """The client has read most of it."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._writes.forget()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client went."""
        self._forget()
        self._writes.forget()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(self.seconds, self.transport.close)

    def _forget(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _is_long(self) -> bool:
        # Most heads are in what came, all of which is below the limit; of several, it is one.
        if max(self._unparsed, self._came) <= MOST_HEAD:
            return False
        return len(self.url) + sum(len(n) + len(v) for n, v in self.headers) > MOST_HEAD

    def _refuse(self) -> None:
        status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        detail = f"a head of more than {MOST_HEAD} bytes or {MOST_HEADERS} headers"
        body = RefusedError(status, detail).body
        head = (
            f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: {MEDIA_TYPE}\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
