"""An HTTP endpoint, such as a CRM's, as the receiver.

Each part is a POST of JSON lines with an `Idempotency-Key`. 2xx takes it; a body
`{"rejected": [{"customer_id": "7", "reason": "unknown"}]}` takes all but these. 408, 409, 425, 429
and 5xx, and a connection that breaks, are tried again; any other answer refuses the part.
"""

from __future__ import annotations

import http.client
import json
import random
import re
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Never

import pyarrow as pa

from customer_segmentation.delivery.bodies import as_ndjson
from customer_segmentation.delivery.refused import RefusedError
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import KEY

_TOO_MANY = 429
_LATER = frozenset({408, 409, 425, _TOO_MANY})
# Refusals of what was sent; whoever has taken it before repeats that answer instead.
_OF_CONTENT = frozenset({400, 413, 415, 422})
_SERVER_ERRORS = 500
_MULTI_STATUS = 207
# The classes of successes and of redirections.
_SUCCESS, _MOVED = 2, 3
# Of one attempt: to connect, and between two parts of the answer.
_TIMEOUT = 30.0
# Between attempts: doubled up to a minute, and half of it by chance.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
# Of the receiver's own words.
_WORDS, _LONGEST_BODY = 200, 16 * 2**20


@dataclass(frozen=True)
class Endpoint:
    """Where to post.

    Attributes:
        url: Without secrets.
        token: The bearer token; '' for none.
        wait: Seconds that it is waited for in all, for one part.
    """

    url: str
    token: str
    wait: float


@dataclass(frozen=True)
class _Reply:
    """What came back: a status, or, where there is none, what went wrong."""

    status: int
    body: bytes
    retry_after: str = ""
    fault: str = ""

    @property
    def is_later(self) -> bool:
        return bool(self.fault) or self.status in _LATER or self.status >= _SERVER_ERRORS

    @property
    def words(self) -> str:
        moved = ", elsewhere, where nothing is sent" if self.status // 100 == _MOVED else ""
        text = _printable(self.body[: 4 * _WORDS].decode(errors="replace"))
        return self.fault or f"answered {self.status}{moved}{f' ({text})' if text else ''}"


