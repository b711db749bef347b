"""Send events beside the run: whatever becomes of them, the run is neither slower nor fails."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from queue import Full, Queue
from threading import Event as Flag
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from customer_segmentation.errors import UserError

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

logger = logging.getLogger(__name__)

# Makes an event in the sending thread: the library takes a second to import.
Make = Callable[[], "RunEvent"]

_WAITING = 10_000
_TIMEOUT_SECONDS = 2.0
# One after the other, from which on nothing more is tried.
_FAILURES = 3
_END_SECONDS = 5.0
_ENDPOINT = "api/v1/lineage"


class Emitter:
    """Sends events in the order in which they come, from a thread of its own.

    Args:
        target: A file, to which a line an event is added, or the address of a server; without a
            path of its own, the events go to `/api/v1/lineage` there.
        key: What the server asks for, if it asks for a key.
    """

    def __init__(self, target: str, key: str = "") -> None:
        self._target, self._key = target, key
        self._queue: Queue[Make | None] = Queue(_WAITING)
        self._sent = self._lost = 0
        self._why = ""
        self._ended = Flag()
        Thread(target=self._send, daemon=True, name="openlineage").start()

    def emit(self, make: Make) -> None:
        """Have an event made and sent; returns at once."""
        try:
            self._queue.put_nowait(make)
        except Full:
            self._lost += 1

    def close(self) -> None:
        """Wait some seconds for what is not sent yet, and tell once if something was lost."""
        try:
            self._queue.put_nowait(None)
        except Full:
            self._why = self._why or "it is too slow"
        in_time = self._ended.wait(_END_SECONDS)
        lost = self._lost + (0 if in_time else self._queue.qsize())
        if lost or not in_time:
            logger.warning(
                "OpenLineage: %d of %d events did not get to %s (%s); the run is complete without",
                *(lost, self._sent + lost, self._place, self._why or "it does not answer in time"),
            )

    @property
    def _place(self) -> str:
        """Where events go, without what a person may have put into an address to log in."""
        parts = urlsplit(self._target)
        return f"{parts.scheme}://{parts.hostname}" if parts.hostname else self._target

    def _send(self) -> None:
        transport: Any = None
        failed = 0
        while make := self._queue.get():
            if failed >= _FAILURES:
                self._lost += 1
                continue
            try:
                transport = transport or _transport(self._target, self._key)
                transport.emit(make())
            except Exception as error:  # noqa: BLE001 - a run does not fail for it
                self._lost, failed = self._lost + 1, failed + 1
                self._why = _reason(error)
            else:
                self._sent, failed = self._sent + 1, 0
        self._ended.set()


def _transport(target: str, key: str) -> Any:  # noqa: ANN401 - of either kind
    from openlineage.client.transport.file import (  # noqa: PLC0415 - slow import
        FileConfig,
        FileTransport,
    )
    from openlineage.client.transport.http import (  # noqa: PLC0415 - slow import
        ApiKeyTokenProvider,
        HttpConfig,
        HttpTransport,
    )

    parts = urlsplit(target)
    if parts.scheme not in {"http", "https"}:
        if "://" in target:
            raise UserError("name a file, or an address that begins with http")
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        return FileTransport(FileConfig(target, append=True))
    config = HttpConfig(
        url=f"{parts.scheme}://{parts.netloc}",
        endpoint=parts.path.strip("/") or _ENDPOINT,
        timeout=_TIMEOUT_SECONDS,
        retry={"total": 0},
    )
    if key:
        config.auth = ApiKeyTokenProvider({"apiKey": key})
    return HttpTransport(config)


def _reason(error: Exception) -> str:
    """Why an event was not taken, without the event or the key."""
    if isinstance(error, ImportError):
        return "pip install openlineage-python"
    if isinstance(error, UserError):
        return error.message
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f"it answers {status}" if status else type(error).__name__
