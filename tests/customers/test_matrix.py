"""Canonical columns as numbers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import narwhals as nw
import pytest

from tests.marketing import (
    COLUMNS,
    EDUCATION,
    canonical_columns,
    describe,
    numeric_columns,
    numeric_expressions,
)

Records = list[dict[str, Any]]


def numbers(table: Any, records_of: Callable[..., Records]) -> Records:
    frame = nw.from_native(table)
    return records_of(frame.select(**numeric_expressions(frame.columns)).to_native())


def test_a_category_becomes_the_code_of_its_place_in_the_contract(
    frame_of: Callable[..., Any], records_of: Callable[..., Records]
) -> None:
    table = frame_of({"education": list(EDUCATION)})
    assert numbers(table, records_of) == [{"education": float(code)} for code in range(5)]


def test_a_date_becomes_its_year_and_day_of_the_year(
    frame_of: Callable[..., Any], records_of: Callable[..., Records]
) -> None:
    days = [datetime(2012, 12, 31), datetime(2013, 1, 1), datetime(2014, 12, 31)]  # noqa: DTZ001
    table = frame_of({"enrolled_on": days, "as_of": days})
    assert numbers(table, records_of) == [
        {"enrolled_year": y, "enrolled_day": d, "as_of_year": y, "as_of_day": d}
        for y, d in ((2012.0, 366.0), (2013.0, 1.0), (2014.0, 365.0))
    ]


def test_missing_stays_missing(
    frame_of: Callable[..., Any], records_of: Callable[..., Records]
) -> None:
    table = frame_of(
        {
            "education": ["phd", None],
            "income": [1.5, None],
            "enrolled_on": [datetime(2013, 2, 1), None],  # noqa: DTZ001 - a day has no time zone
        }
    )
    assert numbers(table, records_of) == [
        {"education": 4.0, "income": 1.5, "enrolled_year": 2013.0, "enrolled_day": 32.0},
        dict.fromkeys(["education", "income", "enrolled_year", "enrolled_day"]),
    ]


def test_whole_numbers_become_float64(frame_of: Callable[..., Any]) -> None:
    frame = nw.from_native(frame_of({"kids_home": [1, 2]}))
    table = frame.select(**numeric_expressions(frame.columns))
    assert table.schema == {"kids_home": nw.Float64()}


def test_the_order_is_the_contracts_whatever_the_tables() -> None:
    columns = ["as_of", "income", "note", "customer_id", "enrolled_on", "year_birth"]
    expected = ("year_birth", "income", "enrolled_year", "enrolled_day", "as_of_year", "as_of_day")
    assert numeric_columns(columns) == expected
    assert tuple(numeric_expressions(columns)) == expected


def test_numeric_columns_come_from_canonical_columns() -> None:
    assert canonical_columns(["as_of_year", "enrolled_day", "income"]) == ("income", "enrolled_on")
    for name in set(COLUMNS) - {"customer_id"}:
        assert canonical_columns(numeric_columns([name])) == (name,)


@pytest.mark.parametrize(
    ("name", "description", "unit"),
    [
        ("income", "Yearly income of the household", "monetary units"),
        ("enrolled_year", "Day the customer enrolled: its year", ""),
        ("as_of_day", "Day of the snapshot: its day of the year", ""),
        (
            "education",
            "Highest education, as a code: 0 basic, 1 graduation, 2 second_cycle, 3 master, 4 phd",
            "code",
        ),
    ],
)
def test_every_numeric_column_is_described(name: str, description: str, unit: str) -> None:
    assert describe(name) == (description, unit)
