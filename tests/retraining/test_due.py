"""When a model is learned anew, and the reason that is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from customer_segmentation.bundles.challenger import Challenger
from customer_segmentation.monitoring.findings import Finding, Window
from customer_segmentation.retraining.due import Situation, decide
from customer_segmentation.retraining.parameters import RetrainingParameters

CONFIGURED = yaml.safe_load(
    (Path(__file__).parents[2] / "conf/base/parameters_retraining.yml").read_text()
)["retraining"]
QUIET = Situation(date(2026, 11, 30), "bundle", "v1", "r1", date(2026, 11, 1))


def parameters(**changes: Any) -> RetrainingParameters:
    return RetrainingParameters.model_validate({**CONFIGURED, **changes})


def finding(since: str = "2026-11-27", **changes: Any) -> Finding:
    window = Window("batch", "2026-11-30", "2026-11-30", 2_000, changes.pop("baseline", "v1"))
    told = {"subject": "input", "name": "income", "measure": "psi", "value": 0.3, "bound": 0.1}
    return Finding(window, **{**told, "since": since, "told": "income drifted.", **changes})


def calibrated(*, departs: bool, answers: int = 180) -> dict[str, Any]:
    return {"r1": {"contacts": 900, "answers": answers, "expected": 350.4, "departs": departs}}


def test_nothing_is_due_where_nothing_happened_and_why_is_told() -> None:
    found = decide(QUIET, parameters())
    assert not found.is_due
    assert found.reason == (
        "nothing is known to have drifted; no outcomes tell of the response model; the champion "
        "was learned 29 days ago, of 90"
    )


def test_without_a_champion_nothing_is_due_even_by_hand() -> None:
    found = decide(replace(QUIET, champion=""), parameters(by_hand=True))
    assert not found.is_due
    assert "no champion" in found.reason


def test_a_person_decides_alone() -> None:
    assert decide(QUIET, parameters(by_hand=True)).why == "by hand"


@pytest.mark.parametrize(("days", "is_due"), [(0, True), (3, True), (4, False), (None, False)])
def test_drift_is_a_reason_once_it_lasts(days: int | None, is_due: bool) -> None:  # noqa: FBT001 - a table
    found = decide(replace(QUIET, findings=(finding(),)), parameters(drift_days=days))
    assert (found.why == "drift") == is_due
    if days is not None:
        assert f"income drifted (since 2026-11-27, for 3 of {days} days)" in found.reason


@pytest.mark.parametrize(
    "other",
    [
        finding(value=0.05),
        finding(baseline="v0"),
        finding(baseline=""),
        finding(measure="psi_before"),
        finding(subject="service", name="p99"),
        finding(since="2026-12-05"),
    ],
    ids=["within", "another champion", "no baseline", "since yesterday", "service", "clock back"],
)
def test_what_does_not_speak_against_the_champion_is_no_reason(other: Finding) -> None:
    assert not decide(replace(QUIET, findings=(other,)), parameters()).is_due


def test_outcomes_that_show_the_model_wrong_are_a_reason() -> None:
    found = decide(replace(QUIET, calibration=calibrated(departs=True)), parameters())
    assert found.why == "calibration"
    assert found.reason == (
        "the response model is wrong: 180 of 900 contacts answered, 350 were expected"
    )
    assert not decide(
        replace(QUIET, calibration=calibrated(departs=True)), parameters(when_wrong=False)
    ).is_due
    assert not decide(replace(QUIET, calibration=calibrated(departs=False)), parameters()).is_due


@pytest.mark.parametrize("answers", [120, 780])
def test_a_wrong_model_is_learned_anew_only_from_enough_outcomes(answers: int) -> None:
    known = replace(QUIET, calibration=calibrated(departs=True, answers=answers))
    found = decide(known, parameters(min_answers=121))
    assert not found.is_due
    assert "too few outcomes are known" in found.reason
    assert decide(known, parameters(min_answers=120)).is_due


def test_outcomes_of_another_response_model_are_no_reason() -> None:
    known = replace(QUIET, calibration=calibrated(departs=True), response_version="r2")
    assert not decide(known, parameters()).is_due


def test_a_champion_grows_old() -> None:
    old = replace(QUIET, learned=date(2026, 9, 1))
    found = decide(old, parameters())
    assert (found.why, found.reason) == (
        *("schedule", "the champion was learned 90 days ago, of 90"),
    )
    assert not decide(old, parameters(every_days=None)).is_due


def test_a_clock_that_stepped_back_makes_no_champion_old() -> None:
    assert not decide(replace(QUIET, learned=date(2027, 6, 1)), parameters()).is_due


def test_while_one_is_tried_only_a_person_begins_another() -> None:
    tried = Challenger(
        bundle="b", champion="bundle", promotion=1, at="2026-11-28T10:00:00+00:00", why="drift"
    )
    known = replace(QUIET, challenger=tried, calibration=calibrated(departs=True))
    found = decide(known, parameters())
    assert not found.is_due
    assert found.reason == "bundle b is tried since 2026-11-28 (drift)"
    assert decide(known, parameters(by_hand=True)).is_due


def test_what_came_before_a_departure_is_learned_from_no_more() -> None:
    wrong = {"r1": {**calibrated(departs=True)["r1"], "turned": "2026-11-20"}}
    assert decide(replace(QUIET, calibration=wrong), parameters()).since == "2026-11-20"
    # Nor is it later, once the champion is of the time since.
    later = replace(QUIET, response_since="2026-11-20", learned=date(2026, 8, 1))
    assert decide(later, parameters()).since == "2026-11-20"
    assert decide(replace(later, response_since=""), parameters()).since == ""
