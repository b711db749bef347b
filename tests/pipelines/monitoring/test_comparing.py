"""What is told of windows: alarms with since when, what they cost, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
import yaml

from customer_segmentation.bundles.bundle import StoredBundle
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.monitoring.bins import Bins
from customer_segmentation.monitoring.bounds import Bounds
from customer_segmentation.monitoring.findings import Finding, Window
from customer_segmentation.monitoring.profit import ALL
from customer_segmentation.monitoring.summary import Baseline, Summary, nobody
from customer_segmentation.pipelines.monitoring.baselines import Baselines, Known
from customer_segmentation.pipelines.monitoring.calibrated import of_outcomes
from customer_segmentation.pipelines.monitoring.comparing import Compared, Means, compare
from customer_segmentation.pipelines.monitoring.memory import Memory
from customer_segmentation.pipelines.monitoring.observed import ObservedRun
from customer_segmentation.pipelines.monitoring.parameters import MonitoringParameters
from customer_segmentation.pipelines.monitoring.profit import money_of
from tests.marketing import SCHEMA
from tests.runs.project import CHECKOUT

COLUMNS = ("income", "recency_days")
RNG = np.random.default_rng(7)
AT = "2026-11-30T13:00:00.000000Z"


def customers(count: int, *, richer: float = 0.0, answer: float = 0.0) -> Any:
    """Matrix and answers of some customers; with `answer`, they answer more often."""
    matrix = np.column_stack(
        [RNG.normal(50_000 + 20_000 * richer, 20_000, count), RNG.uniform(0, 100, count)]
    )
    segments = RNG.integers(0, 2, count)
    p = RNG.beta(1.0 + 3.0 * segments, 8.0, count) + answer
    return matrix, {"segment": segments, "margin": RNG.uniform(size=count), "p_response": p}


def made_baseline(version: str = "abc") -> Baseline:
    matrix, outputs = customers(20_000)
    bins = {
        name: Bins(edges, (), tuple(np.linspace(edges[0], edges[-1], len(edges) + 1)), 50.0)
        for name, edges in zip(
            COLUMNS,
            (tuple(range(10_000, 100_000, 5_000)), tuple(range(5, 100, 5))),
            strict=True,
        )
    }
    empty = Baseline(version, "2014-06-30", ("low", "high"), bins, nobody(version, 2))
    return replace(empty, summary=empty.summarise(COLUMNS, matrix, outputs))


BASELINE = made_baseline()
KNOWN = Known(StoredBundle({}), BASELINE)
OTHER = Known(StoredBundle({}), made_baseline("xyz"))


class Fixed(Baselines):
    """Two versions that are known, and none besides."""

    def __init__(self) -> None:
        super().__init__(None)
        self.champion = KNOWN

    def of(self, version: str, response: str) -> Known | str:
        assert not response
        known = {"abc": KNOWN, "xyz": OTHER}
        return known.get(version, f"the artifact {version} was never live here")


def counted(known: Known = KNOWN, **how: Any) -> Summary:
    return known.baseline.summarise(COLUMNS, *customers(4_000, **how))


def means(latest: Mapping[str, Any] | None = None) -> Means:
    block = yaml.safe_load((CHECKOUT / "conf/base/parameters_campaign_planning.yml").read_text())
    planning = CampaignParameters(**block["campaign_planning"])
    parameters = MonitoringParameters(
        remembered=60, pictures=6, moved=0.1, gone=0.2, bounds=Bounds()
    )
    return Means(SCHEMA, planning, latest, 0.1, parameters)


def told_of(
    hours: Mapping[str, Mapping[str, Summary]],
    memory: Memory | None = None,
    own: Summary | None = None,
    movers: tuple[int, int] = (0, 0),
    gone: int = 0,
) -> tuple[Compared, ...]:
    own = own or counted()
    run = ObservedRun(
        window=Window("batch", "2026-11-30", "2026-11-30", own.customers, "abc"),
        baselines=Fixed(),
        summary=own,
        new=(),
        left_out=0.01,
        movers=movers[0],
        both=movers[1],
        gone=gone,
    )

    def read(source: str, since: str) -> Mapping[str, Mapping[str, Summary]]:
        return {h: s for h, s in hours.items() if source == "api" and h >= since}

    return compare(run, read, memory or Memory(), means(), date(2026, 11, 30))


def remembered(told: tuple[Compared, ...]) -> Memory:
    windows = [(one.window, one.findings) for one in told]
    return Memory().with_windows(windows, ("2026-11-30", None), AT, 60)


def since_of(told: tuple[Compared, ...], name: str = "income") -> dict[str, str]:
    """Day -> since when the column is beyond its bound; of those where it is."""
    return {
        one.window.start: finding.since
        for one in told
        for finding in one.findings
        if finding.is_alarm and (finding.name, finding.measure) == (name, "psi")
    }


def test_what_drifts_is_dated_by_the_first_of_the_days_in_a_row() -> None:
    usual, richer = counted(), counted(richer=1.0)
    shown = {1: usual, 2: richer, 3: richer, 4: usual, 5: richer, 7: richer}
    hours = {f"2026-11-0{day}T10": {"abc": summary} for day, summary in shown.items()}
    told = told_of(hours)
    assert since_of(told) == {
        "2026-11-02": "2026-11-02",
        "2026-11-03": "2026-11-02",
        "2026-11-05": "2026-11-05",
        # A day without anybody ends nothing.
        "2026-11-07": "2026-11-05",
    }
    # The next run knows of it.
    more = {"2026-11-07T10": {"abc": richer}, "2026-11-08T10": {"abc": richer}}
    again = told_of(hours | more, remembered(told))
    assert since_of(again) == {"2026-11-07": "2026-11-05", "2026-11-08": "2026-11-05"}


def test_another_version_is_another_comparison_and_begins_anew() -> None:
    hours = {
        "2026-11-01T10": {"abc": counted(richer=1.0)},
        "2026-11-02T10": {"xyz": counted(OTHER, richer=1.0)},
    }
    assert since_of(told_of(hours)) == {"2026-11-01": "2026-11-01", "2026-11-02": "2026-11-02"}


def test_alarms_come_first_and_everything_else_is_told_too() -> None:
    _, day = told_of({"2026-11-01T10": {"abc": counted(richer=1.0)}})
    first, *others = day.findings
    assert (first.subject, first.name, first.is_alarm) == ("input", "income", True)
    assert first.advice
    alarms = [one.is_alarm for one in day.findings]
    assert alarms == sorted(alarms, reverse=True)
    assert {one.measure for one in others} >= {"customers", "estimated_profit", "missing_share"}
    (picture,) = day.pictures
    assert picture["label"] == "yearly income"
    assert sum(picture["baseline"]) == 20_000
    assert sum(picture["window"]) == 4_000
    assert "none" not in picture["labels"]


def test_a_version_that_was_never_live_is_told_of_and_not_compared() -> None:
    hours = {"2026-11-01T10": {"old": replace(counted(), baseline="old")}}
    _, day = told_of(hours)
    assert day.window.baseline == ""
    (finding,) = day.findings
    assert finding.told == (
        "The answers of the API on 2026-11-01 are compared with nothing: the artifact old was "
        "never live here."
    )


def test_who_was_answered_by_another_version_of_the_day_is_counted_and_said() -> None:
    _, day = told_of(
        {"2026-11-01T10": {"abc": counted(), "xyz": replace(counted(OTHER), customers=3)}}
    )
    (note,) = day.notes
    assert "3 more were answered by another version than abc" in note


def test_movers_by_other_data_are_an_alarm_beyond_their_share() -> None:
    for movers, both, is_alarm in ((200, 4_000, False), (800, 4_000, True), (2, 8, False)):
        run, *_ = told_of({}, movers=(movers, both))
        (finding,) = [one for one in run.findings if one.measure == "moved_share"]
        assert finding.is_alarm is is_alarm
        assert bool(finding.advice) is is_alarm
        assert (finding.value, finding.affected) == (movers / both, movers)
        # A fourth of eight is beyond a tenth, and may be chance.
        assert ("Chance alone" in finding.told) is (both == 8)


def test_half_a_delivery_is_told_before_all_that_differs_in_it() -> None:
    run, *_ = told_of({}, own=counted(richer=1.0), movers=(0, 1_000), gone=1_000)
    first, second, *_ = run.findings
    assert (first.measure, first.value, first.is_alarm) == ("gone_share", 0.5, True)
    assert (first.affected, second.name) == (1_000, "income")
    # One of four may be chance, and nobody's being gone is none.
    for both, left in ((3, 1), (1_000, 100), (0, 0)):
        run, *_ = told_of({}, movers=(0, both), gone=left)
        assert not [one for one in run.findings if one.is_alarm]


def profits(told: Compared) -> dict[str, Finding]:
    return {one.name: one for one in told.findings if one.measure == "estimated_profit"}


def test_what_segments_lose_adds_up_to_what_all_lose_and_one_input_alone_is_priced() -> None:
    day = told_of({"2026-11-01T10": {"abc": counted(richer=1.0, answer=0.05)}})[1]
    costs = {name: one.money for name, one in profits(day).items()}
    assert set(costs) == {"", "low", "high"}
    assert costs["low"] + costs["high"] == pytest.approx(costs[""])
    # They answer more often: less than nothing is lost.
    assert costs[""] < -100.0
    first = day.findings[0]
    assert (first.name, first.money) == ("income", costs[""])
    (sentence,) = day.costs
    assert "more a window, if answers depend on customers as they did then" in sentence


def test_where_two_inputs_drift_nobody_can_tell_which_costs_what() -> None:
    matrix, outputs = customers(4_000, richer=1.0)
    matrix[:, 1] /= 3.0
    day = told_of({"2026-11-01T10": {"abc": BASELINE.summarise(COLUMNS, matrix, outputs)}})[1]
    inputs = [one for one in day.findings if one.is_alarm and one.subject == "input"]
    assert {one.name for one in inputs} == {*COLUMNS}
    assert {one.money for one in inputs} == {None}


def test_without_a_response_model_the_cost_is_unknown() -> None:
    matrix, outputs = customers(4_000, richer=1.0)
    del outputs["p_response"]
    day = told_of({"2026-11-01T10": {"abc": BASELINE.summarise(COLUMNS, matrix, outputs)}})[1]
    assert profits(day) == {}
    (sentence,) = day.costs
    assert sentence.endswith("what it costs is unknown without a response model.")
    assert day.findings[0].money is None


@pytest.mark.parametrize(
    ("stated", "is_alarm", "said"),
    [
        ({"moved": 0.4, "departs": True}, True, "is off by 40 % on average"),
        ({"moved": 0.04, "departs": False}, False, "is not shown to be wrong"),
        ({"moved": None, "departs": False}, False, "too few to tell"),
    ],
)
def test_outcomes_say_whether_the_response_model_is_right(
    stated: dict[str, Any],
    is_alarm: bool,  # noqa: FBT001 - a case
    said: str,
) -> None:
    known = replace(KNOWN)
    known.__dict__["response"] = {"version": "r1"}
    told = {"contacts": 500, "answers": 30, "expected": 60.2, **stated}
    window = Window("batch", "2026-11-30", "2026-11-30", 10, "abc")
    (finding,) = of_outcomes(window, known, {"versions": {"r1": told}}, 0.1)
    assert finding.is_alarm is is_alarm
    assert said in finding.told
    assert "30 of 500 contacts answered, and 60 were expected" in finding.told
    assert of_outcomes(window, known, {"versions": {"other": told}}, 0.1) == []
    assert of_outcomes(window, known, None, 0.1) == []


@pytest.mark.parametrize("is_updated", [True, False])
def test_profit_is_estimated_with_the_probabilities_that_plans_are_made_with(
    is_updated: bool,  # noqa: FBT001 - a case
) -> None:
    known = replace(KNOWN)
    known.__dict__["response"] = {"version": "r1"}
    used = {"intercept": -1.0, "slope": 1.0, "covariance": [[0.0, 0.0], [0.0, 0.0]]}
    latest = {"versions": {"r1": {"used": used, "contacts": 500, "departs": True}}}
    planning = means().planning.model_copy(update={"updated_calibration": is_updated})
    as_modelled, corrected = (
        money_of(BASELINE.summary, known, planning, "EUR", each).now for each in (None, latest)
    )
    assert as_modelled
    assert corrected
    assert (corrected[ALL].profit < 0.7 * as_modelled[ALL].profit) is is_updated


def test_customers_like_those_of_the_training_data_bring_as_much() -> None:
    (sentence,) = told_of({}, own=BASELINE.summary)[0].costs
    assert ": as much, if answers depend" in sentence


def test_a_day_that_another_response_model_has_answered_costs_nobody_knows_what() -> None:
    other = replace(counted(), response="r2")
    window = Window("api", "2026-11-01", "2026-11-02", other.customers, "abc")
    money = money_of(other, KNOWN, means().planning, "EUR", None)
    assert money.findings(window) == []
    assert "unknown" in money.sentences(window)[0]
