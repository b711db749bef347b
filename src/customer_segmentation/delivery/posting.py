"""What is sent by HTTP: posted with a key until there is an answer, or until the wait is over."""

from __future__ import annotations

import http.client
import random
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Never

from customer_segmentation.delivery.refused import RefusedError
from customer_segmentation.errors import UserError

_TOO_MANY = 429
_LATER = frozenset({408, 409, 425, _TOO_MANY})
# Refusals of what was sent; whoever has taken it before repeats that answer instead.
_OF_CONTENT = frozenset({400, 413, 415, 422})
_SERVER_ERRORS = 500
# The classes of successes and of redirections.
_SUCCESS, _MOVED = 2, 3
# Of one attempt: to connect, and between two parts of the answer.
_TIMEOUT = 30.0
# Between attempts: doubled up to a minute, and half of it by chance.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
LONGEST_BODY = 16 * 2**20
# Of somebody else's own words.
_WORDS = 200


@dataclass(frozen=True)
class Endpoint:
    """Where to post.

    Attributes:
        url: Without secrets, unless `shown` stands for it in messages.
        token: The bearer token; '' for none.
        wait: Seconds that it is waited for in all, for one body.
        shown: What messages have in place of the URL.
    """

    url: str
    token: str
    wait: float
    shown: str = ""

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.shown or self.url


@dataclass(frozen=True)
class Reply:
    """What came back: a status, or, where there is none, what went wrong.

    Attributes:
        status: HTTP's; 0 where there is none.
        body: What came with it.
        retry_after: The header.
        fault: What went wrong.
    """

    status: int
    body: bytes
    retry_after: str = ""
    fault: str = ""

    @property
    def is_later(self) -> bool:
        """Whether the same may be taken later."""
        return bool(self.fault) or self.status in _LATER or self.status >= _SERVER_ERRORS

    @property
    def words(self) -> str:
        """What is told of it."""
        moved = ", elsewhere, where nothing is sent" if self.status // 100 == _MOVED else ""
        text = printable(self.body[: 4 * _WORDS].decode(errors="replace"))
        return self.fault or f"answered {self.status}{moved}{f' ({text})' if text else ''}"


class Poster:
    """Posts one body after another.

    Args:
        endpoint: Where.
        tell: Prints a line, while it is waited for.
    """

    def __init__(self, endpoint: Endpoint, tell: Callable[[str], None]) -> None:
        self._endpoint, self._tell = endpoint, tell
        # What is not encrypted stays on this machine.
        direct = [urllib.request.ProxyHandler({})] if endpoint.url.startswith("http:") else []
        self._opener = urllib.request.build_opener(_NoRedirect, *direct)

    def post(self, key: str, body: bytes, media_type: str) -> Reply:
        """Post until there is an answer of success, or the wait is over.

        Args:
            key: What arrives a second time under it is to change nothing.
            body: What is sent.
            media_type: Of what kind it is.

        Raises:
            RefusedError: The answer is a refusal.
            UserError: There was none in time.
        """
        request = self._request(key, body, media_type)
        until = time.monotonic() + self._endpoint.wait
        pause, is_certain = _FIRST_PAUSE, True
        while (reply := self._sent(request)).is_later:
            # Of any other attempt it may be that only the answer was lost.
            is_certain = is_certain and reply.status == _TOO_MANY
            # No secret: it keeps many senders apart.
            wait = _asked(reply) or pause * random.uniform(0.5, 1.0)  # noqa: S311
            if time.monotonic() + wait > until:
                self._give_up(reply)
            told = f"{self._endpoint.name} {reply.words}"
            self._tell(f"{told}: the same is sent again in {wait:.0f} s")
            time.sleep(wait)
            pause = min(2.0 * pause, _LONGEST_PAUSE)
        if reply.status // 100 != _SUCCESS:
            is_final = reply.status in _OF_CONTENT
            raise RefusedError(reply.words, is_certain=is_certain, is_final=is_final)
        return reply

    def _request(self, key: str, body: bytes, media_type: str) -> urllib.request.Request:
        headers = {
            "Content-Type": media_type,
            "Accept": "application/json",
            "Idempotency-Key": key,
            "User-Agent": "customer-segmentation",
        }
        if self._endpoint.token:
            headers["Authorization"] = f"Bearer {self._endpoint.token}"
        return urllib.request.Request(  # noqa: S310 - only http and https come here
            self._endpoint.url, data=body, headers=headers, method="POST"
        )

    def _sent(self, request: urllib.request.Request) -> Reply:
        """One attempt.

        Raises:
            UserError: Nothing would be gained by another one.
        """
        try:
            return self._answered(request)
        except urllib.error.URLError as error:
            self._require_hope(error.reason)
            return Reply(0, b"", fault=f"cannot be reached ({error.reason})")
        except (OSError, http.client.HTTPException) as error:
            why = str(error) or type(error).__name__
            return Reply(0, b"", fault=f"broke off ({why})")

    def _answered(self, request: urllib.request.Request) -> Reply:
        try:
            answer = self._opener.open(request, timeout=_TIMEOUT)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            body = answer.read(LONGEST_BODY + 1)
        if self._endpoint.token:
            # Whoever repeats what they were sent must not have it logged.
            body = body.replace(self._endpoint.token.encode(), b"***")
        return Reply(answer.status, body, answer.headers.get("Retry-After") or "")

    def _require_hope(self, reason: object) -> None:
        if isinstance(reason, ssl.SSLCertVerificationError):
            message = (
                f"{self._endpoint.name}: its certificate is not trusted ({reason.verify_message})"
            )
            raise UserError(f"{message}: nothing was sent") from reason
        if isinstance(reason, socket.gaierror) and reason.errno == socket.EAI_NONAME:
            raise UserError(f"{self._endpoint.name}: there is no host of this name") from reason

    def _give_up(self, reply: Reply) -> Never:
        asked = f", and asks to wait {_asked(reply):.0f} s" if _asked(reply) else ""
        waited = f"it was waited for up to {self._endpoint.wait:.0f} s"
        raise UserError(f"{self._endpoint.name} {reply.words}{asked}; {waited}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """What is sent goes to the address that was named, and to no other."""

    def redirect_request(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - as its base has it
        """None: the redirection is the answer."""
        return


def _asked(reply: Reply) -> float:
    """The seconds that `Retry-After` asks for; 0 if it does not."""
    text = reply.retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
        return max(moment.timestamp() - time.time(), 0.0)
    except (TypeError, ValueError):
        return 0.0


def printable(text: str) -> str:
    """Somebody else's words in one short line."""
    words = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return f"{words[: _WORDS - 3]}..." if len(words) > _WORDS else words
