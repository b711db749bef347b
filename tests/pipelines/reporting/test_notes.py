"""What a run says first of what it left out."""

from __future__ import annotations

from typing import Any

from customer_segmentation.pipelines.reporting.nodes import build_report, summarise_segments
from customer_segmentation.pipelines.reporting.notes import notes
from tests.marketing import SCHEMA

STRUCTURE = {"is_grouped": False, "k": 4, "silhouette": 0.281, "by_chance": 0.332}


def told(inputs: dict[str, Any], **clustering: Any) -> list[str]:
    others = (inputs[name] for name in ("identity", "supervised", "lifetime"))
    return notes(SCHEMA, inputs["clustering"] | clustering, *others)


def last_lines(inputs: dict[str, Any]) -> str:
    told = (inputs[name] for name in ("clustering", "identity", "supervised", "lifetime"))
    return summarise_segments(inputs["profiles"], SCHEMA, *told, "page")


def test_where_all_is_well_nothing_is_said(inputs: dict[str, Any]) -> None:
    assert not told(inputs)


def test_segments_below_the_bound_of_stability_are_called_weak(inputs: dict[str, Any]) -> None:
    (line,) = told(inputs, is_stable=False, stability=0.554, rule="the most stable")
    assert line.startswith("The segments are weak: ")
    assert "(stability 0.55; the most stable)" in line


def test_customers_without_groups_are_said_to_have_none(inputs: dict[str, Any]) -> None:
    (line,) = told(inputs, structure=STRUCTURE)
    assert line.startswith("There are no groups here: 4 segments, seen from where they are ")
    assert "have a silhouette of 0.28" in line
    assert "without any groups they reach 0.33" in line


def test_what_is_left_out_is_told_once_a_reason(inputs: dict[str, Any]) -> None:
    inputs["supervised"]["cold_start"] = {"left_out": "nothing to learn from"}
    lines = told(
        inputs, left_out={"likely_to_spend": "no use", "product": "none", "offer": "no use"}
    )
    assert lines == [
        "Left out: likely to spend and offer: no use.",
        "Left out: standout product: none.",
        "Left out: the cold-start model: nothing to learn from.",
    ]


def test_customers_far_outside_are_counted_with_the_furthest(inputs: dict[str, Any]) -> None:
    far = {"column": "spend_total", "rows": 3, "value": 2_500_042.0, "customer_id": "6182\x1b"}
    alone = far | {"column": "income", "rows": 1, "value": 666_666.0, "customer_id": "4822"}
    (line,) = told(inputs, far_outside=[far, alone])
    assert line.startswith(
        "Extreme values: spend in two years of 3 customers, such as 6182 (2,500,042) and yearly "
        "income of customer 4822 (666,666). These customers get a segment, but are ignored when "
    )


def test_the_terminal_and_the_page_say_it(inputs: dict[str, Any]) -> None:
    inputs["clustering"] |= {"is_stable": False, "left_out": {"offer": "no <use>"}}
    inputs["supervised"]["cold_start"] |= {"left_out": "nothing to learn from"}
    inputs["supervised"]["demonstration"] |= {"left_out": "too few"}
    summary = last_lines(inputs)
    first, last = summary.split("\n\n")
    assert len(first.splitlines()) == 4
    assert "segments of" in last
    page = build_report(**inputs)
    for text in (
        "The segments are weak",
        "offer: no &lt;use&gt;",
        "There is no cold-start model: ",
    ):
        assert text in page
    assert "Cold start, cross-validated" not in page
    assert "Relearning, cross-validated" not in page


def test_without_notes_the_terminal_has_the_segments_alone(inputs: dict[str, Any]) -> None:
    summary = last_lines(inputs)
    assert len(summary.splitlines()) == 4
