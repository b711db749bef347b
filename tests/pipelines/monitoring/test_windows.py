"""Which days of the API and of a stream a run tells of, and what each is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from customer_segmentation.monitoring.findings import Window
from customer_segmentation.monitoring.summary import Summary, nobody
from customer_segmentation.pipelines.monitoring.memory import Memory, Remembered
from customer_segmentation.pipelines.monitoring.windows import Counted, days_of

TODAY = date(2026, 11, 30)
Hours = Mapping[str, Mapping[str, Summary]]


def of(customers: int, version: str = "abc") -> Summary:
    found = nobody(version, 2)
    found.segments[0] = customers
    return Summary(version, customers, {}, {}, found.segments, found.margins, found.chances, {})


def days(hours: Hours, *told: str, most: int = 60) -> list[Counted]:
    """Those of the API, where some days were told of before."""
    windows = [Remembered(Window("api", day, day, 1, "abc"), (), "") for day in told]

    def read(source: str, since: str) -> Hours:
        assert source == "api"
        return {hour: versions for hour, versions in hours.items() if hour >= since}

    return days_of("api", read, Memory(tuple(windows)), most, TODAY)


HOURS = {
    "2026-11-01T08": {"abc": of(3)},
    "2026-11-01T23": {"abc": of(4)},
    "2026-11-02T00": {"abc": of(5)},
    "2026-11-03T12": {"abc": of(6), "xyz": of(2, "xyz")},
}


def test_the_hours_of_a_day_are_one_window_and_the_day_before_is_beside_it() -> None:
    first, second, third = days(HOURS)
    assert first.window == Window("api", "2026-11-01", "2026-11-02", 7, "abc")
    assert first.before is None
    assert second.window.customers == 5
    assert second.before is not None
    assert second.before.customers == 7
    assert (third.window.customers, third.others) == (6, 2)


def test_a_day_that_was_told_of_is_told_again_since_it_may_have_grown_and_older_ones_are_not() -> (
    None
):
    found = days(HOURS, "2026-11-01", "2026-11-02")
    assert [one.window.start for one in found] == ["2026-11-02", "2026-11-03"]
    before = found[0].before
    assert before is not None
    assert before.customers == 7


def test_a_day_without_traffic_between_two_with_some_is_a_window_of_nobody() -> None:
    found = days({"2026-11-01T08": {"abc": of(3)}, "2026-11-04T08": {"abc": of(3)}})
    assert [(one.window.start, one.window.customers) for one in found] == [
        ("2026-11-01", 3),
        ("2026-11-02", 0),
        ("2026-11-03", 0),
        ("2026-11-04", 3),
    ]
    assert found[1].summary is None
    assert found[3].before is None


def test_a_clock_that_was_years_ahead_makes_no_years_of_windows() -> None:
    found = days({"2016-11-01T08": {"abc": of(3)}, "2026-11-04T08": {"abc": of(3)}})
    assert [one.window.start for one in found] == ["2016-11-01", "2026-11-04"]


def test_days_to_come_wait_and_keep_no_other_from_being_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hours = {day: {"abc": of(3)} for day in ("2026-11-29T08", "2026-12-01T00", "2036-11-04T08")}
    assert [one.window.start for one in days(hours)][-2:] == ["2026-11-30", "2026-12-01"]
    assert "Counts of api are of days to come, and wait: 2036-11-04." in caplog.text
    # Nor does one that was told of by a run whose own clock was ahead.
    assert [one.window.start for one in days(hours, "2026-11-29", "2036-11-04")] == [
        *("2026-11-29", "2026-11-30", "2026-12-01"),
    ]


def test_a_clock_that_stepped_back_adds_a_day_before_those_that_are_there() -> None:
    hours = HOURS | {"2026-10-31T23": {"abc": of(9)}}
    assert [one.window.start for one in days(hours)][:2] == ["2026-10-31", "2026-11-01"]
    # What lies before all that was told of is not told of any more.
    assert [one.window.start for one in days(hours, "2026-11-02")] == ["2026-11-02", "2026-11-03"]


@pytest.mark.parametrize("hours", [{}, {"lost+found": {"abc": of(1)}}])
def test_without_hours_there_are_no_windows(hours: Hours) -> None:
    assert days(hours) == []


def test_only_the_newest_days_are_told_of() -> None:
    assert [one.window.start for one in days(HOURS, most=2)] == ["2026-11-02", "2026-11-03"]
