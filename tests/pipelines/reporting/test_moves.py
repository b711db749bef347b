"""Who moved, in words and as a picture whose parts add up."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from customer_segmentation.pipelines.reporting.moves import WIDTH, Moves, explain_moves
from tests.marketing import SCHEMA

NAMES = ["High-value", "Price-sensitive", "Low-spend"]
Inputs = Callable[..., dict[str, Any]]


@pytest.fixture
def flow(inputs_for: Inputs) -> dict[str, Any]:
    found: dict[str, Any] = inputs_for(NAMES)["flow"]
    return found


def explained(flow: dict[str, Any], **changes: Any) -> Moves:
    return explain_moves(SCHEMA, flow | changes)


def test_a_first_run_says_that_history_begins(flow: dict[str, Any]) -> None:
    moves = explained(flow, before=None)
    assert moves.picture is None
    assert moves.rows == ()
    (sentence,) = moves.sentences
    assert sentence.startswith("The history begins with this run")


def test_who_moved_and_why_and_what_they_have_in_common_is_told(flow: dict[str, Any]) -> None:
    who, why, others, common = explained(flow).sentences
    assert who.replace("\N{NO-BREAK SPACE}", " ") == (
        "Of the 618 customers who are in both snapshots (2014-05-31, 2014-06-30), 18 (3 %) are in "
        "another segment now."
    )
    assert why == "They moved: 12 because their data changed and 6 because the model changed."
    assert others == "Besides, 15 are new."
    assert common.replace("\N{NO-BREAK SPACE}", " ") == (
        "What those who moved have in common (their average against that of those who stayed): "
        "margin before 0.20 against 0.50, share of purchases with a discount 51 % against 27 % and "
        "yearly income 41,000 against 52,000."
    )


def test_two_models_of_one_day_are_told_apart_by_their_versions(flow: dict[str, Any]) -> None:
    moves = explained(flow, as_of="2014-05-31")
    assert "of 2014-05-31 whom a run before told of, too" in moves.sentences[0]
    assert (moves.before, moves.now) == ("ba9876543210", "0123456789ab")


def test_where_the_model_of_then_is_gone_that_is_said(flow: dict[str, Any]) -> None:
    causes = {"data": 0, "model": 0, "both": 0, "unknown": 18}
    told = " ".join(explained(flow, causes=causes).sentences)
    assert "18 for a reason that cannot be told" in told
    assert "artifact ba9876543210) is not kept any more" in told


def test_nobody_moved(flow: dict[str, Any]) -> None:
    stayed = [each for each in flow["flows"] if each["from"] == each["to"]]
    moves = explained(flow, flows=stayed, moved=0, in_common=[], entered={})
    assert moves.picture is None
    assert len(moves.sentences) == 1
    assert moves.sentences[0].endswith("nobody is in another segment.")


def test_every_move_is_a_row_the_largest_first(flow: dict[str, Any]) -> None:
    last = flow["flows"][-2]
    changed = last | {"customers": 30, "data": 30, "model": 0}
    flows = [changed if each is last else each for each in flow["flows"]]
    rows = explained(flow, flows=flows).rows
    assert rows[0] == ("Low-spend", "Price-sensitive", "30", "data")
    assert rows[1] == ("High-value", "Price-sensitive", "3", "data 2, model 1")
    assert len(rows) == 6


@pytest.mark.parametrize("segments", range(2, 11))
def test_the_picture_has_a_ribbon_a_move_from_bar_to_bar(inputs_for: Inputs, segments: int) -> None:
    names = [f"Segment of a long name, {number} of {segments}" for number in range(segments)]
    picture = explained(inputs_for(names)["flow"]).picture
    assert picture
    assert len(picture.ribbons) == segments * (segments - 1)
    assert len(picture.left) == len(picture.right) == segments
    for side, position in ((picture.left, 0), (picture.right, 1)):
        begins = {round(_ends(ribbon.path)[position], 1) for ribbon in picture.ribbons}
        for bar in side:
            assert any(abs(begin - bar.y) < 0.2 for begin in begins)
        # A name stands between two bars, and none leaves the picture.
        for upper, lower in pairwise(side):
            assert lower.y - (upper.y + upper.height) >= 20.0
        assert side[-1].y + side[-1].height <= picture.height
    assert all(0.0 <= bar.x < WIDTH for bar in (*picture.left, *picture.right))
    assert "0 of" in picture.alternative


def _ends(path: str) -> tuple[float, float]:
    """Where a ribbon begins on the left and on the right."""
    numbers = [float(number) for number in re.findall(r"[\d.]+", path)]
    return numbers[1], numbers[7]
