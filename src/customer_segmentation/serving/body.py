"""Read request bodies, into memory or to a file, within limits of size and time."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from customer_segmentation.serving.asgi import Message, Receive
from customer_segmentation.serving.problems import CLOSE, RefusedError

# Written at once: switching to a thread costs as much as copying this much.
_PIECE = 1 << 20


async def read_body(
    receive: Receive, headers: dict[bytes, bytes], max_bytes: int, seconds: float
) -> bytes:
    """Read the whole body.

    Args:
        receive: ASGI's.
        headers: Of the request.
        max_bytes: Size limit.
        seconds: Time limit for the whole body.

    Raises:
        RefusedError: The body is too large or too slow.
    """
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    ends = monotonic() + seconds
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive_within(receive, ends - monotonic())
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > max_bytes:
            raise _too_large(max_bytes)
        more = message.get("more_body", False)
    return b"".join(parts)


async def receive_within(receive: Receive, seconds: float) -> Message:
    """Receive the next message within a time limit.

    Raises:
        RefusedError: The time is over, or the client disconnected.
    """
    try:
        async with asyncio.timeout(max(seconds, 0.0)):
            message = await receive()
    except TimeoutError as error:
        raise RefusedError(408, "the body came too slowly", headers=CLOSE) from error
    if message["type"] == "http.disconnect":
        raise RefusedError(400, "the client disconnected")
    return message


def _too_large(max_bytes: int) -> RefusedError:
    detail = f"a body of more than {max_bytes} bytes: score many customers by POST /v1/jobs"
    return RefusedError(413, detail, headers=CLOSE)


@dataclass(frozen=True)
class Upload:
    """A received file: its size in bytes, and its SHA-256 in hexadecimal."""

    size: int
    sha256: str


class IdleBudget:
    """The time that a client may be idle: a bucket of seconds that received bytes refill.

    Only time spent waiting counts.

    Args:
        seconds: The size of the bucket: the longest time without any byte.
        rate: Bytes that refill a second; with 0, any byte refills all.
    """

    def __init__(self, seconds: float, rate: int) -> None:
        self._seconds = seconds
        self._rate = rate
        self._left = seconds

    async def next(self, receive: Receive) -> Message:
        """The next message.

        Raises:
            RefusedError: The client is too slow, or disconnected.
        """
        started = monotonic()
        message = await receive_within(receive, self._left)
        if self._rate:
            refill = len(message.get("body", b"")) / self._rate
            self._left = min(self._seconds, self._left + refill - (monotonic() - started))
        return message


async def save(
    receive: Receive, path: Path, budget: IdleBudget, admit: Callable[[int], None]
) -> Upload:
    """Write a request's body to a file; on any error no file is left.

    Args:
        receive: ASGI's.
        path: Must not exist yet.
        budget: Limits the waiting time.
        admit: Called with the size of each piece; raises if it is too much.

    Raises:
        RefusedError: The body is too large, too slow, or incomplete.
    """
    file = await asyncio.to_thread(path.open, "xb")
    digest, size, more = hashlib.sha256(), 0, True
    piece = bytearray()

    def write(content: bytes) -> None:
        digest.update(content)
        file.write(content)

    def finish() -> None:
        file.flush()
        os.fsync(file.fileno())

    try:
        while more:
            message = await budget.next(receive)
            body = message.get("body", b"")
            admit(len(body))
            piece += body
            more = message.get("more_body", False)
            if len(piece) >= _PIECE or not more:
                await asyncio.to_thread(write, bytes(piece))
                size += len(piece)
                piece.clear()
        await asyncio.to_thread(finish)
    except BaseException:
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - a cancelled task starts no thread
        raise
    finally:
        file.close()
    return Upload(size, digest.hexdigest())
