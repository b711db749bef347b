"""The function that takes events, records and outcomes: `handle` answers requests of API Gateway.

It lands objects below a prefix of the lake, by the code and in the words of the API's own routes,
and answers once they last. API Gateway says who sends.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from time import perf_counter
from typing import Any

import msgspec

from customer_segmentation.errors import UserError
from customer_segmentation.serving.aws_lambda.bucket import S3, use_boto3
from customer_segmentation.serving.aws_lambda.gateway import (
    caller_of,
    content_of,
    response_of,
    route_of,
)
from customer_segmentation.serving.aws_lambda.metrics import embedded
from customer_segmentation.serving.aws_lambda.response import replied
from customer_segmentation.serving.body import too_large
from customer_segmentation.serving.idempotency import HEADER
from customer_segmentation.serving.ingestion.taking import (
    FEWER,
    PRIVATE,
    SECONDS,
    Kind,
    Receipt,
    land,
    refusal,
    sent_as,
)
from customer_segmentation.serving.ingestion.targets import Target, target_of
from customer_segmentation.serving.problems import RefusedError
from customer_segmentation.serving.settings import Settings, read_settings

# The names under which an object may have the customer's key, as a list of JSON.
KEYS = "SEGMENTATION_CUSTOMER_KEYS"
_ROUTES: Mapping[str, Kind] = {
    "/v1/events": "events",
    "/v1/records": "records",
    "/v1/outcomes": "outcomes",
}
# One more than wait for an answer: what was too slow must not hold up what comes next.
_AT_ONCE = 4


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401 - Lambda's
    """Take the objects of a request."""
    started = perf_counter()
    told: dict[str, Any] = {"kind": "", "objects": 0}

    def answer(headers: dict[str, str]) -> bytes:
        kind = _ROUTES[route_of(event, [*_ROUTES])]
        told["kind"] = kind
        receipt = _taken(kind, event)
        told["objects"] = receipt.objects
        headers |= PRIVATE
        return msgspec.json.encode(receipt)

    reply = replied(answer, context.aws_request_id, 202)
    seconds = round(perf_counter() - started, 6)
    line = {
        "request_id": context.aws_request_id,
        "status": reply.status,
        "seconds": seconds,
        **told,
        **embedded("ingestion", reply.status, seconds, told["objects"]),
    }
    print(json.dumps(line), flush=True)  # noqa: T201 - Lambda keeps what is written
    return response_of(reply)


def _taken(kind: Kind, event: dict[str, Any]) -> Receipt:
    """What was landed.

    Raises:
        RefusedError: Nothing was, or nothing that is known to last.
    """
    target = _targets()[kind]
    if target is None:
        setting = f"SEGMENTATION_SERVING_INGEST_{kind.upper()}"
        raise RefusedError(404, f"this function takes no {kind}: set {setting} to s3://bucket/...")
    headers = event.get("headers") or {}
    sent = sent_as(kind, caller_of(event), headers.get("content-type"), headers.get(HEADER))
    body = content_of(event)
    if len(body) > (most := _settings().max_body):
        raise too_large(most, FEWER)
    landing = _threads().submit(land, target, body, sent, _keys())
    try:
        return landing.result(SECONDS)
    except RefusedError:
        raise
    except Exception as error:
        raise refusal(kind, error) from error


@cache
def _settings() -> Settings:
    return read_settings({})


@cache
def _targets() -> dict[Kind, Target | None]:
    """Where each kind lands, by the server's own settings."""
    places: dict[Kind, str] = {
        "events": _settings().ingest_events,
        "records": _settings().ingest_records,
        "outcomes": _settings().ingest_outcomes,
    }
    if any(place.startswith(f"{S3}://") for place in places.values()):
        use_boto3()
    return {kind: target_of(f"ingest-{kind}", place) for kind, place in places.items()}


@cache
def _keys() -> tuple[str, ...]:
    try:
        return tuple(msgspec.json.decode(os.environ.get(KEYS, ""), type=list[str]))
    except msgspec.DecodeError as error:
        raise UserError(f'{KEYS}: write a list of JSON, such as ["ID", "customer_id"]') from error


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_AT_ONCE, "landing")


if "LAMBDA_TASK_ROOT" in os.environ:
    # Before the first event: a function that starts has more of the processor.
    _targets()
