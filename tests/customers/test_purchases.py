"""When customers bought, from order lines, the same on every engine and in any order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import narwhals as nw
import pytest
import yaml

from customer_segmentation.customers.purchases import COLUMNS, no_purchases, purchases_of
from customer_segmentation.schema.schema import Schema
from tests.marketing import FOLDER

BLOCK = yaml.safe_load((FOLDER / "online_retail.yml").read_text())
SCHEMA = Schema.model_validate(BLOCK)
# Customer, day, pieces and the price of one; the snapshot's day is 2011-12-09.
LINES = [
    *(("ann", "2011-06-01", 1, 10.0), ("ann", "2011-06-01", 2, 5.0), ("ann", "2011-07-01", 1, 7.5)),
    *(("ann", "2011-12-08", 4, 0.1), ("ann", "2011-12-09", -1, 7.5)),
    # Sends something back before the first purchase of the window.
    *(("bob", "2011-02-01", -3, 2.0), ("bob", "2011-11-09", 1, 6.0)),
    ("cas", "2011-05-05", -1, 9.0),
    ("dot", "2011-12-09", 1, 1.0),
    # A gift is no purchase.
    *(("eve", "2011-09-10", 1, 3.0), ("eve", "2011-10-10", 1, 0.0)),
]


def lines_of(rows: list[tuple[Any, ...]], frame_of: Callable[..., Any]) -> Any:
    keys, days, pieces, prices = zip(*rows, strict=True)
    return nw.from_native(
        frame_of(
            {
                "customer_id": list(keys),
                "ordered_on": [datetime.fromisoformat(day) for day in days],
                "quantity": [float(number) for number in pieces],
                "unit_price": list(prices),
                "as_of": [datetime(2011, 12, 9)] * len(rows),  # noqa: DTZ001 - a day
                "sample_key": [1] * len(rows),
            }
        )
    ).lazy()


@pytest.mark.parametrize("step", [1, -1])
def test_a_day_with_something_bought_is_a_purchase(
    frame_of: Callable[..., Any], records_of: Callable[..., Any], step: int
) -> None:
    found = records_of(purchases_of(lines_of(LINES[::step], frame_of), SCHEMA).to_native())
    told = {
        row["customer_id"]: [row[name] for name in ("purchases", "recency_days", "age_days")]
        for row in found
    }
    assert [*told] == ["ann", "bob", "cas", "dot", "eve"]
    assert told == {
        "ann": [3.0, 190.0, 191.0],
        "bob": [1.0, 0.0, 30.0],
        "cas": [0.0, None, None],
        "dot": [1.0, 0.0, 0.0],
        "eve": [1.0, 0.0, 90.0],
    }
    # Of ann 7.5 and 0.4, and 7.5 sent back.
    assert [row["repeat_spend"] for row in found] == [0.4, 0.0, 0.0, 0.0, 0.0]


def test_what_was_before_the_last_days_is_told_apart(
    frame_of: Callable[..., Any], records_of: Callable[..., Any]
) -> None:
    found = records_of(purchases_of(lines_of(LINES, frame_of), SCHEMA).to_native())
    told = {row["customer_id"]: [row[name] for name in COLUMNS[4:]] for row in found}
    assert told == {
        "ann": [2.0, 30.0, 101.0, 7.5, 1.0, -7.1],
        "bob": [0.0, None, None, 0.0, 1.0, 6.0],
        "cas": [0.0, None, None, 0.0, 0.0, 0.0],
        "dot": [0.0, None, None, 0.0, 1.0, 1.0],
        # Ninety days ago is before them.
        "eve": [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    }


def test_without_a_declaration_the_table_has_the_same_columns_and_no_row(
    frame_of: Callable[..., Any],
) -> None:
    lines = lines_of(LINES, frame_of)
    nothing = no_purchases(lines).collect()
    assert len(nothing) == 0
    assert nothing.columns == purchases_of(lines, SCHEMA).collect_schema().names()
