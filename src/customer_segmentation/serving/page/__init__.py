"""The page at `/`: static files, each with an ETag of its content."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from litestar import Response, get
from litestar.params import FromPath

from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.responses import AnyRequest, cached_response

_START = "page.html"
_MEDIA_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}


@cache
def static_files() -> dict[str, tuple[bytes, str, str]]:
    """Name -> content, media type and ETag of each file of this package that is served."""
    served = {}
    for file in files(__package__).iterdir():
        if media_type := _MEDIA_TYPES.get(file.name[file.name.rfind(".") :]):
            content = file.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
            served[file.name] = content, media_type, etag
    return served


def page_routes() -> list[Any]:
    """`/` and the files below `/page`; they are the same for every server."""

    @get("/", opt={"access": "open"}, sync_to_thread=False)
    def start(request: AnyRequest) -> Response[bytes]:
        return _answer(request, _START)

    @get("/page/{name:str}", opt={"access": "open"}, sync_to_thread=False)
    def file(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
        if name == _START or name not in static_files():
            raise RefusedError(404, "the page has no such file")
        return _answer(request, name)

    return [start, file]


def _answer(request: AnyRequest, name: str) -> Response[bytes]:
    content, media_type, etag = static_files()[name]
    return cached_response(request, etag, lambda: content, media_type=media_type)
