"""Numbers in text cells, with any company's signs, the same on every engine."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_segmentation.schema.numbers import NumberSigns, ParsedNumber
from tests.schema.evaluating import Rows, evaluated


def numbers(texts: list[str], engine: Callable[..., Any], **how: Any) -> Rows:
    parsed = ParsedNumber("text", **how)
    found = {"value": parsed.value, "malformed": parsed.malformed, "infinite": parsed.not_finite}
    return evaluated(texts, engine, *parsed.levels, **found)


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


EUROPEAN = NumberSigns(",", ".")


@pytest.mark.parametrize(
    ("signs", "text", "value"),
    [
        (EUROPEAN, "58.138,50", 58138.5),
        (EUROPEAN, "1.215", 1215.0),
        (EUROPEAN, "635", 635.0),
        (EUROPEAN, "-1.234.567", -1234567.0),
        (EUROPEAN, "0,5", 0.5),
        (EUROPEAN, ",5", 0.5),
        (EUROPEAN, "1215,5e3", 1215500.0),
        (NumberSigns(".", ","), "58,138.50", 58138.5),
        (NumberSigns(",", " "), "58 138,50", 58138.5),
        (NumberSigns(",", " "), "58\u00a0138\u202f000", 58138000.0),
        (NumberSigns(".", "'"), "58\u2019138.5", 58138.5),
        (NumberSigns(ignored=("$",)), "$58138", 58138.0),
        (NumberSigns(ignored=("$",)), "-$ 5", None),
        (NumberSigns(ignored=("$", " ")), "-$\u00a05", -5.0),
        (NumberSigns(",", ".", ("EUR", "\u20ac")), "58.138,50 eur", 58138.5),
        (NumberSigns(",", ".", ("EUR", "\u20ac")), "\u20ac58.138", 58138.0),
        (NumberSigns(",", ignored=("%",)), "12,5 %", 12.5),
    ],
)
def test_numbers_are_read_with_the_signs_that_are_declared(
    signs: NumberSigns, text: str, value: float | None, frame_of: Callable[..., Any]
) -> None:
    assert numbers([text], frame_of, signs=signs) == [(value, value is None, False)]


@pytest.mark.parametrize(
    ("signs", "text"),
    [
        *(
            (EUROPEAN, text)
            for text in ("1.2.3", "12.34", "1234.567", "1.215.", "58,138.50", "1.5")
        ),
        *((NumberSigns(".", ","), text) for text in ("12,34", "1,2,3", ",123", "1,2345")),
        *((NumberSigns(","), text) for text in ("1.5", "1.215,5", "5.", ".5")),
        *((NumberSigns(ignored=("$",)), text) for text in ("$", "$$", "5 EUR", "$x", "1,5")),
        (NumberSigns(".", "'"), "1 000"),
    ],
)
def test_a_number_in_other_signs_than_those_declared_is_malformed(
    signs: NumberSigns, text: str, frame_of: Callable[..., Any]
) -> None:
    assert numbers([text], frame_of, signs=signs) == [(None, True, False)]


@pytest.mark.parametrize("text", ["nan", "-Infinity", "1e999"])
def test_declared_signs_change_nothing_about_what_is_not_finite(
    text: str, frame_of: Callable[..., Any]
) -> None:
    assert numbers([text], frame_of, signs=EUROPEAN) == [(None, False, True)]


def test_a_flag_may_be_spelled_in_words(frame_of: Callable[..., Any]) -> None:
    texts = ["yes", "NO", "Yes", "s\u00ed", "S\u00cd", "1.0", "0", "maybe", "", "yess", "n.a"]
    words = {"yes": 1, "no": 0, "s\u00ed": 1, "n.a": 0}
    values = [1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, None, None, None, 0.0]
    found = [
        (value, value is None and text != "", False)
        for value, text in zip(values, texts, strict=True)
    ]
    assert numbers(texts, frame_of, words=words) == found
