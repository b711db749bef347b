"""An outcome that could not be counted is refused before it lands, with what would be accepted."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from customer_segmentation.serving.ingestion.objects import read_objects
from customer_segmentation.serving.ingestion.outcomes import require_outcomes
from customer_segmentation.serving.problems import Details, RefusedError

RIGHT = {
    "outcome_id": "o-1",
    "ID": 7,
    "campaign": "spring",
    "answered": 1,
    "happened_at": "2026-01-31",
}


def require(*objects: dict[str, Any]) -> None:
    body = json.dumps([*objects]).encode()
    require_outcomes(read_objects(body, "application/json", ("ID", "customer_id")))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"answered": None, "amount": 12.5},
        {"answered": True},
        {"answered": "0", "amount": -3},
        {"revision": 4},
        {"happened_at": "2026-01-31T23:59:59.5+02:00"},
        {"note": "anything"},
        {"outcome_id": 12},
        {"amount": "NA"},
    ],
)
def test_what_can_be_counted_lands(changes: dict[str, Any]) -> None:
    require(RIGHT | changes)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"outcome_id": ""}, "outcome_id"),
        ({"outcome_id": "x" * 257}, "outcome_id"),
        ({"outcome_id": "None"}, "outcome_id"),
        ({"campaign": None}, "campaign"),
        ({"answered": None}, "answered"),
        ({"answered": 0.5}, "answered"),
        ({"amount": "much"}, "amount"),
        ({"amount": "1e999"}, "amount"),
        ({"happened_at": "31.1.2026"}, "happened_at"),
        ({"happened_at": None}, "happened_at"),
        ({"revision": 1.5}, "revision"),
        ({"revision": -1}, "revision"),
        ({"Answered": 0}, "answered"),
    ],
)
def test_what_cannot_be_counted_is_refused_by_its_field(changes: dict[str, Any], name: str) -> None:
    with pytest.raises(RefusedError) as refused:
        require(RIGHT, RIGHT | changes)
    assert refused.value.status == 422
    told = msgspec.json.decode(refused.value.body, type=Details)
    assert [one.path for one in told.errors] == [f"$[1].{name}"]
