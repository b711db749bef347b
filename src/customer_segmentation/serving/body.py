"""Bytes that come in: how many, and how long they may take."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from time import monotonic

from customer_segmentation.serving.asgi import Message, Receive
from customer_segmentation.serving.problems import RefusedError


async def read_body(
    receive: Receive, headers: dict[bytes, bytes], most: int, seconds: float
) -> bytes:
    """The whole body.

    Args:
        receive: Gives ASGI's messages.
        headers: Of the request.
        most: Bytes.
        seconds: For all of it.

    Raises:
        RefusedError: It is too large, or comes too slowly.
    """
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit() and int(declared) > most:
        raise _too_large(most)
    message = await soon(receive, seconds)
    if not message.get("more_body"):
        body: bytes = message.get("body", b"")
        if len(body) > most:
            raise _too_large(most)
        return body
    parts = [message.get("body", b"")]
    size = len(parts[0])
    ends = monotonic() + seconds
    while message.get("more_body"):
        message = await soon(receive, ends - monotonic())
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > most:
            raise _too_large(most)
    return b"".join(parts)


async def soon(receive: Receive, seconds: float) -> Message:
    """The next message, within so many seconds.

    Raises:
        RefusedError: It did not come, or the client went away.
    """
    try:
        async with asyncio.timeout(max(seconds, 0.0)):
            message = await receive()
    except TimeoutError as error:
        raise too_slow() from error
    if message["type"] == "http.disconnect":
        raise RefusedError(HTTPStatus.BAD_REQUEST, "the client went away")
    return message


def too_slow() -> RefusedError:
    """The refusal of a body that does not come, or a few bytes at a time."""
    detail = "the body came too slowly"
    return RefusedError(HTTPStatus.REQUEST_TIMEOUT, detail, headers={"connection": "close"})


def _too_large(most: int) -> RefusedError:
    detail = f"a body of more than {most} bytes: score many customers by POST /v1/jobs"
    # What is still on its way is not read.
    return RefusedError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, headers={"connection": "close"}
    )
