"""The function that scores customers: `handle` takes requests, messages and plain invocations.

A request of API Gateway (HTTP API, payload format 2.0) gets the API's response. A batch of SQS gets
answers in the results. Any other event is a customer or a list of them, as a body of the API is,
and the answer is the API's, or its problem details.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from customer_segmentation.serving.aws_lambda.gateway import (
    content_of,
    is_request,
    response_of,
    route_of,
)
from customer_segmentation.serving.aws_lambda.queue import RESULTS, Put, reply_to_messages
from customer_segmentation.serving.aws_lambda.queue import results_at as _results_at
from customer_segmentation.serving.aws_lambda.reply import Body, Replies
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.settings import PREFIX, read_settings

# Where Lambda unpacks the zip.
_ROOT = "LAMBDA_TASK_ROOT"
BUNDLE = "bundle"
_ROUTE = "/v1/segments"


def handle(event: Any, context: Any) -> Any:  # noqa: ANN401 - JSON; Lambda's
    """Answer an event.

    Raises:
        RuntimeError: A plain invocation has no answer because of the function, not of the event.
        UserError: Messages came, and nothing says where answers go.
    """
    if isinstance(event, dict) and is_request(event):
        request_id = context.aws_request_id
        return response_of(_replies().reply(lambda: _sent(event), request_id, is_request=True))
    if isinstance(event, dict) and _is_batch(event):
        return reply_to_messages(event, _replies(), _results())
    reply = _replies().reply(lambda: _body(event), context.aws_request_id)
    if reply.is_fault:
        # As an error: who invokes without waiting has Lambda try again.
        raise RuntimeError(reply.body.decode())
    return msgspec.json.decode(reply.body)


def _is_batch(event: dict[str, Any]) -> bool:
    records = event.get("Records")
    first = records[0] if isinstance(records, list) and records else None
    return isinstance(first, dict) and first.get("eventSource") == "aws:sqs"


def _sent(event: dict[str, Any]) -> Body:
    route_of(event, [_ROUTE])
    return Body(content_of(event), event.get("rawQueryString") or "")


def _body(event: Any) -> Body:  # noqa: ANN401 - JSON
    try:
        return Body(msgspec.json.encode(event))
    # A whole number of more than 64 bits.
    except OverflowError as error:
        raise RefusedError(400, f"not JSON that can be read: {error}") from error


@cache
def _replies() -> Replies:
    in_zip = str(Path(os.environ.get(_ROOT, "")) / BUNDLE)
    # Looking each second, as a server does, would cost an event more than its answer.
    defaults = {"bundle": in_zip, "look_seconds": "60"}
    given = {name: os.environ.get(PREFIX + name.upper()) for name in defaults}
    return Replies(read_settings({name: given[name] or defaults[name] for name in defaults}))


@cache
def _results() -> Put:
    return _results_at(os.environ.get(RESULTS, ""))


if _ROOT in os.environ:
    # Before the first event: a function that starts has more of the processor.
    _replies().load()
