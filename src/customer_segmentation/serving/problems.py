"""Errors as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec

from customer_segmentation.serving.validation import MAX_PROBLEMS, Problem

MEDIA_TYPE = "application/problem+json"
# Of a refusal after which the rest of the body is not read.
CLOSE = {"connection": "close"}
# Python 3.13 has other phrases for these, and a title is the same wherever the API runs.
_TITLES = {413: "Request Entity Too Large", 422: "Unprocessable Entity"}


class Details(msgspec.Struct, omit_defaults=True):
    """The body of an error; `errors` names every wrong field of a customer."""

    title: str
    status: int
    detail: str
    errors: list[Problem] = []


class RefusedError(Exception):
    """A request is refused, with the response that says why."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[Problem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        title = _TITLES.get(status) or HTTPStatus(status).phrase
        details = Details(title, status, detail, list(errors))
        self.body = msgspec.json.encode(details)
        self.headers = dict(headers or {})


def wrong_fields(problems: Sequence[Problem]) -> RefusedError:
    """The refusal of customers with wrong fields, of which it lists the first hundred."""
    fields = "a field is" if len(problems) == 1 else f"{len(problems)} fields are"
    cut = f"; the first {MAX_PROBLEMS} are listed" if len(problems) > MAX_PROBLEMS else ""
    return RefusedError(422, f"{fields} wrong{cut}", errors=problems[:MAX_PROBLEMS])
