"""What stands of events on Spark is what stands in the state of the small runner."""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from customer_segmentation.schema.schema import Schema
from customer_segmentation.sources.messages.decoding import Decoder
from customer_segmentation.streaming.spark.answers import customers_of
from customer_segmentation.streaming.spark.batch import KAFKA, read
from customer_segmentation.streaming.spark.standing import IS_GONE, standing
from customer_segmentation.streaming.state import CustomerState
from tests.conftest import GOOD_ROW
from tests.streaming.schemas import members, shop

pytestmark = pytest.mark.spark

DAY = datetime(2024, 1, 1)  # noqa: DTZ001 - Spark's own, in UTC
_HEADERS = ("Customer", "Number", "Day", "Kind", "Channel", "Product", "Amount")
_VERSIONED = (*_HEADERS, "changed_at", "removed")


def line(text: str) -> dict[str, str]:
    return dict(zip(_VERSIONED, text.split(), strict=False))


def record(key: str, version: int, income: int, **cells: str) -> dict[str, str]:
    days = {"Dt_Customer": "2012-09-24", "ID": key, "changed_at": str(version)}
    return GOOD_ROW | days | {"Income": str(income)} | cells


LINES = [
    # Sent twice, corrected late, and a correction that came first.
    line("ann 1 2024-06-01 order web shoes 10.10 1 0"),
    line("ann 1 2024-06-01 order web shoes 10.10 1 0"),
    line("ann 2 2024-06-02 order store hats 7 5 0"),
    line("ann 2 2024-06-02 order store hats 9 4 0"),
    # Contradictory at first, then clear; and one that stays contradictory.
    line("bob 3 2024-06-03 visit web shoes 0 1 0"),
    line("bob 3 2024-06-03 order web shoes 5 1 0"),
    line("bob 4 2024-06-03 order web shoes 6 1 0"),
    line("cas 5 2024-06-03 order web shoes 8 1 0"),
    line("cas 5 2024-06-03 order web shoes 9 1 0"),
    line("cas 6 2024-06-04 order web shoes -3 1 0"),
    # Taken back, and what comes late does not bring it again.
    line("dot 7 2024-06-04 order web shoes 3 1 0"),
    # Before the window, and after the day.
    line("eve 8 2024-01-01 order web shoes 3 1 0"),
    line("eve 9 2024-07-15 order web shoes 3 1 0"),
    line("eve 10 2024-06-30 visit store hats 0 1 0"),
    line("bob 3 2024-06-03 order store hats 5 2 0"),
    line("dot 7 2024-06-04 order web shoes 3 3 1"),
    line("dot 7 2024-06-04 order web shoes 4 2 0"),
    line("ann 1 2024-06-01 order web shoes 12.30 2 0"),
]
PLAIN = [{name: each[name] for name in _HEADERS} for each in LINES]
RECORDS = [
    *(record("1", 1, 100), record("1", 3, 300), record("1", 2, 200)),
    *(record("2", 1, 100), record("2", 1, 150), record("3", 1, 100), record("3", 2, 1, closed="1")),
    *(record("4", 1, 100), record("2", 2, 170), record("4", 1, 400), record("1", 3, 300)),
]
CASES = {
    "lines with versions": (shop(), LINES),
    "lines without an id": (shop(events={}), PLAIN),
    "records": (members(), RECORDS),
}


@pytest.mark.parametrize(("schema", "events"), CASES.values(), ids=CASES)
def test_customers_are_those_of_the_small_runner(
    spark: Any, schema: Schema, events: list[dict[str, str]], tmp_path: Path
) -> None:
    half = len(events) * 2 // 3
    first = said_of(spark, schema, events[:half], 0)
    table = standing(first.limit(0), first, schema).changes()
    kept = table.where(~table[IS_GONE]).drop(IS_GONE)
    after = standing(kept, said_of(spark, schema, events[half:], half), schema)
    found = pl.DataFrame(customers_of(after.counted(), schema).toArrow())

    names = {name: pl.String for event in events for name in event}
    cells = pl.DataFrame(events, schema=names)
    with CustomerState(tmp_path / "state.sqlite", schema) as state:
        state.apply(cells.fill_null(""), {})
        expected = pl.concat([*state.customers()])
    days = pl.selectors.datetime().cast(pl.Date)
    columns = expected.columns
    ours = found.select(columns).with_columns(days).sort("customer_id")
    assert ours.to_dicts() == expected.with_columns(days).sort("customer_id").to_dicts()
    assert len(ours) > 1


def said_of(spark: Any, schema: Schema, events: list[dict[str, str]], start: int) -> Any:
    values = (json.dumps(event).encode() for event in events)
    rows = [(None, value, "events", 0, start + n, DAY) for n, value in enumerate(values)]
    sent, _ = read(spark.createDataFrame(rows, KAFKA), schema, partial(Decoder, "json", None))
    return sent.rows
