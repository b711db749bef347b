"""Which route a path belongs to, and who may use it, as each route declares."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from litestar.handlers import ASGIRouteHandler
from litestar.routes import BaseRoute

from customer_segmentation.serving.keys import ROLES, Role

# `probe`: open, and answered even when the server is busy. `known`: any key.
Access = Role | Literal["open", "probe", "known"]
_ACCESSES = (*ROLES, "open", "probe", "known")
# What a path parameter may contain. Percent-encoding is allowed only where slashes are; `.` and
# `..` are not, since a proxy may resolve them.
_SHAPES = {"str": rb"(?!\.\.?(?:/|\Z))[A-Za-z0-9._~-]+", "path": rb".+"}


@dataclass(frozen=True)
class Route:
    """A route as the guard sees it.

    Attributes:
        label: Its name in metrics and logs, without path parameters.
        access: Who may use it.
        methods: In alphabetical order.
        is_streamed: The handler reads the body itself, in pieces.
        path: What the router gets; None for the path as sent.
        handler: An ASGI application that bypasses the router; None for the router.
    """

    label: str
    access: Access
    methods: tuple[str, ...] = ()
    is_streamed: bool = False
    path: str | None = None
    handler: Any = None


# Without a key, not even 404 is answered.
UNKNOWN = Route("other", "known")


class Routes:
    """The routes of an application, by the exact path of a request.

    Apart from a trailing slash, a path has one spelling: doubled slashes or percent-encoded fixed
    parts match no route. So a proxy in front cannot interpret a path differently.

    Args:
        routes: Litestar's. Each handler's `opt` has `access`, `streams=True` where the handler
            reads the body itself, and `methods` for an ASGI handler.

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
                # The more of a path is fixed, the sooner it is tried.
                self._patterns.sort(key=lambda each: -len(each[0].pattern))
            else:
                path = route.path.rstrip("/").encode()
                self._fixed |= dict.fromkeys((path or b"/", path + b"/"), declared)

    def find(self, raw_path: bytes, method: str = "") -> Route:
        """The route of a path as sent, still percent-encoded.

        Args:
            raw_path: The path.
            method: Of several routes, the first that answers it; else the first.
        """
        routes = self._matching(raw_path)
        first = next(routes, UNKNOWN)
        if method in first.methods:
            return first
        return next((route for route in routes if method in route.methods), first)

    def _matching(self, raw_path: bytes) -> Iterator[Route]:
        if fixed := self._fixed.get(raw_path):
            yield fixed
        yield from (route for pattern, route in self._patterns if pattern.fullmatch(raw_path))


def _declared(route: BaseRoute) -> Route:
    handlers: Sequence[Any] = getattr(route, "route_handlers", None) or [route.route_handler]  # type: ignore[attr-defined]
    # Litestar's own OPTIONS handlers have no `opt`.
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
        # The first two parts of the path, without parameters: `/v1/jobs`.
        label=first.opt.get("label")
        or "/" + "/".join(route.path.partition("/{")[0].split("/")[1:3]),
        access=accesses.pop(),
        methods=tuple(sorted(methods)),
        is_streamed=any(each.get("streams") for each in options),
        # The router would split the parameter at its slashes; the handler reads the raw path.
        path=re.sub(r"\{[^}]*\}", "-", route.path) if ":path}" in route.path else None,
        handler=first.fn if is_asgi else None,
    )


def _pattern(route: BaseRoute) -> re.Pattern[bytes]:
    parts = re.split(r"\{\w+:(\w+)\}", route.path)
    shapes = (_SHAPES[kind] for kind in parts[1::2])
    fixed = [re.escape(part.encode()) for part in parts[::2]]
    return re.compile(b"".join(f + s for f, s in zip(fixed, [*shapes, b"/?"], strict=True)))
