"""A table is held against its contract before it is published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pytest
from kedro.validation import DataValidationError

from customer_segmentation.datasets.whole_files import WholeFilesCatalog
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import Column
from customer_segmentation.tables.check import ContractValidator, promises, require_contract
from customer_segmentation.tables.schemas import TableContract, contract_of
from tests.marketing import TABLES

Row = dict[str, Any]
Engine = Callable[..., Any]


def a_value(column: Column) -> Any:
    """A value that the contract allows, at an end of its range where it has one."""
    if column.kind == "number":
        ends = [end for end in (column.maximum, column.minimum) if end is not None]
        return ends[0] if ends else 1.0
    return column.categories[-1] if column.categories else "text"


def good_rows(contract: TableContract, count: int) -> list[Row]:
    """Rows that keep every promise, each with a key of its own."""
    allowed = {column.name: a_value(column) for column in contract.columns}
    row = dict.fromkeys((*contract.key, *contract.required), "text") | allowed
    first = contract.key[0]
    keys = [
        float(n) if first in allowed and first != "customer_id" else f"c{n}"
        for n in range(1, count + 1)
    ]
    return [row | {first: key} for key in keys]


def broken_rows(contract: TableContract) -> dict[str, Row]:
    """For each promise, in words, what breaks it alone."""
    breaking: dict[str, Row] = {
        f"{name} is missing": {name: None} for name in (*contract.key, *contract.required)
    }
    for column in contract.columns:
        name = column.name
        if column.minimum is not None:
            breaking[f"{name} is below {column.minimum:g}"] = {name: column.minimum - 1.0}
        if column.maximum is not None:
            breaking[f"{name} is above {column.maximum:g}"] = {name: column.maximum + 1.0}
        if column.categories:
            breaking[f"{name} is none of its labels"] = {name: "YOLO"}
    return breaking


def table_of(rows: list[Row], engine: Engine) -> Any:
    return engine({name: [row[name] for row in rows] for name in rows[0]})


def checked(table: str, frame: Any) -> None:
    require_contract(table, nw.from_native(frame).lazy())


def refusal(table: str, frame: Any) -> list[str]:
    """What a refusal says is broken."""
    with pytest.raises(UserError) as caught:
        checked(table, frame)
    message = str(caught.value)
    start, end = f"{table} breaks its contract: ", ". Nothing was saved"
    assert message.startswith(start)
    return message[len(start) : message.index(end)].split("; ")


@pytest.mark.parametrize("table", TABLES)
def test_a_table_that_keeps_its_contract_passes(table: str, frame_of: Engine) -> None:
    checked(table, table_of(good_rows(contract_of(table), 3), frame_of))


@pytest.mark.parametrize("table", TABLES)
def test_every_promise_that_a_row_breaks_is_told_with_the_number_of_rows(
    table: str, frame_of: Engine
) -> None:
    contract = contract_of(table)
    breaking = broken_rows(contract)
    rows = good_rows(contract, len(breaking) + 1)
    rows = [row | change for row, change in zip(rows, [{}, *breaking.values()], strict=True)]
    assert set(promises(contract, list(rows[0]))) == set(breaking)
    assert refusal(table, table_of(rows, frame_of)) == [f"{words} in 1 rows" for words in breaking]


GOLD = TABLES["gold_segments"]
PROMISES = broken_rows(GOLD)


@pytest.mark.parametrize("words", PROMISES)
def test_one_broken_promise_is_told_alone(words: str, frame_of: Engine) -> None:
    first, *others = good_rows(GOLD, 3)
    table = table_of([first | PROMISES[words], *others], frame_of)
    assert refusal("gold_segments", table) == [f"{words} in 1 rows"]


def test_a_row_may_break_several_promises_and_each_is_counted(frame_of: Engine) -> None:
    first, second, third = good_rows(GOLD, 3)
    rows = [first | {"margin": 2.0, "segment": None}, second | {"margin": 1.5}, third]
    assert refusal("gold_segments", table_of(rows, frame_of)) == [
        "segment is missing in 1 rows",
        "margin is above 1 in 2 rows",
    ]


def test_what_may_be_missing_breaks_nothing(frame_of: Engine) -> None:
    first, second = good_rows(GOLD, 2)
    gaps = {"margin": None, "likely_to_spend": None, "offer": None}
    checked("gold_segments", table_of([first | gaps, second], frame_of))


def test_columns_that_a_source_does_not_give_may_be_absent(frame_of: Engine) -> None:
    rows = good_rows(contract_of("silver_customers"), 2)
    kept = ("customer_id", "as_of", "sample_key")
    checked("silver_customers", table_of([{n: row[n] for n in kept} for row in rows], frame_of))


def test_no_rows_break_nothing(frame_of: Engine) -> None:
    checked("gold_segments", table_of(good_rows(GOLD, 1), frame_of)[:0])


def test_rows_that_share_a_key_are_counted(frame_of: Engine) -> None:
    first, second, _ = rows = good_rows(GOLD, 3)
    table = table_of([*rows, second, first, first], frame_of)
    assert refusal("gold_segments", table) == ["3 rows share their customer_id with another"]


def test_a_key_of_two_columns_is_shared_only_where_both_are(frame_of: Engine) -> None:
    row = good_rows(contract_of("gold_segment_profiles"), 1)[0]
    keys = [("a", "bc"), ("ab", "c"), ("a", "c")]
    rows = [row | {"segment": segment, "measure": measure} for segment, measure in keys]
    checked("gold_segment_profiles", table_of(rows, frame_of))
    told = refusal("gold_segment_profiles", table_of([*rows, rows[1]], frame_of))
    assert told == ["1 rows share their segment, measure with another"]


def test_shared_keys_are_told_beside_broken_promises(frame_of: Engine) -> None:
    first, second = good_rows(GOLD, 2)
    table = table_of([first, first, second | {"product": "cars"}], frame_of)
    assert refusal("gold_segments", table) == [
        "product is none of its labels in 1 rows",
        "1 rows share their customer_id with another",
    ]


def test_every_absent_column_is_named(frame_of: Engine) -> None:
    rows = [{"segment": "s", "margin": 2.0}]
    told = refusal("gold_segments", table_of(rows, frame_of))
    absent = "customer_id, segment_name, segment_id, runner_up, artifact_version, as_of"
    assert told == [f"there is no column {absent}"]


@pytest.mark.parametrize("engine", [pd.DataFrame, pl.DataFrame, pl.LazyFrame])
def test_a_validator_gives_the_table_itself(engine: Engine) -> None:
    table = table_of(good_rows(GOLD, 2), engine)
    assert ContractValidator("gold_segments").validate(table) is table


@pytest.fixture
def catalog(tmp_path: Path) -> WholeFilesCatalog:
    entry = {
        "type": "pandas.ParquetDataset",
        "filepath": str(tmp_path / "{table}.parquet"),
        "validator": {
            "class": "customer_segmentation.tables.check.ContractValidator",
            "on": "save",
            "options": {"table": "gold_{table}"},
        },
    }
    found: WholeFilesCatalog = WholeFilesCatalog.from_config({"gold_{table}": entry})
    return found


def test_a_catalog_saves_only_a_table_that_keeps_its_contract(
    catalog: WholeFilesCatalog, tmp_path: Path
) -> None:
    good = table_of(good_rows(GOLD, 2), pd.DataFrame)
    catalog.save("gold_segments", good)
    pd.testing.assert_frame_equal(catalog.load("gold_segments"), good)
    with pytest.raises(DataValidationError, match="margin is above 1 in 2 rows"):
        catalog.save("gold_segments", good.assign(margin=2.0))
    pd.testing.assert_frame_equal(catalog.load("gold_segments"), good)
    assert [path.name for path in tmp_path.iterdir()] == ["segments.parquet"]
