"""Requests of API Gateway's HTTP APIs, in its payload format 2.0."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from customer_segmentation.serving.aws_lambda.response import Reply
from customer_segmentation.serving.problems import RefusedError

_METHOD = "POST"


def is_request(event: Mapping[str, Any]) -> bool:
    """Whether an event is a request, rather than a customer."""
    return event.get("version") == "2.0" and "http" in (event.get("requestContext") or ())


def route_of(event: Mapping[str, Any], routes: Sequence[str]) -> str:
    """The route of a request.

    Args:
        event: API Gateway's.
        routes: Those that the function answers.

    Raises:
        RefusedError: It is of another path or method.
    """
    # A stage or a mapping may be before it.
    path: str = event["rawPath"].removesuffix("/")
    route = next((one for one in routes if path.endswith(one)), None)
    if route is None:
        told = " and ".join(routes)
        raise RefusedError(404, f"there is no such path: this function answers {told}")
    if event["requestContext"]["http"]["method"] != _METHOD:
        raise RefusedError(405, f"{route} answers {_METHOD}", headers={"allow": _METHOD})
    return route


def content_of(event: Mapping[str, Any]) -> bytes:
    """The body of a request.

    Raises:
        RefusedError: It is said to be base64, and is not.
    """
    sent: str = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return sent.encode()
    try:
        return base64.b64decode(sent, validate=True)
    except binascii.Error as error:
        raise RefusedError(400, "the body is said to be base64, and is not") from error


def caller_of(event: Mapping[str, Any]) -> str:
    """Who sent a request, as API Gateway has found: a role or a user, or the subject of a token.

    A session of a role is not told from the next one: it may have to send a request again.
    """
    authorizer = event["requestContext"].get("authorizer") or {}
    claims = (authorizer.get("jwt") or {}).get("claims") or {}
    arn: str = (authorizer.get("iam") or {}).get("userArn") or ""
    if ":assumed-role/" in arn:
        arn = arn.rpartition("/")[0]
    return str(claims.get("sub") or arn)


def response_of(reply: Reply) -> dict[str, Any]:
    """A reply as API Gateway takes it."""
    return {
        "statusCode": reply.status,
        "headers": dict(reply.headers),
        "body": reply.body.decode(),
        "isBase64Encoded": False,
    }
