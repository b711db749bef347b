"""Admission control: keys and roles, request rates, and concurrent requests."""

from __future__ import annotations

import os
import re
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
# Holds the slots of open routes.
_OPEN = "(open)"


class Admission:
    """Admits or refuses requests.

    Concurrent requests take slots. Open routes and routes with a key have separate slots, and with
    several keys none gets more than half of them, so that no client can use up those of others.
    Probes take none.

    Args:
        keys: API keys.
        settings: Limits.
    """

    def __init__(self, keys: Keys, settings: Settings) -> None:
        self._keys = keys
        self._settings = settings
        shared = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        self._rates = RateLimit(Path(shared) if shared else None)
        self._slots: dict[str, int] = {}
        self._total = 0
        self._is_local = settings.keys is None and not settings.behind_gateway

    def check(self, route: Route, scope: Scope, headers: dict[bytes, bytes]) -> Key | None:
        """The caller's key; None where the route needs none.

        Raises:
            RefusedError: For a foreign host or origin, an unknown key, a missing role, or too many
                requests.
        """
        if self._is_local:
            self._refuse_foreign(headers)
        if route.access in _WITHOUT_KEY:
            return None
        scheme, _, text = headers.get(b"authorization", b"").partition(b" ")
        given = text.decode("latin-1").strip() if scheme.lower() == b"bearer" else None
        key = self._keys.find(given)
        if key is None:
            if rate := given and self._settings.wrong_keys_per_second:
                self._count(f"wrong {_address(scope)}", rate, "wrong keys")
            needs = {"www-authenticate": "Bearer"}
            raise RefusedError(401, "give an API key: `Authorization: Bearer KEY`", headers=needs)
        if rate := self._settings.requests_per_second:
            client = f"key {key.name}" if key.sha256 else f"address {_address(scope)}"
            self._count(client, rate, "requests")
        if route.access != "known" and not key.may(route.access):
            raise RefusedError(403, f"this key lacks the role `{route.access}`")
        return key

    def enter(self, route: Route, key: Key | None) -> str | None:
        """Take a slot; the result is for `leave`.

        Raises:
            RefusedError: No slot is free.
        """
        if route.access == "probe":
            return None
        holder = _OPEN if key is None else key.name
        held = self._slots.get(holder, 0)
        slots = limit = self._settings.max_waiting
        # Looked up each time: the keys may change.
        if key and len(self._keys.known) > 1:
            limit = max(1, slots // 2)
        if held >= limit or (key and self._total >= slots):
            raise RefusedError(503, "the server is busy: try again", headers={"retry-after": "1"})
        self._slots[holder] = held + 1
        self._total += holder is not _OPEN
        return holder

    def leave(self, holder: str | None) -> None:
        """Free the slot."""
        if holder is not None:
            self._slots[holder] -= 1
            self._total -= holder is not _OPEN

    def _refuse_foreign(self, headers: dict[bytes, bytes]) -> None:
        """Refuse pages of other sites, whose host names may resolve to this machine.

        Raises:
            RefusedError: The host is not loopback, or the origin is another site.
        """
        if not _HOST.fullmatch(headers.get(b"host", b"")):
            raise RefusedError(
                421,
                "without keys the server answers only to 127.0.0.1, localhost and [::1]: use one "
                "of them, or start it with --keys",
            )
        if b"origin" in headers and not _ORIGIN.fullmatch(headers[b"origin"]):
            detail = "without keys the server answers only its own page, not other sites"
            raise RefusedError(403, detail)

    def _count(self, client: str, rate: float, what: str) -> None:
        if wait := self._rates.take(client, rate):
            headers = {"retry-after": str(max(1, round(wait)))}
            raise RefusedError(429, f"more than {rate:g} {what} per second", headers=headers)


def _address(scope: Scope) -> str:
    return str((scope.get("client") or ("",))[0])
