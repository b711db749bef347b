"""What a database says where it does not give its rows, in one message without a secret."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from customer_segmentation.errors import UserError

_LONGEST = 300


def failure(name: str, what: str, error: object = "", secrets: Iterable[str] = ()) -> UserError:
    """The error of a source.

    Args:
        name: Of the source.
        what: What is wrong, and what to do.
        error: As the client says it.
        secrets: What must not be shown, also not as part of a URL.
    """
    said = " ".join(str(error).split())[:_LONGEST]
    for secret in filter(None, secrets):
        for written in (secret, quote(secret, safe=""), quote_plus(secret)):
            said = said.replace(written, "***")
    return UserError(f"{name}: {what}" + (f" ({said})" if said else ""))
