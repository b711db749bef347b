"""What a function replies: an answer, or problem details."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from customer_segmentation.serving.problems import MEDIA_TYPE, RefusedError

logger = logging.getLogger(__name__)

_OK, _FAILED = 200, 500


@dataclass(frozen=True)
class Reply:
    """A reply.

    Attributes:
        status: HTTP's.
        body: JSON: what the API answers, or its problem details.
        headers: Of a response, in lower case.
    """

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def is_fault(self) -> bool:
        """Whether the function is at fault, so that the same body may be answered later."""
        return self.status >= _FAILED


def replied(answer: Callable[[dict[str, str]], bytes], request_id: str, status: int = _OK) -> Reply:
    """The reply that an answer makes, or its refusal.

    Args:
        answer: Gives JSON, and may add to the headers; or raises RefusedError.
        request_id: For the log, and in the response.
        status: Of an answer.
    """
    headers = {"x-request-id": request_id, "x-content-type-options": "nosniff"}
    try:
        content = answer(headers)
        return Reply(status, content, headers | {"content-type": "application/json"})
    except RefusedError as refused:
        return _refusal(refused, headers)
    except Exception:
        logger.exception("request %s failed", request_id)
        told = "the function failed: see its log for this request's id"
        return _refusal(RefusedError(_FAILED, told), headers)


def _refusal(refused: RefusedError, headers: Mapping[str, str]) -> Reply:
    told = {name: value for name, value in refused.headers.items() if name != "connection"}
    return Reply(refused.status, refused.body, {**headers, **told, "content-type": MEDIA_TYPE})
