"""Which route a path is, and who may use it: each route declares it, and it is judged once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from litestar.handlers import ASGIRouteHandler
from litestar.routes import BaseRoute

from customer_segmentation.serving.keys import ROLES, Role

# `probe`: open, and answered however busy the server is. `known`: anybody who has a key.
Access = Role | Literal["open", "probe", "known"]
_ACCESSES = (*ROLES, "open", "probe", "known")
# What a parameter of a path may be made of: percent codes only where slashes are allowed, too, and
# neither `.` nor `..`, which a proxy may take for a folder.
_SHAPES = {"str": rb"(?!\.\.?(?:/|\Z))[A-Za-z0-9._~-]+", "path": rb".+"}


@dataclass(frozen=True)
class Route:
    """A route as the guard sees it.

    Attributes:
        label: What measures and the log name it, without what its path names.
        access: Who may use it.
        methods: Those it answers, in alphabetical order.
        is_streamed: Its handler reads the body itself, a piece at a time.
        path: What the router is given for it; None for the path as it was sent.
        handler: An ASGI application that answers without the router; None for the router.
    """

    label: str
    access: Access
    methods: tuple[str, ...] = ()
    is_streamed: bool = False
    path: str | None = None
    handler: Any = None


# Whoever has no key is told nothing, not even that there is no such route.
UNKNOWN = Route("other", "known")


class Routes:
    """The routes of an application, by the exact path of a request.

    But for a slash at its end a path has one spelling: with a slash doubled, or a percent code in a
    fixed part, it is another path, and there is no such route. So nothing that stands in front
    reads a path in another way.

    Args:
        routes: Litestar's. Each handler's `opt` has `access`; `streams=True` where it reads the
            body itself; and an ASGI handler's `methods`.

    Raises:
        RuntimeError: A route does not declare who may use it.
    """

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        self._fixed: dict[bytes, Route] = {}
        self._patterns: list[tuple[re.Pattern[bytes], Route]] = []
        for route in routes:
            declared = _declared(route)
            if route.path_parameters:
                self._patterns.append((_pattern(route), declared))
            else:
                path = route.path.rstrip("/").encode()
                self._fixed |= dict.fromkeys((path or b"/", path + b"/"), declared)

    def find(self, raw_path: bytes) -> Route:
        """The route of a path as it was sent, still percent-coded."""
        if (found := self._fixed.get(raw_path)) is not None:
            return found
        return next((r for pattern, r in self._patterns if pattern.fullmatch(raw_path)), UNKNOWN)


def _declared(route: BaseRoute) -> Route:
    handlers: Sequence[Any] = getattr(route, "route_handlers", None) or [route.route_handler]  # type: ignore[attr-defined]
    # Litestar adds OPTIONS by itself, which is as open as what it tells of.
    options = [handler.opt for handler in handlers if handler.opt]
    accesses = {each.get("access") for each in options}
    if len(accesses) != 1 or not accesses <= set(_ACCESSES):
        message = f"{route.path}: declare one of {', '.join(_ACCESSES)} as access in its opt"
        raise RuntimeError(message)
    first = handlers[0]
    is_asgi = isinstance(first, ASGIRouteHandler)
    methods = {*(first.opt["methods"] if is_asgi else route.methods)}
    # The guard answers HEAD as GET, without the body.
    if "GET" in methods:
        methods.add("HEAD")
    return Route(
        label=_label(route.path),
        access=accesses.pop(),
        methods=tuple(sorted(methods)),
        is_streamed=any(each.get("streams") for each in options),
        # The router would read what is in it, slashes and all: the handler takes it as it was sent.
        path=_filled(route.path) if ":path}" in route.path else None,
        handler=first.fn if is_asgi else None,
    )


def _label(path: str) -> str:
    """A path to its first parameter, and no deeper than a resource: `/v1/jobs`."""
    return "/" + "/".join(path.partition("/{")[0].split("/")[1:3])


def _filled(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "-", path)


def _pattern(route: BaseRoute) -> re.Pattern[bytes]:
    parts = re.split(r"\{\w+:(\w+)\}", route.path)
    shapes = (_SHAPES[kind] for kind in parts[1::2])
    fixed = [re.escape(part.encode()) for part in parts[::2]]
    return re.compile(b"".join(f + s for f, s in zip(fixed, [*shapes, b"/?"], strict=True)))
