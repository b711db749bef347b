"""Ingestion: bronze is the source, with the snapshot's day and the sample key beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.pipelines.ingestion.nodes import ingest_source
from customer_segmentation.schema.schema import Schema
from tests.marketing import changed

ROWS = [
    {"ID": " 5524 ", "Income": "58138", "Note": " NA "},
    {"ID": "5524", "Income": "", "Note": "\x1f"},
    {"ID": "", "Income": "1e999", "Note": "é"},
    {"ID": "5524", "Income": "", "Note": "\x1f"},
]


def test_bronze_keeps_every_cell_and_row_as_sent_in_order(
    source_of: Callable[..., Any],
    frame_of: Callable[..., Any],
    customer_parameters: Schema,
) -> None:
    source = source_of(ROWS, frame_of)
    bronze = nw.from_native(ingest_source(source, customer_parameters)).lazy().collect()
    assert bronze.columns == [
        *("ID", "Income", "Note", "source_name", "source_sha256", "row_number"),
        *("sample_key", "as_of"),
    ]
    assert bronze.select("ID", "Income", "Note").rows(named=True) == ROWS
    assert bronze["row_number"].to_list() == [1, 2, 3, 4]


def test_the_source_is_not_changed(
    source_of: Callable[..., Any],
    frame_of: Callable[..., Any],
    customer_parameters: Schema,
) -> None:
    source = source_of(ROWS, frame_of)
    before = nw.from_native(source).columns
    ingest_source(source, customer_parameters)
    assert nw.from_native(source).columns == before


def test_every_row_has_the_snapshots_day_and_a_key_of_its_trimmed_id(
    bronze_of: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    bronze = nw.from_native(bronze_of(ROWS, frame_of)).lazy().collect()
    assert set(bronze["as_of"].to_list()) == {datetime(2014, 6, 30)}  # noqa: DTZ001 - a day
    first, second, empty, last = bronze["sample_key"].to_list()
    assert first == second == last != empty


def test_both_engines_give_the_same_bronze(
    bronze_of: Callable[..., Any], records_of: Callable[..., Any]
) -> None:
    of_pandas, of_polars = (bronze_of(ROWS, engine) for engine in (pd.DataFrame, pl.DataFrame))
    assert isinstance(of_pandas, pd.DataFrame)
    assert isinstance(of_polars, pl.LazyFrame)
    assert records_of(of_pandas) == records_of(of_polars)


@pytest.mark.spark
def test_spark_gives_the_same_bronze(
    bronze_of: Callable[..., Any], records_of: Callable[..., Any], spark: Any
) -> None:
    bronze = bronze_of(ROWS, lambda columns: spark.createDataFrame(pa.table(columns)))
    assert records_of(bronze) == records_of(bronze_of(ROWS, pd.DataFrame))


def test_a_source_without_a_key_is_refused_by_column_header_and_file(
    bronze_of: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    expected = r"customers\.csv: no column for `customer_id` \(header ID or customer_id\)"
    with pytest.raises(UserError, match=expected):
        bronze_of([{"Id": "1", "Income": "2"}], frame_of)


def test_two_headers_for_one_column_are_refused(
    bronze_of: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    with pytest.raises(UserError, match="'ID' and ' customer_id' both stand for `customer_id`"):
        bronze_of([{"ID": "1", " customer_id": "2"}], frame_of)


def test_a_key_that_was_written_as_a_float_draws_as_the_whole_number(
    source_of: Callable[..., Any],
    frame_of: Callable[..., Any],
    records_of: Callable[..., Any],
    customers_block: dict[str, Any],
) -> None:
    floats = Schema.model_validate(
        changed(customers_block, ("columns.customer_id.from_float", True))
    )
    rows = [{"ID": key} for key in ("12345", "12345.0", " 12345.00 ")]
    bronze = records_of(ingest_source(source_of(rows, frame_of), floats))
    assert len({row["sample_key"] for row in bronze}) == 1
    assert [row["ID"] for row in bronze] == ["12345", "12345.0", " 12345.00 "]


@pytest.fixture
def numbered(customers_block: dict[str, Any]) -> Schema:
    """A schema whose customers are known by the numbers of their rows."""
    key = {"kind": "key", "from_row": True}
    return Schema.model_validate(changed(customers_block, ("columns.customer_id", key)))


def test_rows_without_a_key_are_known_by_their_numbers(
    source_of: Callable[..., Any],
    frame_of: Callable[..., Any],
    records_of: Callable[..., Any],
    numbered: Schema,
) -> None:
    rows = [{"Income": income} for income in ("5", "5", "")]
    bronze = records_of(ingest_source(source_of(rows, frame_of), numbered))
    assert [row["customer_id"] for row in bronze] == ["1", "2", "3"]
    assert [row["Income"] for row in bronze] == ["5", "5", ""]
    assert len({row["sample_key"] for row in bronze}) == 3


def test_a_key_that_is_there_is_not_replaced_by_the_numbers_of_rows(
    source_of: Callable[..., Any], frame_of: Callable[..., Any], numbered: Schema
) -> None:
    source = source_of([{"customer_id": "a"}, {"customer_id": "b"}], frame_of)
    with pytest.raises(
        UserError, match=r"customers\.csv: it has a column `customer_id`.*`from_row`"
    ):
        ingest_source(source, numbered)


@pytest.mark.spark
def test_the_snapshots_day_is_the_same_wherever_the_machine_is(
    bronze_of: Callable[..., Any], spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        bronze = bronze_of(ROWS, lambda columns: spark.createDataFrame(pa.table(columns)))
        # By the session's time zone, which is UTC, as all steps read it.
        days = {row[0] for row in bronze.selectExpr("cast(as_of as string)").collect()}
    finally:
        monkeypatch.undo()
        time.tzset()
    assert days == {"2014-06-30 00:00:00"}
