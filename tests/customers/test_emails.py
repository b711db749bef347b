"""E-mail addresses are kept as their SHA-256, the same on every engine, and never in the clear."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from pydantic import ValidationError

from customer_segmentation.customers.quarantine import check_customers, map_headers
from customer_segmentation.customers.reading import settle
from customer_segmentation.errors import UserError
from customer_segmentation.schema.schema import Schema
from customer_segmentation.tables.check import require_contract
from customer_segmentation.tables.schemas import declare_tables, tables_of
from tests.marketing import SCHEMA

CELLS = {
    " Ann.Lee@Example.COM ": "ann.lee@example.com",
    "o'brien+tag@mail.example.co.uk": "o'brien+tag@mail.example.co.uk",
    "": None,
    "NA": None,
    "no address": None,
    "two@@example.com": None,
    "ann@localhost": None,
    "ann@example.com\nbcc: all@example.com": None,
    "\u212aarl@example.com": None,
    "jürgen@example.com": None,
}


@pytest.fixture(scope="module")
def schema(customers_block: dict[str, Any]) -> Schema:
    columns = customers_block["columns"] | {"email": {"kind": "email", "headers": ["E-Mail"]}}
    return Schema.model_validate(customers_block | {"columns": columns})


def rows_of(sent: Callable[..., dict[str, str]]) -> list[dict[str, str]]:
    return [sent(ID=str(n)) | {"E-Mail": cell} for n, cell in enumerate(CELLS)]


def checked(
    rows: list[dict[str, str]],
    schema: Schema,
    bronze_of: Callable[..., Any],
    engine: Callable[..., Any],
) -> tuple[Any, Any]:
    bronze = nw.from_native(bronze_of(rows, engine)).lazy()
    reading = settle(bronze, map_headers(bronze.collect_schema().names(), schema), schema)
    return check_customers(bronze, reading, schema.needed_columns(schema.segment_features)), reading


def hashes(found: Any) -> dict[str, str | None]:
    table = found.valid().select("customer_id", "email").collect(backend="pyarrow").to_native()
    return {row["customer_id"]: row["email"] for row in table.to_pylist()}


def expected() -> dict[str, str | None]:
    plain = enumerate(CELLS.values())
    return {str(n): text and hashlib.sha256(text.encode()).hexdigest() for n, text in plain}


def test_an_address_is_trimmed_lowered_and_hashed_and_all_else_is_dropped_and_counted(
    sent: Callable[..., dict[str, str]],
    schema: Schema,
    bronze_of: Callable[..., Any],
    frame_of: Callable[..., Any],
) -> None:
    found, reading = checked(rows_of(sent), schema, bronze_of, frame_of)
    assert hashes(found) == expected()
    assert found.lost_values(reading) == {
        "email: not an e-mail address": 6,
        "email: missing": 2,
    }


def test_a_table_without_any_usable_address_has_none(
    sent: Callable[..., dict[str, str]],
    schema: Schema,
    bronze_of: Callable[..., Any],
    frame_of: Callable[..., Any],
) -> None:
    rows = [sent(ID=str(n)) | {"E-Mail": ""} for n in range(2)]
    found, _ = checked(rows, schema, bronze_of, frame_of)
    assert hashes(found) == {"0": None, "1": None}
    declare_tables(schema)
    try:
        require_contract("silver_customers", found.customers())
    finally:
        declare_tables(SCHEMA)


@pytest.mark.spark
def test_spark_gives_the_same_hashes(
    sent: Callable[..., dict[str, str]], schema: Schema, bronze_of: Callable[..., Any], spark: Any
) -> None:
    def of_spark(columns: dict[str, list[Any]]) -> Any:
        return spark.createDataFrame(pa.table(columns))

    found, _ = checked(rows_of(sent), schema, bronze_of, of_spark)
    assert hashes(found) == expected()


def test_a_row_that_is_left_out_shows_no_address(
    sent: Callable[..., dict[str, str]],
    schema: Schema,
    bronze_of: Callable[..., Any],
    frame_of: Callable[..., Any],
) -> None:
    broken = sent(ID="1", Year_Birth="") | {"E-Mail": "ann@example.com"}
    found, reading = checked([broken], schema, bronze_of, frame_of)
    table = found.quarantined(reading, schema.needed_columns(schema.segment_features)).collect()
    assert "sent_Year_Birth" in table.columns
    assert "ann@example.com" not in str(table.rows())


@pytest.mark.parametrize("engine", [pd.DataFrame, pl.DataFrame])
def test_silver_with_an_address_in_the_clear_is_not_saved(
    schema: Schema, engine: Callable[..., Any]
) -> None:
    declare_tables(schema)
    try:
        required = tables_of(schema)["silver_customers"].required
        row = {"customer_id": ["1"], **{name: [1.0] for name in required}}
        good = nw.from_native(engine(row | {"email": ["a" * 64]})).lazy()
        require_contract("silver_customers", good)
        bad = nw.from_native(engine(row | {"email": ["ann@example.com"]})).lazy()
        with pytest.raises(UserError, match="email is no SHA-256 in 1 rows"):
            require_contract("silver_customers", bad)
    finally:
        declare_tables(SCHEMA)


def test_an_address_is_personal_and_neither_number_nor_feature(schema: Schema) -> None:
    assert schema.email == "email"
    assert schema.columns["email"].personal
    assert "email" not in schema.numeric_columns(schema.columns)
    with pytest.raises(ValidationError, match="is text, and no number"):
        Schema.model_validate(
            schema.model_dump(by_alias=True)
            | {"features": {"long": {"formula": "email * 2"}}, "segment_features": ["long", "x"]}
        )


def test_a_customer_has_one_address_and_an_order_line_none(
    customers_block: dict[str, Any],
) -> None:
    columns = customers_block["columns"]
    two = columns | {"email": {"kind": "email"}, "mail": {"kind": "email"}}
    with pytest.raises(ValidationError, match="a customer has one"):
        Schema.model_validate(customers_block | {"columns": two})
    with pytest.raises(ValidationError, match="no minimum and no maximum"):
        Schema.model_validate(
            customers_block | {"columns": columns | {"email": {"kind": "email", "minimum": 1}}}
        )
