"""HTTP as uvicorn speaks it, but with patience that ends, and head and body in one write."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

# A body beyond it is worth a write of its own; a longer queue would hide it from flow control.
_LARGE = 65_536


class JoinedWrites:
    """A transport that sends together what is written in one turn of the event loop.

    uvicorn writes an answer's head and body apart, and each write takes the system as long as
    msgspec takes for a customer.

    Args:
        transport: What sends.
        loop: Whose turns.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

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

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self._transport.is_closing():
            self._transport.writelines(parts)


class PatientProtocol(HttpToolsProtocol):
    """Closes a connection whose request's head is not there in time.

    uvicorn waits for one without end, so that a few slow clients would hold all connections.
    """

    # How long, for all connections of the process: uvicorn makes one of these for each.
    head_seconds = 10.0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 - uvicorn's signature
        """A client came: its first head is awaited."""
        super().connection_made(transport)
        self.transport = cast("asyncio.Transport", JoinedWrites(transport, self.loop))
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Something came; on a kept connection it may be the beginning of the next head."""
        if self.cycle is None or self.cycle.response_complete:
            self._wait()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._forget()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client went."""
        self._forget()
        super().connection_lost(exc)

    def _wait(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(self.head_seconds, self.transport.close)

    def _forget(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
