"""Preprocessing: every row accounted for, silver clean, every feature in gold."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.pipelines.preprocessing.nodes import (
    account_for_rows,
    check_rows,
    compute_features,
    keep_customers,
    quarantine_rows,
    settle_reading,
)
from customer_segmentation.pipelines.preprocessing.parameters import PreprocessingParameters
from customer_segmentation.schema.schema import Schema
from tests.marketing import CONTRACT, FEATURES

Rows = list[dict[str, str]]
HALF = PreprocessingParameters(max_left_out=0.5)


@pytest.fixture(scope="session")
def run(
    bronze_of: Callable[..., Any],
    records_of: Callable[..., Any],
    customer_parameters: Schema,
) -> Callable[..., dict[str, Any]]:
    """Rows as sent -> every output of the pipeline, tables as Python values."""

    def outputs(
        rows: Rows,
        engine: Callable[..., Any],
        parameters: Schema = customer_parameters,
    ) -> dict[str, Any]:
        bronze = bronze_of(rows, engine)
        reading = settle_reading(bronze, parameters)
        checked = check_rows(bronze, reading, parameters)
        quarantine = quarantine_rows(checked, reading, parameters)
        accounting = account_for_rows(bronze, checked, quarantine, reading, parameters)
        silver, _ = keep_customers(checked, accounting, parameters, HALF)
        gold = compute_features(silver, parameters)
        tables = {"quarantine": quarantine, "silver": silver, "gold": gold}
        return {name: records_of(table) for name, table in tables.items()} | {
            "accounting": accounting
        }

    return outputs


@pytest.fixture
def rows(sent: Callable[..., dict[str, str]]) -> Rows:
    """Two customers, a repeat, and three rows that break the contract."""
    return [
        sent(ID="2", Marital_Status="Alone"),
        sent(
            ID="1",
            NumWebPurchases="0",
            NumCatalogPurchases="0",
            NumStorePurchases="0",
            Complain="2",
        ),
        sent(ID="2", Marital_Status="Alone"),
        sent(ID="3", Income="", Education="Doctor"),
        sent(ID="4", Income=""),
        sent(ID="", MntWines="-1"),
    ]


def test_every_row_is_accounted_for_with_each_reason_counted(
    run: Callable[..., Any], rows: Rows, frame_of: Callable[..., Any]
) -> None:
    found = run(rows, frame_of)["accounting"]
    assert len(found.pop("columns")) == len(CONTRACT)
    assert found == {
        "source_name": "customers.csv",
        "source_sha256": "0" * 64,
        "rows_in": 6,
        "customers": 2,
        "quarantined": 3,
        "repeats": 1,
        "replaced": 0,
        "removed": 0,
        "reasons": {
            "income: missing": 2,
            "customer_id: missing": 1,
            "spend_wines: negative": 1,
        },
        "lost_values": {"complained: above 1": 1},
        "shared_keys": 0,
        "outside_window": 0,
        "as_of": "2014-06-30",
        "newest_dates": {"enrolled_on": "2012-09-24"},
        "date_formats": {"enrolled_on": "%d-%m-%Y"},
        "ignored": [],
        "absent": [],
        "nearest": "",
        "warnings": [],
    }


def test_silver_holds_the_customers_and_gold_a_row_for_each(
    run: Callable[..., Any], rows: Rows, frame_of: Callable[..., Any]
) -> None:
    found = run(rows, frame_of)
    assert [row["customer_id"] for row in found["silver"]] == ["1", "2"]
    first, second = found["gold"]
    assert (first["customer_id"], second["customer_id"]) == ("1", "2")
    assert (second["age"], second["spend_total"], second["marital_status_single"]) == (57, 1617, 1)
    assert (first["purchases_total"], first["deal_share"], first["average_basket"]) == (0, 0, 0)
    assert set(FEATURES) < set(second)
    assert not any(value is None for value in second.values())
    assert {name for name, value in first.items() if _is_missing(value)} == {"complained"}


def test_customers_are_in_the_order_of_their_keys(
    sent: Callable[..., dict[str, str]], run: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    found = run([sent(ID=key) for key in ("b", "10", "é", "9", "B")], frame_of)
    for table in ("silver", "gold"):
        assert [row["customer_id"] for row in found[table]] == ["10", "9", "B", "b", "é"]


def _is_missing(value: object) -> bool:
    return value is None or value != value  # noqa: PLR0124 - NaN


def test_both_engines_give_the_same_tables(run: Callable[..., Any], rows: Rows) -> None:
    found = [run(rows, engine) for engine in (pd.DataFrame, pl.DataFrame)]
    for outputs in found:
        for table in ("silver", "gold"):
            outputs[table] = [
                {name: None if _is_missing(value) else value for name, value in row.items()}
                for row in outputs[table]
            ]
    assert found[0] == found[1]


def test_the_run_fails_when_a_row_is_lost(
    rows: Rows,
    bronze_of: Callable[..., Any],
    frame_of: Callable[..., Any],
    customer_parameters: Schema,
) -> None:
    bronze = bronze_of(rows, frame_of)
    reading = settle_reading(bronze, customer_parameters)
    checked = check_rows(bronze, reading, customer_parameters)
    quarantine = quarantine_rows(checked, reading, customer_parameters)
    lost = nw.from_native(quarantine).head(2).to_native()
    with pytest.raises(RuntimeError, match="rows in do not equal customers"):
        account_for_rows(bronze, checked, lost, reading, customer_parameters)


def test_a_missing_column_that_a_selected_feature_needs_is_refused_by_name(
    rows: Rows, run: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    without = [
        {
            header: cell
            for header, cell in row.items()
            if header not in ("MntFishProducts", "Income")
        }
        for row in rows
    ]
    with pytest.raises(UserError) as caught:
        run(without, frame_of)
    message = str(caught.value)
    assert message.startswith("customers.csv: no column for `income` (header Income or income)")
    assert "`spend_fish` (header MntFishProducts or spend_fish)" in message


def test_an_absent_column_that_is_not_needed_is_left_out_with_a_warning_of_what_is_lost(
    rows: Rows,
    run: Callable[..., Any],
    frame_of: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    headers = ("Dt_Customer", "Complain")
    without = [{h: cell for h, cell in row.items() if h not in headers} for row in rows]
    with caplog.at_level(logging.WARNING):
        found = run(without, frame_of)
    (warning,) = caplog.messages
    assert warning.startswith("customers.csv has no column for enrolled_on, complained: left out")
    assert warning.endswith("and with them tenure_days.")
    assert set(FEATURES) - set(found["gold"][0]) == {"tenure_days"}
    assert "complained" not in found["silver"][0]
    assert found["accounting"]["customers"] == 2


def test_a_whole_source_gives_no_warning(
    rows: Rows,
    run: Callable[..., Any],
    frame_of: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        run(rows, frame_of)
    assert caplog.messages == []


def test_a_source_without_a_single_customer_is_refused_with_the_commonest_reason(
    sent: Callable[..., dict[str, str]], run: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    rows = [
        sent(ID="1", MntWines="1,5"),
        sent(ID="2", MntWines="2,5", Income="x"),
    ]
    expected = (
        r"customers\.csv: 2 of 2 rows \(100 %\) .* Most often for: spend_wines: not a number \(2\)"
    )
    with pytest.raises(UserError, match=expected):
        run(rows, frame_of)


def test_one_row_in_a_hundred_with_a_key_of_others_stops_as_order_lines(
    sent: Callable[..., dict[str, str]], run: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    rows = [sent(ID=str(number)) for number in range(98)]
    lines = [sent(ID="7", MntWines=str(wines)) for wines in (1, 2)]
    with pytest.raises(UserError, match=r"3 of 100 rows .* This looks like order lines"):
        run([*rows, *lines], frame_of)


def test_dates_that_nobody_can_tell_are_refused_with_the_file_and_the_lines_to_add(
    sent: Callable[..., dict[str, str]],
    run: Callable[..., Any],
    frame_of: Callable[..., Any],
    customers_block: dict[str, Any],
) -> None:
    rows = [sent(ID=str(month), Dt_Customer=f"{month}/01/2013") for month in range(1, 13)]
    with pytest.raises(UserError) as caught:
        run(rows, frame_of)
    message = str(caught.value)
    assert message.startswith("customers.csv: the dates of enrolled_on ('Dt_Customer') can be read")
    line = '`customers.date_formats: ["%m/%d/%Y"]`'
    assert f"{line} (conf/schemas/marketing_campaign.yml)." in message
    declared = Schema.model_validate(customers_block | {"date_formats": ["%m/%d/%Y"]})
    found = run(rows, frame_of, declared)
    assert [row["enrolled_on"].month for row in found["silver"]] == [1, 10, 11, 12, *range(2, 10)]
    assert found["accounting"]["date_formats"] == {"enrolled_on": "%m/%d/%Y"}


def test_dates_that_nothing_fits_and_nothing_needs_are_left_out_with_advice_that_can_be_followed(
    sent: Callable[..., dict[str, str]],
    run: Callable[..., Any],
    frame_of: Callable[..., Any],
    customers_block: dict[str, Any],
) -> None:
    rows = [sent(ID=str(day), Dt_Customer=f"{day}-Feb-13") for day in range(1, 10)]
    found = run(rows, frame_of)
    assert found["accounting"]["newest_dates"] == {}
    assert found["accounting"]["lost_values"] == {"enrolled_on: not a date": 9}
    (warning,) = found["accounting"]["warnings"]
    declared = {"date_formats": ["%d-%b-%y"], "two_digit_years_before": 30}
    for name, value in declared.items():
        assert f"customers.{name}: {json.dumps(value)}" in warning
    found = run(rows, frame_of, Schema.model_validate(customers_block | declared))
    assert found["accounting"]["newest_dates"] == {"enrolled_on": "2013-02-09"}


def test_what_may_mean_something_else_is_in_the_account_and_in_the_refusal(
    sent: Callable[..., dict[str, str]], run: Callable[..., Any], frame_of: Callable[..., Any]
) -> None:
    rows = [sent(ID=str(number), Income="58.138") for number in range(3)]
    (warning,) = run(rows, frame_of)["accounting"]["warnings"]
    assert warning.startswith("most fractions have exactly three digits in income (3, such as")
    rows = [sent(ID=str(number), Income="58138,50") for number in range(3)]
    with pytest.raises(UserError, match=r'`customers.decimal_sign: ","`'):
        run(rows, frame_of)
