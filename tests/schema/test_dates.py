"""Formats of dates: what each reads, the same on every engine and in Python."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from itertools import product
from typing import Any

import narwhals as nw
import pytest

from customer_segmentation.schema.dates import DateFormat, ParsedDate
from tests.schema.evaluating import evaluated

FORMATS = ["%d-%m-%Y", "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y"]
YEARS = [1, 999, 1900, 2000, 2012, 2013, 2100, 9999]


def dates(
    texts: list[str], fmt: str, engine: Callable[..., Any], *, has_time: bool = False
) -> list[float | None]:
    """What a column says in a format, which every single text says alike in Python."""
    parsed = ParsedDate("text", DateFormat.of(fmt, pivot=30), has_time)
    day = nw.when(parsed.is_date).then(parsed.ordered)
    found = [found for (found,) in evaluated(texts, engine, *parsed.levels, day=day)]
    days = [parsed.format.day(text) for text in texts]
    assert found == [day and float(f"{day.year:04}{day:%m%d}") for day in days]
    return found


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
    assert dates(texts, fmt, frame_of) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "31-02-2013", "29-02-1900", "01-13-2013", "01-01-0000", "01012013"),
        *("1-1-13", "01-01-20130", "001-01-2013", "01-01/2013", "01.01.2013", "2013-01-01"),
        *("-1-01-2013", "01--2013", "\u0660\u0661-01-2013", "1 Jan 2013", "01-01-2013 soon"),
    ],
)
def test_text_that_is_no_day_of_the_calendar_is_no_date(
    text: str, frame_of: Callable[..., Any]
) -> None:
    assert dates([text], "%d-%m-%Y", frame_of) == [None]


@pytest.mark.parametrize("separator", ["-", "/", ".", " "])
def test_every_separator_stands_for_itself_alone(
    separator: str, frame_of: Callable[..., Any]
) -> None:
    texts = [other.join(["30", "06", "2014"]) for other in "-/. x"]
    fmt = separator.join(["%d", "%m", "%Y"])
    expected = [20140630.0 if other == separator else None for other in "-/. x"]
    assert dates(texts, fmt, frame_of) == expected


@pytest.mark.parametrize(
    ("fmt", "text", "day"),
    [
        ("%d-%b-%y", "8-Feb-13", 20130208),
        ("%d-%b-%Y", "08-FEBRUARY-2013", 20130208),
        ("%d %b %Y", "30 sept 2013", 20130930),
        ("%d %B %Y", "1 May 2013", 20130501),
        ("%b %d, %Y", "Feb 8, 2013", 20130208),
        ("%b %d, %Y", "December 31, 2013", 20131231),
        ("%d. %b %Y", "8. Feb 2013", 20130208),
        ("%d%b%Y", "8FEB2013", 20130208),
        ("%Y-%b-%d", "2013-Feb-8", 20130208),
        ("%Y%m%d", "20130208", 20130208),
        ("%d%m%Y", "08022013", 20130208),
        ("%y-%m-%d", "13-2-8", 20130208),
        ("%d/%m/%y", "8/2/29", 20290208),
        ("%d/%m/%y", "8/2/30", 19300208),
        ("%d-%b-%Y", "31-Feb-2013", None),
        ("%d-%b-%Y", "8-Feu-2013", None),
        ("%d-%m-%y", "08-02-2013", None),
        ("%d-%m-%Y", "08-02-13", None),
        ("%Y%m%d", "2013028", None),
    ],
)
def test_months_by_name_and_years_of_two_digits_are_read(
    fmt: str, text: str, day: float | None, frame_of: Callable[..., Any]
) -> None:
    assert dates([text, "x"], fmt, frame_of) == [day, None]


@pytest.mark.parametrize(
    "time",
    [
        *("", "T00:00:00", "T23:59:59Z", " 10:00", "T10:00:00.123456+02:00", " 1:02:03 PM"),
        *("T10:00:00-0500", " 00:00:00.000 UTC", " 12:00 a.m."),
    ],
)
@pytest.mark.parametrize(
    ("fmt", "day"), [("%Y-%m-%d", "2013-02-08"), ("%d/%m/%Y", "8/2/2013"), ("%d-%b-%y", "8-Feb-13")]
)
def test_a_time_after_the_day_is_dropped(
    fmt: str, day: str, time: str, frame_of: Callable[..., Any]
) -> None:
    for written in (fmt, f"{fmt} %H:%M", f"{fmt}T%H:%M:%S"):
        texts = [day + time, day + " 10:00"]
        assert dates(texts, written, frame_of, has_time=True) == [20130208.0] * 2


@pytest.mark.parametrize("time", ["T", " soon", " 10", "T1:2", "10:00", " 10:00 x"])
def test_what_is_no_time_makes_no_date(time: str, frame_of: Callable[..., Any]) -> None:
    assert dates([f"2013-02-08{time}"], "%Y-%m-%d", frame_of, has_time=True) == [None]


def test_days_that_a_spreadsheet_numbers_are_read(frame_of: Callable[..., Any]) -> None:
    serials = [*range(100, 3_000, 7), *range(36_000, 51_000, 13), 999_999]
    days = [date(1899, 12, 30) + timedelta(serial) for serial in serials]
    expected = [float(f"{day:%Y%m%d}") for day in days]
    assert dates([str(serial) for serial in serials], "excel", frame_of) == expected
    texts = ["41313", "41313.0", "41313.75", "4131x", "-41313", "1000000", "60", ""]
    found = [20130208.0] * 3 + [None] * 5
    assert dates(texts, "excel", frame_of) == found
