"""Text cells as numbers, dates and categories, the same on every engine."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from itertools import product
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_segmentation.customers.cells import (
    Columns,
    ParsedDate,
    ParsedNumber,
    category,
    missing_as_empty,
    stripped,
)

FORMATS = ["%d-%m-%Y", "%Y-%m-%d", "%d/%m/%Y"]
YEARS = [1, 999, 1900, 2000, 2012, 2013, 2100, 9999]
Rows = list[tuple[Any, ...]]


def evaluated(
    texts: list[str], engine: Callable[..., Any], *levels: Columns, **expressions: nw.Expr
) -> Rows:
    """The expressions over a column `text`, one tuple a row, missing as None."""
    table = nw.from_native(engine({"text": texts}))
    for level in levels:
        table = table.with_columns(**level)
    return [
        tuple(None if pd.isna(v) else v for v in row) for row in table.select(**expressions).rows()
    ]


def numbers(texts: list[str], engine: Callable[..., Any]) -> Rows:
    parsed = ParsedNumber("text")
    found = {"value": parsed.value, "malformed": parsed.malformed, "infinite": parsed.not_finite}
    return evaluated(texts, engine, *parsed.levels, **found)


def dates(texts: list[str], formats: list[str], engine: Callable[..., Any]) -> list[float | None]:
    parsed = ParsedDate("text", formats)
    day = nw.when(parsed.is_date).then(parsed.ordered)
    return [found for (found,) in evaluated(texts, engine, *parsed.levels, day=day)]


@pytest.mark.parametrize(
    "cell",
    ["5", " 5", "5\t", "\r\n5 ", "\xa05", "\u20035\u3000", "\x1c5\x1d", "\x1e5\x1f", "\x855"],
)
def test_white_space_around_a_cell_does_not_count(cell: str, frame_of: Callable[..., Any]) -> None:
    assert evaluated([cell], frame_of, cell=stripped("text")) == [("5",)]


@pytest.mark.parametrize("cell", ["", "  ", "NA", " NA ", "NULL", None])
def test_every_spelling_of_a_missing_value_is_empty_text(
    cell: str | None, frame_of: Callable[..., Any]
) -> None:
    spellings = ["", "NA", "NULL"]
    texts = ["x", cell]
    assert evaluated(texts, frame_of, cell=missing_as_empty(stripped("text"), spellings)) == [
        ("x",),
        ("",),
    ]


def test_white_space_within_a_cell_stays(frame_of: Callable[..., Any]) -> None:
    assert evaluated([" 2n  Cycle "], frame_of, cell=stripped("text")) == [("2n  Cycle",)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0.0),
        ("58138", 58138.0),
        ("+5", 5.0),
        ("-3.25", -3.25),
        (".5", 0.5),
        ("1.", 1.0),
        ("007", 7.0),
        ("1e3", 1000.0),
        ("1E+3", 1000.0),
        ("0.1", 0.1),
        ("1e-400", 0.0),
        ("4.9e-324", 5e-324),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("123456789012345678901234567890", 1.2345678901234568e29),
    ],
)
def test_a_decimal_number_is_read(text: str, value: float, frame_of: Callable[..., Any]) -> None:
    assert numbers([text], frame_of) == [(value, False, False)]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "x",
            "1,5",
            "1.000,00",
            "1 000",
            "$5",
            "0x1F",
            "1_000",
            "--1",
            "+",
            ".",
            "e5",
            "1e",
            "1e1234",
        ),
        *("\u0663", "\uff15", "\xbd", "1\n2", "1.5.2", "infinit", "nano", "1d"),
    ],
)
def test_text_that_is_no_decimal_number_is_malformed(
    text: str, frame_of: Callable[..., Any]
) -> None:
    assert numbers([text], frame_of) == [(None, True, False)]


@pytest.mark.parametrize(
    "text", ["nan", "NaN", "-nan", "inf", "+Inf", "-INF", "Infinity", "1e999", "-1e999", "9" * 310]
)
def test_a_number_that_is_not_finite_is_refused_as_such(
    text: str, frame_of: Callable[..., Any]
) -> None:
    assert numbers([text], frame_of) == [(None, False, True)]


def test_empty_text_is_no_number_and_not_malformed(frame_of: Callable[..., Any]) -> None:
    assert numbers([""], frame_of) == [(None, False, False)]


@settings(max_examples=30)
@given(st.lists(st.one_of(st.floats().map(repr), st.text("0123456789.eE+-nifatyNI", max_size=12))))
def test_a_number_is_what_python_reads(texts: list[str]) -> None:
    found = numbers(["0", *texts], pd.DataFrame)
    assert found == numbers(["0", *texts], pl.DataFrame)
    for text, (value, malformed, infinite) in zip(texts, found[1:], strict=True):
        if value is not None:
            assert (value, malformed, infinite) == (float(text), False, False)
            continue
        assert malformed + infinite == (text != "")
        with suppress(ValueError):
            # An exponent of four digits is malformed, whatever it comes to.
            assert malformed or not math.isfinite(float(text))


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("width", [1, 2], ids=["unpadded", "padded"])
def test_a_date_is_what_the_calendar_says(
    fmt: str, width: int, frame_of: Callable[..., Any]
) -> None:
    texts, expected = [], []
    for year, month, day in product(YEARS, range(14), range(33)):
        text = fmt.replace("%Y", f"{year:04}").replace("%m", f"{month:0{width}}")
        texts.append(text.replace("%d", f"{day:0{width}}"))
        try:
            expected.append(float(date(year, month, day).strftime("%Y%m%d")))
        except ValueError:
            expected.append(None)
    assert dates(texts, FORMATS, frame_of) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "31-02-2013", "29-02-1900", "2013-13-01", "01-01-0000", "0000-01-01"),
        *("1-1-13", "01-01-20130", "001-01-2013", "01-01/2013", "01.01.2013", "2013/01/01"),
        *(
            "01-01-2013 00:00",
            "-1-01-2013",
            "01--2013",
            "\u0660\u0661-01-2013",
            "20130101",
            "1 Jan 2013",
        ),
    ],
)
def test_text_that_is_no_day_of_the_calendar_is_no_date(
    text: str, frame_of: Callable[..., Any]
) -> None:
    assert dates([text], FORMATS, frame_of) == [None]


def test_the_first_format_that_fits_is_taken(frame_of: Callable[..., Any]) -> None:
    assert dates(["02/01/2013"], ["%d/%m/%Y", "%m/%d/%Y"], frame_of) == [20130102.0]
    assert dates(["02/01/2013"], ["%m/%d/%Y", "%d/%m/%Y"], frame_of) == [20130201.0]


@pytest.mark.parametrize("separator", ["-", "/", ".", " "])
def test_every_separator_stands_for_itself_alone(
    separator: str, frame_of: Callable[..., Any]
) -> None:
    texts = [other.join(["30", "06", "2014"]) for other in "-/. x"]
    fmt = separator.join(["%d", "%m", "%Y"])
    expected = [20140630.0 if other == separator else None for other in "-/. x"]
    assert dates(texts, [fmt], frame_of) == expected


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        *(
            ("phd", "phd"),
            ("PhD", "phd"),
            ("second cycle", "second_cycle"),
            ("2N cYCLE", "second_cycle"),
        ),
        *(("Second_Cycle", "second_cycle"), ("", ""), ("doctor", ""), ("ph d", ""), ("PhD.", "")),
    ],
)
def test_a_category_is_known_by_its_name_or_a_configured_spelling(
    text: str, meaning: str, frame_of: Callable[..., Any]
) -> None:
    found = category(nw.col("text"), {" 2n Cycle": "second_cycle"}, ["phd", "second_cycle"])
    assert evaluated([text], frame_of, found=found) == [(meaning,)]


def test_a_spelling_may_give_a_category_name_another_meaning(
    frame_of: Callable[..., Any],
) -> None:
    found = category(nw.col("text"), {"master": "phd"}, ["phd", "master"])
    assert evaluated(["Master"], frame_of, found=found) == [("phd",)]
