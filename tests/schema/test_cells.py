"""What cells of all kinds share, and categories, the same on every engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals as nw
import pytest

from customer_segmentation.schema.cells import category, missing_as_empty, stripped
from tests.schema.evaluating import evaluated


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
    found = category(nw.col("text"), {" 2n Cycle": "second_cycle"}, ["phd", "second_cycle"], [])
    assert evaluated([text], frame_of, found=found) == [(meaning,)]


def test_what_is_not_listed_is_the_other_category_and_what_is_missing_stays_so(
    frame_of: Callable[..., Any],
) -> None:
    found = category(nw.col("text"), {"TV set": "tv"}, ["tv", "rest"], ["unknown"], "rest")
    texts = ["tv set", "a lamp", "rest", "Unknown", ""]
    expected = [("tv",), ("rest",), ("rest",), ("?",), ("",)]
    assert evaluated(texts, frame_of, found=found) == expected


def test_a_spelling_may_give_a_category_name_another_meaning(
    frame_of: Callable[..., Any],
) -> None:
    found = category(nw.col("text"), {"master": "phd"}, ["phd", "master"], [])
    assert evaluated(["Master"], frame_of, found=found) == [("phd",)]


def test_a_word_for_a_category_that_nobody_knows_is_no_spelling_of_one(
    frame_of: Callable[..., Any],
) -> None:
    words = category(
        nw.col("text"), {"Other": "phd"}, ["phd", "none"], ["other", "Not Stated", "None"]
    )
    texts = ["NOT stated", "other", "none", "phd", "x", ""]
    found = [("?",), ("phd",), ("none",), ("phd",), ("",), ("",)]
    assert evaluated(texts, frame_of, found=words) == found
