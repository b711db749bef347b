"""Land what is sent, and say so or why not: the HTTP API and the function of AWS Lambda do by this.

Neither's libraries are needed here.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import Literal

import msgspec

from customer_segmentation.errors import UserError
from customer_segmentation.serving.idempotency import require_idempotency_key
from customer_segmentation.serving.ingestion.objects import LINES, read_objects
from customer_segmentation.serving.ingestion.outcomes import require_outcomes
from customer_segmentation.serving.ingestion.targets import OtherBodyError, Target
from customer_segmentation.serving.problems import CLOSE, RefusedError

logger = logging.getLogger(__name__)

Kind = Literal["events", "records", "outcomes"]
# Until the client is told to send it again; what is under way may still land.
SECONDS = 10.0
FEWER = "send fewer objects at a time"
# Of an answer, which is its caller's own.
PRIVATE = {"cache-control": "private, no-store"}
_JSON = "application/json"


class Receipt(msgspec.Struct):
    """What was landed: all objects of the request.

    `receipt` names the file or the messages; the same `Idempotency-Key` gives the same one.
    """

    receipt: str
    objects: int


@dataclass(frozen=True)
class Sent:
    """What the headers of a request say of its body.

    Attributes:
        kind: Of the objects.
        media_type: Without its parameters.
        claim: What its Idempotency-Key stands for; '' without one.
    """

    kind: Kind
    media_type: str
    claim: str


def sent_as(kind: Kind, caller: str, content_type: str | None, key: str | None) -> Sent:
    """What is sent, as a request's headers say.

    Args:
        kind: Of the objects.
        caller: Who sends: the same key of another caller is another key.
        content_type: The header.
        key: The header `Idempotency-Key`.

    Raises:
        RefusedError: The media type is not taken, or the key is empty or too long.
    """
    media_type = (content_type or _JSON).partition(";")[0].strip().lower()
    if media_type not in {_JSON, *LINES}:
        detail = f"send {_JSON}, or {LINES[0]} with an object a line"
        raise RefusedError(415, detail, headers=CLOSE)
    if key is None:
        return Sent(kind, media_type, "")
    require_idempotency_key(key)
    claim = hashlib.sha256(f"{kind}\n{caller}\n{key}".encode()).hexdigest()
    return Sent(kind, media_type, claim)


def land(target: Target, body: bytes, sent: Sent, keys: tuple[str, ...]) -> Receipt:
    """Land the objects of a body; returns once they last.

    Args:
        target: Where.
        body: As sent.
        sent: What its headers say.
        keys: The names under which an object may have the customer's key.

    Raises:
        RefusedError: The body cannot be landed.
        Exception: The target's; `refusal` says what it means to the caller.
    """
    objects = read_objects(body, sent.media_type, keys)
    if sent.kind == "outcomes":
        require_outcomes(objects, keys)
    return Receipt(target.put(objects, sent.claim), len(objects.lines))


def refusal(kind: Kind, error: Exception) -> RefusedError:
    """What a caller is told of an error of a target, or of its taking too long."""
    if isinstance(error, OtherBodyError):
        detail = "this Idempotency-Key was used for other objects: take another"
        return RefusedError(422, detail)
    if isinstance(error, TimeoutError):
        return later("what keeps them does not answer in time")
    # A store may raise anything; its words may name machines, and go to the log.
    logger.error("%s were not landed: %s", kind, _told(error))
    return later("what keeps them cannot be reached")


def later(why: str) -> RefusedError:
    """The refusal of what may be sent again."""
    detail = f"{why}: send it again, with the same Idempotency-Key"
    return RefusedError(503, detail, headers={"retry-after": "5", **CLOSE})


def _told(error: Exception) -> str:
    is_ours = isinstance(error, UserError | OSError)
    return str(error) if is_ours else f"{type(error).__name__}: {error}"
