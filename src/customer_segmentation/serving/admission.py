"""Who is let in: access and keys, how often, and how many at once."""

from __future__ import annotations

import os
import re
from http import HTTPStatus
from pathlib import Path

from customer_segmentation.serving.access import Route
from customer_segmentation.serving.asgi import Scope
from customer_segmentation.serving.keys import Key, Keys
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.rate_limit import RateLimit
from customer_segmentation.serving.settings import Settings

_LOOPBACK = rb"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?"
_HOST = re.compile(_LOOPBACK, re.IGNORECASE)
_ORIGIN = re.compile(rb"https?://" + _LOOPBACK, re.IGNORECASE)
_WITHOUT_KEY = frozenset({"open", "probe"})
# Holds the places of open routes.
_OPEN = "(open)"


class Admission:
    """Lets requests in, or refuses them.

    Open routes and those with a key have places of their own, and of several keys none gets more
    than half of the places, so that nobody can use up those of others. Probes need none: they
    wait for nothing.

    Args:
        keys: Who may ask.
        settings: Limits.
    """

    def __init__(self, keys: Keys, settings: Settings) -> None:
        self._keys = keys
        self._settings = settings
        shared = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        self._rates = RateLimit(Path(shared) if shared else None)
        self._places: dict[str, int] = {}
        self._total = 0
        self._host = b"localhost"
        self._is_local = settings.keys is None and not settings.behind_gateway

    def check(self, route: Route, scope: Scope, headers: dict[bytes, bytes]) -> Key | None:
        """Who asks; None where the route is for everybody.

        Raises:
            RefusedError: By a foreign name, nobody known, without the right, or too often.
        """
        if self._is_local:
            self._refuse_foreign(headers)
        if route.access in _WITHOUT_KEY:
            return None
        given = _key_of(headers)
        key = self._keys.find(given)
        if key is None:
            if rate := given and self._settings.wrong_keys_per_second:
                self._count(f"wrong {_address(scope)}", rate, "wrong keys")
            needs = {"www-authenticate": "Bearer"}
            detail = "give an API key: `Authorization: Bearer KEY`"
            raise RefusedError(HTTPStatus.UNAUTHORIZED, detail, headers=needs)
        if rate := self._settings.requests_per_second:
            client = f"key {key.name}" if key.sha256 else f"address {_address(scope)}"
            self._count(client, rate, "requests")
        if route.access != "known" and not key.may(route.access):
            raise RefusedError(HTTPStatus.FORBIDDEN, f"this key lacks the role `{route.access}`")
        return key

    def enter(self, route: Route, key: Key | None) -> str | None:
        """Take a place; gives what `leave` is told.

        Raises:
            RefusedError: There is none left.
        """
        if route.access == "probe":
            return None
        holder = _OPEN if key is None else key.name
        held = self._places.get(holder, 0)
        places = most = self._settings.most_waiting
        # Keys come and go.
        if key and len(self._keys.known) > 1:
            most = max(1, places // 2)
        if held >= most or (key and self._total >= places):
            busy = "the server is busy: ask again"
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, busy, headers={"retry-after": "1"})
        self._places[holder] = held + 1
        self._total += holder is not _OPEN
        return holder

    def leave(self, holder: str | None) -> None:
        """Give a place back."""
        if holder is not None:
            self._places[holder] -= 1
            self._total -= holder is not _OPEN

    def _refuse_foreign(self, headers: dict[bytes, bytes]) -> None:
        """Refuse what a page of another site sends: its name may lead to this machine.

        Raises:
            RefusedError: It was sent to another name than loopback's, or by another site.
        """
        host = headers.get(b"host", b"")
        # Most clients call it by one name.
        if host != self._host:
            if not _HOST.fullmatch(host):
                detail = (
                    "without keys it answers to 127.0.0.1, localhost and [::1] alone: ask one of "
                    "them, or start it with --keys"
                )
                raise RefusedError(HTTPStatus.MISDIRECTED_REQUEST, detail)
            self._host = host
        if b"origin" in headers and not _ORIGIN.fullmatch(headers[b"origin"]):
            detail = "without keys it answers to its own page alone, and this is another site's"
            raise RefusedError(HTTPStatus.FORBIDDEN, detail)

    def _count(self, client: str, rate: float, what: str) -> None:
        if wait := self._rates.take(client, rate):
            raise RefusedError(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"more than {rate:g} {what} a second",
                headers={"retry-after": str(max(1, round(wait)))},
            )


def _address(scope: Scope) -> str:
    return str((scope.get("client") or ("",))[0])


def _key_of(headers: dict[bytes, bytes]) -> str | None:
    scheme, _, key = headers.get(b"authorization", b"").partition(b" ")
    return key.decode("latin-1").strip() if scheme.lower() == b"bearer" else None
