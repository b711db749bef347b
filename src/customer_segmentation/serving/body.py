"""Read request bodies within limits of size and time."""

from __future__ import annotations

import asyncio
from time import monotonic

from customer_segmentation.serving.asgi import Message, Receive
from customer_segmentation.serving.problems import CLOSE, RefusedError


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
        raise too_slow() from error
    if message["type"] == "http.disconnect":
        raise RefusedError(400, "the client disconnected")
    return message


def too_slow() -> RefusedError:
    """The refusal of a body that does not arrive in time."""
    return RefusedError(408, "the body came too slowly", headers=CLOSE)


def _too_large(max_bytes: int) -> RefusedError:
    detail = f"a body of more than {max_bytes} bytes: score many customers by POST /v1/jobs"
    return RefusedError(413, detail, headers=CLOSE)
