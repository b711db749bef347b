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


_JOBS = "score many customers by POST /v1/jobs"


async def read_body(
    receive: Receive,
    headers: dict[bytes, bytes],
    max_bytes: int,
    seconds: float,
    instead: str = _JOBS,
) -> bytes:
    """Read the whole body.

    Args:
        receive: ASGI's.
        headers: Of the request.
        max_bytes: Size limit.
        seconds: Time limit for the whole body.
        instead: What to do with a larger one.

    Raises:
        RefusedError: The body is too large or too slow.
    """
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > max_bytes:
        raise too_large(max_bytes, instead)
    ends = monotonic() + seconds
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive_within(receive, ends - monotonic())
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > max_bytes:
            raise too_large(max_bytes, instead)
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
        raise RefusedError(408, "the body arrived too slowly", headers=CLOSE) from error
    if message["type"] == "http.disconnect":
        raise RefusedError(400, "the client disconnected")
    return message


def too_large(max_bytes: int, instead: str) -> RefusedError:
    """The refusal of a body that is too large, and what to do instead."""
    detail = f"a body of more than {max_bytes} bytes: {instead}"
    return RefusedError(413, detail, headers=CLOSE)


@dataclass(frozen=True)
class Upload:
    """A received file: its size in bytes, and its SHA-256 in hexadecimal."""

    size: int
    sha256: str


async def save(
    receive: Receive, path: Path, seconds: float, min_rate: int, admit: Callable[[int], None]
) -> Upload:
    """Write a request's body to a file; on any error no file is left.

    The client may be idle for a budget of seconds, which the bytes that it sends refill; only time
    spent waiting for it counts.

    Args:
        receive: ASGI's.
        path: Must not exist yet.
        seconds: The full budget: the longest time without any byte.
        min_rate: Bytes that refill a second; with 0, any byte refills all.
        admit: Called with the size of each piece; raises if it is too much.

    Raises:
        RefusedError: The body is too large, too slow, or incomplete.
    """
    file = await asyncio.to_thread(path.open, "xb")
    digest, size, more = hashlib.sha256(), 0, True
    piece, idle = bytearray(), seconds

    def write(content: bytes) -> None:
        digest.update(content)
        file.write(content)
        file.flush()

    try:
        while more:
            started = monotonic()
            message = await receive_within(receive, idle)
            body = message.get("body", b"")
            if min_rate:
                idle = min(seconds, idle + len(body) / min_rate - (monotonic() - started))
            admit(len(body))
            piece += body
            more = message.get("more_body", False)
            if len(piece) >= _PIECE or not more:
                await asyncio.to_thread(write, bytes(piece))
                size += len(piece)
                piece.clear()
        await asyncio.to_thread(os.fsync, file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - a cancelled task starts no thread
        raise
    finally:
        file.close()
    return Upload(size, digest.hexdigest())
