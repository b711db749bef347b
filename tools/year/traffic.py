"""Requests of a month to a real server: customers to be segmented, outcomes of its campaign."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.customers.quarantine import map_headers
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import AS_OF
from customer_segmentation.schema.schema import Schema
from tools.year.market import Month

Record = dict[str, Any]

A_REQUEST = 10
# More are refused.
_AT_ONCE = 1_000
_OUTCOMES_A_REQUEST = 500
# Days from a contact to its answer.
_ANSWERED_AFTER = 5


def records(month: Month, schema: Schema) -> list[Record]:
    """The customers as a caller sends them: canonical names, without the answer that is asked for.

    Args:
        month: Whose customers.
        schema: Theirs.
    """
    mapped = map_headers([*month.columns], schema)
    names = [name for name in mapped if not schema.columns[name].outcome]
    names += [name for name in mapped if name not in names and schema.is_known_before(name)]
    kinds = [schema.columns[name].kind for name in names]
    columns = [month.columns[mapped[name]].tolist() for name in names]
    return [
        {AS_OF: month.day.isoformat()}
        | {
            name: _written(kind, value)
            for name, kind, value in zip(names, kinds, row, strict=True)
            if value == value  # noqa: PLR0124 - NaN
        }
        for row in zip(*columns, strict=True)
    ]


def ask(client: httpx.Client, customers: Sequence[Record]) -> int:
    """Have customers segmented, some a request.

    Returns:
        How many requests that took.

    Raises:
        UserError: One is refused.
    """
    parts = [*_parts(customers, A_REQUEST)]
    for some in parts:
        _posted(client, "/v1/segments", some)
    return len(parts)


def answers(client: httpx.Client, customers: Sequence[Record]) -> list[Any]:
    """What the server says of customers now.

    Raises:
        UserError: One is refused.
    """
    found: list[Any] = []
    for some in _parts(customers, _AT_ONCE):
        found += _posted(client, "/v1/segments", some).json()
    return found


def is_ready(client: httpx.Client) -> bool:
    """Whether the server takes requests."""
    try:
        return client.get("/readyz").is_success
    except httpx.HTTPError:
        return False


def send_outcomes(
    client: httpx.Client, month: Month, campaign: str, answered: NDArray[np.object_]
) -> int:
    """Send who answered; who did not is not sent.

    Raises:
        UserError: They are refused.
    """
    happened = (month.day + timedelta(days=_ANSWERED_AFTER)).isoformat()
    outcomes = [
        {
            "outcome_id": f"{campaign}-{customer}",
            "customer_id": customer,
            "campaign": campaign,
            "answered": 1,
            "happened_at": f"{happened}T12:00:00Z",
        }
        for customer in answered.tolist()
    ]
    for number, some in enumerate(_parts(outcomes, _OUTCOMES_A_REQUEST)):
        key = {"Idempotency-Key": f"{campaign}-{number}"}
        _posted(client, "/v1/outcomes", some, key)
    return len(outcomes)


def _posted(
    client: httpx.Client, path: str, objects: list[Record], headers: Mapping[str, str] | None = None
) -> httpx.Response:
    answer = client.post(path, json=objects, headers=headers)
    if not answer.is_success:
        raise UserError(f"POST {path} was answered {answer.status_code}: {answer.text[:500]}")
    return answer


def _parts(objects: Sequence[Record], most: int) -> Iterator[list[Record]]:
    for start in range(0, len(objects), most):
        yield [*objects[start : start + most]]


def _written(kind: str, value: Any) -> Any:  # noqa: ANN401 - a cell
    """Keys as text, days in ISO format."""
    if kind == "key":
        return str(value)
    if kind == "date":
        day, month, year = value.split("-")
        return f"{year}-{month}-{day}"
    return int(value) if isinstance(value, float) else value
