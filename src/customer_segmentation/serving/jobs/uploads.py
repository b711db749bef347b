"""Take in a file as it is sent, a piece at a time."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from customer_segmentation.serving.asgi import Message, Receive
from customer_segmentation.serving.body import soon

# A write takes a thread, which takes as long as copying this much.
_PIECE = 1 << 20


@dataclass(frozen=True)
class Upload:
    """What came: its size in bytes, and the SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


class Patience:
    """How long a client is waited for: a bucket of seconds, which what comes fills again.

    Only the time in which nothing came counts.

    Args:
        seconds: What the bucket holds: the longest time without any byte.
        rate: Bytes that fill a second; of 0, any byte fills it all.
    """

    def __init__(self, seconds: float, rate: int) -> None:
        self._seconds = seconds
        self._rate = rate
        self._left = seconds

    async def next(self, receive: Receive) -> Message:
        """The next message.

        Raises:
            RefusedError: The client is too slow, or went away.
        """
        started = monotonic()
        message = await soon(receive, self._left)
        if self._rate:
            came = len(message.get("body", b"")) / self._rate
            self._left = min(self._seconds, self._left + came - (monotonic() - started))
        return message


async def save(
    receive: Receive, path: Path, patience: Patience, admit: Callable[[int], None]
) -> Upload:
    """Write a request's body to a file; whatever goes wrong, no file is left.

    Args:
        receive: Gives ASGI's messages.
        path: Where to; there is no such file yet.
        patience: How long each message is waited for.
        admit: Is told how many bytes more came, and raises where they are too many.

    Raises:
        RefusedError: The body is too large, too slow, or ends too early.
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
            message = await patience.next(receive)
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
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - no thread starts for one who is cancelled
        raise
    finally:
        file.close()
    return Upload(size, digest.hexdigest())
