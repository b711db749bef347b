"""What a customer's order lines come to, the same on every engine and in any order of the lines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from customer_segmentation.pipelines.ingestion.nodes import ingest_source
from customer_segmentation.pipelines.preprocessing import nodes
from customer_segmentation.pipelines.preprocessing.parameters import PreprocessingParameters
from customer_segmentation.schema.schema import Schema

Records = list[dict[str, Any]]

# Of a restaurant: receipts with an amount and no number of an order.
SALES = {"kind": "category", "categories": {"web": ["Online"], "till": []}}
RECEIPTS: dict[str, Any] = {
    "as_of": "2025-12-31",
    "money": {"unit": "euros", "period": "a year"},
    "groups": {"product": {"food": "food", "drinks": "drinks", "rest": "the rest"}},
    "orders": {
        "window_days": 365,
        "time": "paid_on",
        "columns": {
            "customer_id": {"kind": "key", "headers": ["Card"]},
            "paid_on": {"kind": "date", "headers": ["Day"], "earliest": "2000-01-01"},
            "amount": {"kind": "number", "headers": ["Paid"]},
            "channel": SALES | {"headers": ["Where"]},
            "product": {
                "kind": "category",
                "headers": ["What"],
                "categories": {"food": [], "drinks": ["wine"], "rest": []},
                "other": "rest",
            },
            "dish": {"kind": "text", "headers": ["Dish"]},
        },
        "features": {
            "paid": {"formula": "max(amount, 0)"},
            "is_cake": {"formula": 'starts(dish, "ca")'},
        },
    },
    "columns": {
        "customer_id": {"kind": "key"},
        "spend": {"kind": "number", "aggregate": "sum(amount)"},
        "spend_{product}": {"kind": "number", "aggregate": "sum(amount * is(product, {product}))"},
        "cakes": {"kind": "count", "aggregate": "sum(is_cake)"},
        "average": {"kind": "number", "aggregate": "mean(amount)"},
        "smallest": {"kind": "number", "aggregate": "min(amount)"},
        "largest": {"kind": "number", "aggregate": "max(amount)"},
        "receipts": {"kind": "count", "aggregate": "count()"},
        "days": {"kind": "count", "aggregate": "distinct(paid_on)"},
        "dishes": {"kind": "count", "aggregate": "distinct(dish)"},
        "first_on": {"kind": "date", "earliest": "2000-01-01", "aggregate": "first(paid_on)"},
        "last_on": {"kind": "date", "earliest": "2000-01-01", "aggregate": "last(paid_on)"},
        "first_paid": {"kind": "money", "aggregate": "first(paid)"},
        "last_channel": SALES | {"aggregate": "last(channel)"},
        "last_dish": {"kind": "text", "aggregate": "last(dish)"},
    },
    "features": {
        "days_since_last": {"formula": "as_of - last_on", "unit": "days"},
        "drinks_share": {"formula": "spend_drinks / spend", "kind": "share"},
    },
    "segment_features": ["spend", "days_since_last"],
}
HEADERS = ("Card", "Day", "Paid", "Where", "What", "Dish")
CELLS = [
    *("ann,2025-03-01,0.1,till,food,soup", "ann,2025-05-01,0.2,Online,wine,port"),
    *("ann,2025-05-01,0.3,till,food,cake", "ann,2025-05-01,-9.99,till,food,soup"),
    *("ann,2024-12-31,100,till,food,soup", "bob,2024-06-01,7,till,food,soup"),
    *("cas,2025-12-31,12345678.91,web,drinks,port", "cas,2025-12-30,,web,food,soup"),
    *("dot,2025-01-01,4,web,sushi,soup", "dot,2025-01-01,4,web,sushi,soup"),
]
ROWS = [dict(zip(HEADERS, cells.split(","), strict=True)) for cells in CELLS]


def day(text: str) -> datetime:
    return datetime.fromisoformat(text)


EXPECTED: Records = [
    {
        "customer_id": "ann",
        "spend": -9.39,
        "spend_food": -9.59,
        "spend_drinks": 0.2,
        "spend_rest": 0.0,
        "cakes": 1.0,
        "average": -2.3475,
        "smallest": -9.99,
        "largest": 0.3,
        "receipts": 4.0,
        "days": 2.0,
        "dishes": 3.0,
        "first_on": day("2025-03-01"),
        "last_on": day("2025-05-01"),
        "first_paid": 0.1,
        "last_channel": "till",
        "last_dish": "cake",
    },
    {
        "customer_id": "cas",
        "spend": 12345678.91,
        "spend_food": 0.0,
        "spend_drinks": 12345678.91,
        "spend_rest": 0.0,
        "cakes": 0.0,
        "average": 12345678.91,
        "smallest": 12345678.91,
        "largest": 12345678.91,
        "receipts": 1.0,
        "days": 1.0,
        "dishes": 1.0,
        "first_on": day("2025-12-31"),
        "last_on": day("2025-12-31"),
        "first_paid": 12345678.91,
        "last_channel": "web",
        "last_dish": "port",
    },
    {
        "customer_id": "dot",
        "spend": 4.0,
        "spend_food": 0.0,
        "spend_drinks": 0.0,
        "spend_rest": 4.0,
        "cakes": 0.0,
        "average": 4.0,
        "smallest": 4.0,
        "largest": 4.0,
        "receipts": 1.0,
        "days": 1.0,
        "dishes": 1.0,
        "first_on": day("2025-01-01"),
        "last_on": day("2025-01-01"),
        "first_paid": 4.0,
        "last_channel": "web",
        "last_dish": "soup",
    },
]


@pytest.fixture(scope="session")
def made(source_of: Callable[..., Any], records_of: Callable[..., Records]) -> Callable[..., Any]:
    """Lines as sent -> the customers of silver, their features, and the account of the lines."""

    def make(
        rows: list[dict[str, str]], engine: Callable[..., Any], block: dict[str, Any] = RECEIPTS
    ) -> tuple[Records, Records, dict[str, Any]]:
        schema = Schema.model_validate(block)
        bronze = ingest_source(source_of(rows, engine), schema)
        reading = nodes.settle_reading(bronze, schema)
        checked = nodes.check_rows(bronze, reading, schema)
        quarantine = nodes.quarantine_rows(checked, reading, schema)
        counts = nodes.account_for_rows(bronze, checked, quarantine, reading, schema)
        allowed = PreprocessingParameters(max_left_out=0.5)
        silver, accounting = nodes.keep_customers(checked, counts, schema, allowed)
        gold = nodes.compute_features(silver, schema)
        return records_of(silver), records_of(gold), accounting

    return make


def without(records: Records, *names: str) -> Records:
    return [{n: value for n, value in row.items() if n not in names} for row in records]


@pytest.mark.parametrize("step", [1, -1])
def test_lines_come_to_customers(
    made: Callable[..., Any], frame_of: Callable[..., Any], step: int
) -> None:
    silver, gold, accounting = made(ROWS[::step], frame_of)
    # To the last bit, whatever the order of the lines.
    assert without(silver, "as_of", "sample_key") == EXPECTED
    assert [row["days_since_last"] for row in gold] == [244.0, 0.0, 364.0]
    assert [row["drinks_share"] for row in gold] == [0.2 / -9.39, 1.0, 0.0]
    used = {"rows_in": 10, "lines": 6, "customers": 3, "quarantined": 3, "repeats": 1}
    assert {name: accounting[name] for name in used} == used
    # Nobody is made of lines of another time alone.
    window = "paid_on: outside 2025-01-01 to 2025-12-31"
    assert accounting["reasons"] == {window: 2, "amount: missing": 1}


@pytest.mark.spark
def test_spark_makes_the_same_customers_of_lines(made: Callable[..., Any], spark: Any) -> None:
    of_spark = made(ROWS, lambda columns: spark.createDataFrame(pa.table(columns)))
    assert of_spark == made(ROWS, pl.DataFrame) == made(ROWS, pd.DataFrame)
