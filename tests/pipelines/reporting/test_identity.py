"""What the report and the run's last lines say of names that are the champion's."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_jsonable_python

from customer_segmentation.pipelines.reporting.identity import explain_identity, new_names
from customer_segmentation.pipelines.reporting.nodes import build_report, summarise_segments
from customer_segmentation.segmentation.identity import Identity, Match
from tests.marketing import SCHEMA

CHAMPION = "0123456789ab"


def told(*segments: Match, **others: Any) -> dict[str, Any]:
    found = to_jsonable_python(Identity(CHAMPION, segments=segments, **others))
    assert isinstance(found, dict)
    return found


def carried(name: str, usual: str = "", distance: float = 0.04) -> Match:
    return Match("key", name, usual or name, is_carried=True, nearest=name, distance=distance)


def new(name: str, nearest: str = "High-value", distance: float | None = 0.456) -> Match:
    return Match("key", name, name, is_carried=False, nearest=nearest, distance=distance)


def test_without_a_champion_nothing_is_said() -> None:
    identity = to_jsonable_python(Identity())
    assert explain_identity(identity) == new_names(identity) == []


def test_segments_that_keep_their_names_are_told_with_how_many_customers_move() -> None:
    identity = told(carried("High-value"), carried("Low-spend", distance=0.1), moved=0.031)
    (sentence,) = explain_identity(identity)
    assert sentence.startswith(
        "Compared with the champion 0123456789ab, High-value (distance 0.04) and Low-spend "
        "(distance 0.10) keep their names; 3\N{NO-BREAK SPACE}% of customers change segment."
    )
    assert not new_names(identity)


def test_new_and_gone_segments_are_named() -> None:
    identity = told(carried("High-value"), new("Moderate"), new("Empty", "", None), gone=("Low",))
    assert (
        "High-value (distance 0.04) keeps its name"
        in explain_identity(identity | {"moved": 0.5})[0]
    )
    come, go = new_names(identity)
    assert come == (
        "New, against the champion 0123456789ab: Moderate (nearest to High-value, distance 0.46) "
        "and Empty."
    )
    assert go == "Gone, of the champion's segments: Low."
    assert not explain_identity(told(new("Moderate"), moved=1.0))


def test_a_name_that_no_longer_says_what_customers_do_is_told() -> None:
    identity = told(
        carried("Low-spend", "Moderate, lower age"),
        carried("High-value, since 2014-06-30", "High-value, higher age"),
        moved=0.0,
    )
    (sentence,) = new_names(identity)
    assert sentence == (
        "Low-spend is named after the champion; by what it does now, it would be Moderate, lower "
        "age."
    )


def test_a_champion_that_cannot_be_compared_with_is_told() -> None:
    identity = told(unmatched="the champion is made of age, which customers lack")
    assert not explain_identity(identity)
    (sentence,) = new_names(identity)
    assert sentence == (
        "Names start anew, and none means the champion's segment of that name: the champion is "
        "made of age, which customers lack."
    )


def test_the_terminal_and_the_page_say_it(inputs: dict[str, Any]) -> None:
    identity = told(carried("High-value", "Moderate"), moved=0.0)
    inputs["identity"] = identity
    page = build_report(**inputs)
    told_of = (inputs[name] for name in ("clustering", "identity", "supervised", "lifetime"))
    last_lines = summarise_segments(inputs["profiles"], SCHEMA, *told_of, "page")
    for text in new_names(identity):
        assert text in page
        assert text in last_lines
    assert "Compared with the champion 0123456789ab" in page
