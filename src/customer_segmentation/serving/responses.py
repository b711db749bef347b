"""What the handlers behind Litestar's router answer with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from litestar import Request, Response

AnyRequest = Request[Any, Any, Any]
JSON, CSV = "application/json", "text/csv"


def json_response(value: object, **options: Any) -> Response[bytes]:  # noqa: ANN401 - Litestar's
    """A response whose body is the JSON of a value; options are those of `Response`."""
    return Response(msgspec.json.encode(value), media_type=JSON, **options)


def cached_response(
    request: AnyRequest,
    etag: str,
    body: Callable[[], bytes],
    *,
    media_type: str = JSON,
    headers: Mapping[str, str] | None = None,
) -> Response[bytes]:
    """A response that the client may keep, or 304 where it sent the same `ETag`.

    Args:
        request: May carry `If-None-Match`.
        etag: Of what is there now.
        body: Makes the body where it is needed.
        media_type: Of the body.
        headers: In addition to `ETag` and `Cache-Control: no-cache`, or in their place.
    """
    all_headers = {"etag": etag, "cache-control": "no-cache", **(headers or {})}
    if request.headers.get("if-none-match") == etag:
        return Response(b"", status_code=304, headers=all_headers)
    return Response(body(), media_type=media_type, headers=all_headers)
