"""Events as AWS sends them, and the sample's customers as records of JSON."""

from __future__ import annotations

import base64
import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

SAMPLE = Path(__file__).parents[3] / "data" / "sample" / "customers.csv"
CONTEXT = SimpleNamespace(aws_request_id="4d9c6dca-0000-4000-8000-1a2b3c4d5e6f")


def request(body: str | bytes = "", query: str = "", **changed: Any) -> dict[str, Any]:
    """A request of an HTTP API, payload format 2.0; bytes are sent as base64."""
    path, method = changed.pop("path", "/v1/segments"), changed.pop("method", "POST")
    sent = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    return {
        "version": "2.0",
        "routeKey": "POST /v1/segments",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": method, "path": path}, "stage": "$default"},
        # API Gateway leaves out the body of a request that has none.
        **({"body": sent} if body else {}),
        "isBase64Encoded": isinstance(body, bytes),
        **changed,
    }


def messages(*bodies: str, **attributes: str) -> dict[str, Any]:
    """A batch of SQS, whose messages are `m0`, `m1`, ..."""
    told = {n: {"stringValue": v, "dataType": "String"} for n, v in attributes.items()}
    return {
        "Records": [
            {
                "messageId": f"m{number}",
                "receiptHandle": "none",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1"},
                "messageAttributes": told,
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-central-1:000000000000:customers",
            }
            for number, body in enumerate(bodies)
        ]
    }


def sample() -> list[dict[str, Any]]:
    """The shipped customers, in the published file's names."""
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    unknown = {"Z_CostContact", "Z_Revenue"}
    return [
        {n: _value(n, text) for n, text in row.items() if text and n not in unknown} for row in rows
    ]


def _value(name: str, text: str) -> Any:
    if name == "Dt_Customer":
        # In a file all rows together show which is the month; a record alone must say so.
        return "-".join(reversed(text.split("-")))
    return text if name in {"ID", "Education", "Marital_Status"} else json.loads(text)