class HttpReceiver:
    """Posts parts one after another.

    Args:
        endpoint: Where.
        tell: Prints a line, while it is waited for.
    """

    def __init__(self, endpoint: Endpoint, tell: Callable[[str], None]) -> None:
        self.name = endpoint.url
        self._endpoint, self._tell = endpoint, tell
        # What is not encrypted stays on this machine.
        direct = [urllib.request.ProxyHandler({})] if endpoint.url.startswith("http:") else []
        self._opener = urllib.request.build_opener(_NoRedirect, *direct)

    def take(self, key: str, campaign: str, rows: pa.Table) -> Mapping[str, str]:
        """Post a part until there is an answer to it, or the wait is over.

        Raises:
            RefusedError: The answer is a refusal.
            UserError: There was none in time, or it cannot be understood.
        """
        request = self._request(key, as_ndjson(campaign, rows))
        until = time.monotonic() + self._endpoint.wait
        pause, is_certain = _FIRST_PAUSE, True
        while (reply := self._sent(request)).is_later:
            # Of any other attempt it may be that only the answer was lost.
            is_certain = is_certain and reply.status == _TOO_MANY
            # No secret: it keeps many senders apart.
            wait = _asked(reply) or pause * random.uniform(0.5, 1.0)  # noqa: S311
            if time.monotonic() + wait > until:
                self._give_up(reply)
            self._tell(f"{self.name} {reply.words}: the same is sent again in {wait:.0f} s")
            time.sleep(wait)
            pause = min(2.0 * pause, _LONGEST_PAUSE)
        if reply.status // 100 != _SUCCESS:
            is_final = reply.status in _OF_CONTENT
            raise RefusedError(reply.words, is_certain=is_certain, is_final=is_final)
        return _rejected(self.name, reply, {*rows[KEY].to_pylist()})

    def _request(self, key: str, body: bytes) -> urllib.request.Request:
        headers = {
            "Content-Type": "application/x-ndjson",
            "Accept": "application/json",
            "Idempotency-Key": key,
            "User-Agent": "customer-segmentation",
        }
        if self._endpoint.token:
            headers["Authorization"] = f"Bearer {self._endpoint.token}"
        return urllib.request.Request(  # noqa: S310 - only http and https come here
            self._endpoint.url, data=body, headers=headers, method="POST"
        )

    def _sent(self, request: urllib.request.Request) -> _Reply:
        """One attempt.

        Raises:
            UserError: Nothing would be gained by another one.
        """
        try:
            return self._answered(request)
        except urllib.error.URLError as error:
            self._require_hope(error.reason)
            return _Reply(0, b"", fault=f"cannot be reached ({error.reason})")
        except (OSError, http.client.HTTPException) as error:
            why = str(error) or type(error).__name__
            return _Reply(0, b"", fault=f"broke off ({why})")

    def _answered(self, request: urllib.request.Request) -> _Reply:
        try:
            answer = self._opener.open(request, timeout=_TIMEOUT)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            body = answer.read(_LONGEST_BODY + 1)
        if self._endpoint.token:
            # Whoever repeats what they were sent must not have it logged.
            body = body.replace(self._endpoint.token.encode(), b"***")
        return _Reply(answer.status, body, answer.headers.get("Retry-After") or "")

    def _require_hope(self, reason: object) -> None:
        if isinstance(reason, ssl.SSLCertVerificationError):
            message = f"{self.name}: its certificate is not trusted ({reason.verify_message})"
            raise UserError(f"{message}: nothing was sent") from reason
        if isinstance(reason, socket.gaierror) and reason.errno == socket.EAI_NONAME:
            raise UserError(f"{self.name}: there is no host of this name") from reason

    def _give_up(self, reply: _Reply) -> Never:
        asked = f", and asks to wait {_asked(reply):.0f} s" if _asked(reply) else ""
        raise UserError(
            f"{self.name} {reply.words}{asked}; it was waited for up to {self._endpoint.wait:.0f} s"
        )


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Customers go to the address that was named, and to no other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - as its base has it
        """None: the redirection is the answer."""
        return


def _asked(reply: _Reply) -> float:
    """The seconds that `Retry-After` asks for; 0 if it does not."""
    text = reply.retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
        return max(moment.timestamp() - time.time(), 0.0)
    except (TypeError, ValueError):
        return 0.0


def _rejected(name: str, reply: _Reply, sent: set[str]) -> Mapping[str, str]:
    """Whom an answer of success leaves out: id -> why.

    Raises:
        UserError: It names others than were sent, or says that some are left out and not who.
    """
    unclear = f"{name} answered {reply.status}, and nobody can tell whom it took"
    if len(reply.body) > _LONGEST_BODY:
        raise UserError(f"{unclear}: its answer is longer than {_LONGEST_BODY // 2**20} MiB")
    try:
        told = json.loads(reply.body)
    except (ValueError, RecursionError):
        told = None
    has_list = isinstance(told, dict) and isinstance(told.get("rejected"), list)
    if not isinstance(told, dict) or not has_list:
        if reply.status == _MULTI_STATUS or (isinstance(told, dict) and "rejected" in told):
            raise UserError(f'{unclear}: it has no list "rejected"')
        return {}
    found: dict[str, str] = {}
    for each in told["rejected"]:
        named = each if isinstance(each, dict) else {KEY: each}
        customer = str(named.get(KEY, ""))
        found[customer] = _reason(str(named.get("reason") or "not said why"), customer)
    if strangers := sorted(found.keys() - sent):
        raise UserError(f"{unclear}: it rejects {_printable(repr(strangers[0]))}, who was not sent")
    return found


def _reason(text: str, customer: str) -> str:
    """The receiver's words without the id, so that equal reasons are counted as one."""
    named = rf"(?<!\w){re.escape(customer)}(?!\w)"
    return _printable(re.sub(named, "[id]", text) if customer else text)


def _printable(text: str) -> str:
    words = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return f"{words[: _WORDS - 3]}..." if len(words) > _WORDS else words
