"""Where a list can go, by its address: an HTTP endpoint, a folder, or a prefix of a bucket."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

import pyarrow as pa

from customer_segmentation.delivery.files import FileReceiver
from customer_segmentation.delivery.http import HttpReceiver
from customer_segmentation.delivery.posting import Endpoint
from customer_segmentation.errors import UserError

TOKEN, WAIT = "SEGMENTATION_RECEIVER_TOKEN", "SEGMENTATION_RECEIVER_WAIT"
# Seconds that a receiver which is down or busy is waited for, in all, for one part.
_DEFAULT_WAIT = 300.0


class Receiver(Protocol):
    """What takes the parts of a delivery, each once for its key."""

    name: str

    def take(self, key: str, campaign: str, rows: pa.Table) -> Mapping[str, str]:
        """Send a part; returns whom the receiver rejected: id -> why.

        Args:
            key: Of the part: what arrives a second time under it changes nothing.
            campaign: Its name.
            rows: At least one, as `records.ROWS`.

        Raises:
            RefusedError: The receiver does not take it, and would not at another attempt.
            UserError: It is down, or its answer cannot be understood: the same may be sent again.
        """


def receiver_of(place: str, tell: Callable[[str], None]) -> Receiver:
    """The receiver at an address.

    Args:
        place: `https://...`, `http://...` on this machine, `s3://bucket/prefix`, or a folder.
        tell: Prints a line, while it is waited for.

    Raises:
        UserError: It is no such address.
    """
    scheme, separator, rest = place.partition("://")
    if not place.strip():
        raise UserError("--to is empty: name an https:// address, an s3:// prefix or a folder")
    if not separator:
        return FileReceiver(str(Path(place).absolute()))
    if scheme in {"s3", "s3a"} and rest.strip("/"):
        return FileReceiver(f"s3://{rest.rstrip('/')}")
    if scheme in {"http", "https"}:
        return HttpReceiver(_endpoint(place), tell)
    raise UserError(
        f"--to {scheme}://: a list goes to an https:// address, an s3://bucket/prefix or a folder"
    )


def _endpoint(place: str) -> Endpoint:
    parts = _split(place)
    if parts.username or parts.password or parts.query or parts.fragment:
        # Not shown: it may hold a secret.
        raise UserError(
            f"--to {parts.scheme}://{parts.hostname}: an address with a name, a password, a query "
            f"or a fragment would stand in logs: leave it out, and set {TOKEN} to the receiver's "
            "bearer token"
        )
    if parts.scheme == "http" and not is_here(parts.hostname or ""):
        raise UserError(
            f"--to {place}: customers would be sent without encryption: use https://, or have a "
            "proxy on this machine encrypt what is sent to it"
        )
    token = token_of(TOKEN)
    text = os.environ.get(WAIT, "")
    try:
        wait = float(text) if text else _DEFAULT_WAIT
    except ValueError as error:
        raise UserError(f"{WAIT} is {text!r}: set it to a number of seconds") from error
    if not 0.0 <= wait < float("inf"):
        raise UserError(f"{WAIT} is {text!r}: set it to a number of seconds")
    return Endpoint(place, token, wait)


def token_of(name: str) -> str:
    """The token in an environment variable; '' for none.

    Raises:
        UserError: It can be none.
    """
    token = os.environ.get(name, "")
    if any(not "!" <= sign <= "~" for sign in token):
        raise UserError(f"{name} holds a space, a line end or another sign that no token has")
    return token


def _split(place: str) -> SplitResult:
    try:
        parts = urlsplit(place)
        _ = parts.port
    except ValueError as error:
        raise UserError(f"--to: no address: {error}") from error
    if not parts.hostname or any(sign.isspace() or not sign.isprintable() for sign in place):
        raise UserError(f"--to {parts.scheme}://: the address names no host, or holds a space")
    return parts


def is_here(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
