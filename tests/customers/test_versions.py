"""Which of several rows of one line stands, in a batch, on every engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pytest

from customer_segmentation.customers.account import account_lines
from customer_segmentation.customers.quarantine import CheckedCustomers
from customer_segmentation.pipelines.ingestion.nodes import ingest_source
from customer_segmentation.pipelines.preprocessing import nodes
from customer_segmentation.pipelines.preprocessing.parameters import PreprocessingParameters
from customer_segmentation.streaming.reading import checked_events, on_day, reading_of
from tests.streaming.home import cells, lines, shop
from tests.streaming.schemas import gifts, members
from tests.streaming.test_scoring import record

ALL = PreprocessingParameters(max_left_out=1.0)
HEADERS = ("CustomerID", "InvoiceNo", "line", "changed_at", "removed", "InvoiceDate", "Quantity")
LINES = [
    ("1", "a", "1", "1", "", "2011-12-01", "1"),
    ("1", "a", "1", "2", "", "2011-12-01", "3"),
    ("1", "a", "1", "2", "", "2011-12-01", "3.0"),
    ("1", "b", "1", "1", "", "2011-12-01", "5"),
    ("1", "b", "1", "1", "", "2011-12-01", "6"),
    ("2", "c", "1", "1", "", "2011-12-01", "5"),
    ("2", "c", "1", "2", "1", "2011-12-01", "5"),
    ("2", "d", "1", "1", "", "2011-12-01", "7"),
    ("2", "d", "1", "2", "", "2011-12-30", "8"),
    ("2", "e", "1", "1", "", "2011-12-02", "-2"),
    ("2", "e", "1", "2", "perhaps", "2011-12-02", "9"),
]


def sent(rows: list[tuple[str, ...]]) -> dict[str, list[Any]]:
    """As a source is loaded."""
    cells = dict(zip(HEADERS, map(list, zip(*rows, strict=True)), strict=True))
    count = len(rows)
    return cells | {
        "UnitPrice": ["1"] * count,
        "source_name": ["lines"] * count,
        "source_sha256": ["0"] * count,
        "row_number": [*range(1, count + 1)],
    }


@pytest.fixture(params=["pandas", "polars", "spark"])
def table_of(request: pytest.FixtureRequest) -> Callable[[dict[str, list[Any]]], Any]:
    """Cells by header -> a table of an engine."""
    if request.param == "spark":
        spark = request.getfixturevalue("spark")
        return lambda cells: spark.createDataFrame(pd.DataFrame(cells))
    return pd.DataFrame if request.param == "pandas" else pl.DataFrame


def test_the_highest_version_stands_and_every_row_is_accounted_for(
    table_of: Callable[[dict[str, list[Any]]], Any],
    records_of: Callable[[Any], list[dict[str, Any]]],
) -> None:
    schema = gifts()
    bronze = ingest_source(table_of(sent(LINES)), schema)
    reading = nodes.settle_reading(bronze, schema)
    checked = nodes.check_rows(bronze, reading, schema)
    quarantine = nodes.quarantine_rows(checked, reading, schema)
    counts = nodes.account_for_rows(bronze, checked, quarantine, reading, schema)
    silver, account = nodes.keep_customers(checked, counts, schema, ALL)
    ends = ("customers", "quarantined", "repeats", "replaced", "removed")
    assert {end: counts[end] for end in ends} == {
        "customers": 2,
        "quarantined": 4,
        "repeats": 1,
        "replaced": 3,
        "removed": 1,
    }
    assert counts["reasons"] == {
        "invoice, line: appears with different values": 2,
        "ordered_on: outside 2010-12-10 to 2011-12-09": 1,
        "removed: not a number": 1,
    }
    # An empty flag is no, and no value that is lost.
    assert counts["lost_values"] == {}
    bought = {row["customer_id"]: row["spend_bought"] for row in records_of(silver)}
    assert bought == {"1": 3.0, "2": 0.0}
    (told, *_) = account_lines(account)
    assert told.endswith(
        "1 repeats removed, 3 replaced by a later version, 1 that take something back"
    )


def test_events_are_read_the_same_way_on_every_engine(
    table_of: Callable[[dict[str, list[Any]]], Any],
    records_of: Callable[[Any], list[dict[str, Any]]],
) -> None:
    schema = members()
    rows = [
        record("1", "100", "1", Dt_Customer="2014-01-31T23:59:59Z"),
        record("2", "?", "x"),
        record("3", "7", "1", Dt_Customer="2014-07-01", Year_Birth="1980"),
        record(" 4 ", "7", "1", Dt_Customer="2014-02-30"),
        record("5", "7", "1", Year_Birth="1890"),
    ]
    cells = {name: [row[name] for row in rows] for name in rows[0]}
    events = nw.from_native(table_of(cells)).lazy()
    checked = checked_events(events, schema, reading_of(schema))
    rejected = {
        row["customer_id"]: row["reasons"] for row in records_of(checked.rejected.to_native())
    }
    assert rejected == {"2": "income: not a number; changed_at: not a number"}
    today = records_of(on_day(checked.valid, schema).to_native())
    days = {row["customer_id"]: row["enrolled_on"] for row in today}
    # The day is optional; the year of birth is not.
    assert {key: day and day.date().isoformat() for key, day in days.items()} == {
        "1": "2014-01-31",
        "3": None,
        "4": None,
    }
    assert {row["as_of"].date().isoformat() for row in today} == {"2014-06-30"}


def test_of_many_rows_each_engine_keeps_the_same() -> None:
    # Arrow joins tables of more than 32,768 rows in pieces, whose order is chance.
    schema = shop()
    many = cells(lines(40_000, customers=2_000)).to_dict(as_series=False)
    count = len(many["CustomerID"])
    source = many | {
        "source_name": ["lines.csv"] * count,
        "source_sha256": ["0" * 64] * count,
        "row_number": [*range(1, count + 1)],
    }
    kept = []
    for engine in (pd.DataFrame, pl.DataFrame):
        bronze = ingest_source(engine(source), schema)
        checked = nodes.check_rows(bronze, nodes.settle_reading(bronze, schema), schema)
        valid = CheckedCustomers(nw.from_native(checked).lazy()).valid().collect("polars")
        kept.append(valid.to_native().select("customer_id", "invoice", "line", "changed_at"))
    assert 0 < len(kept[0]) < count
    assert kept[0].sort(pl.all()).rows() == kept[1].sort(pl.all()).rows()
