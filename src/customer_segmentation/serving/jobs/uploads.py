"""Take in a file as it is sent, a piece at a time."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from customer_segmentation.serving.guard import soon
from customer_segmentation.serving.problems import RefusedError

# A write takes a thread, which takes as long as copying this much.
_PIECE = 1 << 20
CLOSE = {"connection": "close"}


@dataclass(frozen=True)
class Upload:
    """What came: its size in bytes, and the SHA-256 in hexadecimal digits."""

    size: int
    sha256: str


async def save(
    receive: Callable[[], Awaitable[Any]], path: Path, most: int, seconds: float
) -> Upload:
    """Write a request's body to a file; whatever goes wrong, no file is left.

    Args:
        receive: Gives ASGI's messages.
        path: Where to; there is no such file yet.
        most: Bytes.
        seconds: The longest time without any byte.

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
            message = await soon(receive, seconds)
            piece += message.get("body", b"")
            more = message.get("more_body", False)
            _limit(size + len(piece), most)
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


def _limit(size: int, most: int) -> None:
    if size > most:
        raise too_large(most)


def too_large(most: int) -> RefusedError:
    """The refusal of a file of more bytes than are taken."""
    detail = f"a file of more than {most} bytes: post it in parts, each with the header"
    return RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, headers=CLOSE)
