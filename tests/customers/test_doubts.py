"""What in a source may mean something else: said in one sentence, with what to configure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import narwhals as nw
import pandas as pd
import pyarrow as pa
import pytest

from customer_segmentation.customers.doubts import doubts_about
from customer_segmentation.customers.quarantine import check_customers, map_headers
from customer_segmentation.customers.reading import settle
from customer_segmentation.schema.schema import Schema
from tests.conftest import GOOD_ROW
from tests.marketing import COLUMNS

Doubts = Callable[..., list[str]]
Cells = list[dict[str, str]]


@pytest.fixture(scope="session")
def doubts(
    bronze_of: Callable[..., Any],
    sent: Callable[..., dict[str, str]],
    customers_block: dict[str, Any],
) -> Doubts:
    """Changed cells of some rows -> the doubts about them.

    Each column takes time: only those that are changed are there, and three that others stand on.
    """

    def find(
        changes: Cells, engine: Callable[..., Any], absent: Iterable[str] = (), **declared: Any
    ) -> list[str]:
        parameters = Schema.model_validate(customers_block | declared)
        headers = {"ID", "Income", "Dt_Customer"}.union(*changes) - {*absent}
        good = {header: cell for header, cell in sent().items() if header in headers}
        rows = [good | {"ID": f"C{n}"} | cells for n, cells in enumerate(changes)]
        bronze = nw.from_native(bronze_of(rows, engine)).lazy()
        mapped = map_headers(bronze.collect_schema().names(), parameters)
        reading = settle(bronze, mapped, parameters)
        checked = check_customers(bronze, reading, ["income"])
        return doubts_about(checked, reading, checked.lost_values(reading) | reasons(mapped))

    return find


def reasons(mapped: Iterable[str]) -> dict[str, int]:
    """As though every row had them: how many there are is another's to count."""
    return {f"{name}: not a number": 1000 for name in mapped if COLUMNS[name].kind == "number"}


def test_a_source_that_means_what_it_says_raises_no_doubt(
    doubts: Doubts, frame_of: Callable[..., Any]
) -> None:
    cells = [{"Income": cell} for cell in ("58138", "58138.5", "58138.25", "58138.125", "0.5")]
    rows = [GOOD_ROW | changed | {"ID": f"{n}"} for n, changed in enumerate(cells)]
    assert doubts(rows, frame_of) == []


@pytest.mark.parametrize("cells", [["58.138", "46.344", "71.613"], ["635", "88", "1.215"]])
def test_fractions_of_three_digits_in_a_column_of_money_are_doubted(
    cells: list[str], doubts: Doubts, frame_of: Callable[..., Any]
) -> None:
    (doubt,) = doubts([{"MntWines": cell} for cell in cells], frame_of)
    assert doubt.startswith("most fractions have exactly three digits in spend_wines (")
    assert f"such as {min(cell for cell in cells if '.' in cell)!r}" in doubt
    assert '`customers.thousands_sign: "."` and `customers.decimal_sign: ","`' in doubt
    rows = [{"MntWines": cell} for cell in cells]
    assert doubts(rows, frame_of, thousands_sign=".", decimal_sign=",") == []


def test_three_digits_after_a_declared_comma_are_doubted_too(
    doubts: Doubts, frame_of: Callable[..., Any]
) -> None:
    (doubt,) = doubts([{"MntWines": "1,215"}], frame_of, decimal_sign=",")
    assert '`customers.thousands_sign: ","` and `customers.decimal_sign: "."`' in doubt


def test_fractions_of_what_is_no_money_are_not_doubted(
    doubts: Doubts, frame_of: Callable[..., Any]
) -> None:
    assert doubts([{"Recency": "1.215"}], frame_of) == []


@pytest.mark.parametrize(
    ("cell", "what", "line", "declared"),
    [
        ("58138,50", "a decimal comma", 'customers.decimal_sign: ","', {"decimal_sign": ","}),
        (
            "58.138,50",
            "a decimal comma",
            'customers.thousands_sign: "."',
            {"decimal_sign": ",", "thousands_sign": "."},
        ),
        (
            "1,258,138.50",
            "groups of thousands",
            'customers.thousands_sign: ","',
            {"thousands_sign": ","},
        ),
        ("58 138", "groups of thousands", "customers.thousands_sign", {"thousands_sign": " "}),
        ("$58138", "signs around them", "customers.ignored_signs", {"ignored_signs": ["$"]}),
        ("12 %", "signs around them", 'ignored_signs: ["%", " "]', {"ignored_signs": ["%", " "]}),
        (
            "$1,730",
            "groups of thousands",
            'customers.ignored_signs: ["$"]',
            {"thousands_sign": ",", "ignored_signs": ["$"]},
        ),
    ],
)
def test_numbers_as_others_write_them_are_told_with_what_makes_them_numbers(  # noqa: PLR0913, PLR0917 - a row of the table
    cell: str,
    what: str,
    line: str,
    declared: dict[str, Any],
    doubts: Doubts,
    frame_of: Callable[..., Any],
) -> None:
    rows = [{"MntWines": cell}] * 3
    (doubt,) = doubts(rows, frame_of)
    assert f"3 cells of spend_wines have {what}, such as {cell!r}" in doubt
    assert line in doubt
    assert doubts(rows, frame_of, **declared) == []


def test_what_was_declared_is_not_advised_again(
    doubts: Doubts, frame_of: Callable[..., Any]
) -> None:
    (doubt,) = doubts([{"MntWines": "$1,730"}], frame_of, thousands_sign=",")
    assert doubt.endswith(': add `customers.ignored_signs: ["$"]`')


@pytest.mark.parametrize("cell", ["($1730)", "1730-", "58k", "58 Mio", "1730 DR"])
def test_nobody_is_advised_to_ignore_what_may_change_a_number(
    cell: str, doubts: Doubts, frame_of: Callable[..., Any]
) -> None:
    (doubt,) = doubts([{"MntWines": cell}], frame_of)
    assert "ignored_signs: [" not in doubt
    assert "write plain numbers" in doubt


def test_ids_that_differ_by_zeros_alone_are_counted_with_examples(
    doubts: Doubts, frame_of: Callable[..., Any]
) -> None:
    ids = ["5524", "5524.0", "00123", "123", "007", "8", "9.0", "0", "A1", "0A1", "10", "100"]
    (doubt,) = doubts([{"ID": key} for key in ids], frame_of)
    assert doubt.startswith("6 ids differ from another only by zeros")
    assert "'00123' and '123', '0A1' and 'A1', '5524' and '5524.0'" in doubt


def test_a_column_of_dates_that_nothing_fits_and_nothing_needs_is_doubted(
    doubts: Doubts, frame_of: Callable[..., Any]
) -> None:
    (doubt,) = doubts([{"Dt_Customer": "8-Feb-13"}, {"Dt_Customer": "18-Feb-13"}], frame_of)
    assert doubt.startswith("2 of 2 dates of enrolled_on ('Dt_Customer') are not of the format")


@pytest.mark.spark
def test_spark_has_the_same_doubts(doubts: Doubts, spark: Any) -> None:
    cells = [
        {"ID": "1", "MntWines": "1.215", "MntMeatProducts": "58,5"},
        {"ID": "1.0", "Dt_Customer": "soon"},
    ]
    found = doubts(cells, lambda columns: spark.createDataFrame(pa.table(columns)))
    assert found == doubts(cells, pd.DataFrame)
    assert len(found) == 4
