"""What is told of a series of windows: once, again when it is worse or stays, and its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from customer_segmentation.monitoring.alerts.news import Item, Key, Known, known_of, news
from customer_segmentation.monitoring.alerts.report import Report
from customer_segmentation.monitoring.findings import Finding, Window
from tests.monitoring.alerts.reports import NOON, finding, settings, window

DAYS = ("2026-11-27", "2026-11-28", "2026-11-29", "2026-11-30")


def told(
    values: list[float | None], days: tuple[str, ...] = DAYS, **changes: object
) -> list[list[str]]:
    """What each of several commands tells, one a day, each of the figure of its day."""
    known: dict[Key, Known] = {}
    heard: list[list[str]] = []
    noted = []
    for place, value in enumerate(values):
        now = NOON - timedelta(days=len(values) - 1 - place)
        report = Report(now, (window(days[place]),), (finding(value, window(days[place])),), ())
        found = news(report, known, settings(**changes), now)
        noted += found
        known = known_of(noted)
        heard.append([one.what for one in found])
    return heard


@pytest.mark.parametrize(
    ("values", "heard"),
    [
        ([0.1, 0.1], [[], []]),
        ([0.3, 0.3, 0.3], [["new"], [], []]),
        ([0.3, 0.1, 0.1, 0.3], [["new"], ["over"], [], ["new"]]),
        ([0.3, 0.5, 0.61, 1.0], [["new"], [], ["worse"], []]),
        # Nobody can say whether it is over.
        ([0.3, None, 0.3], [["new"], [], []]),
        ([0.3, None, 0.1], [["new"], [], ["over"]]),
    ],
)
def test_a_figure_is_told_when_it_changes(
    values: list[float | None], heard: list[list[str]]
) -> None:
    assert told(values) == heard


def test_what_stays_is_told_again_after_some_days() -> None:
    assert told([0.3, 0.3, 0.3, 0.3], again_days=2) == [["new"], [], ["still"], []]


def test_worse_counts_from_the_worst_that_was_told_since_it_began() -> None:
    heard = told([0.3, 0.7, 0.4, 0.7], again_days=1)
    assert heard == [["new"], ["worse"], ["still"], ["still"]]


def report(*findings: Finding, windows: tuple[Window, ...] = ()) -> Report:
    every = tuple(dict.fromkeys([*(one.window for one in findings), *windows]))
    return Report(NOON, every, findings, ())


def heard(found: Report, earlier: Report | None = None) -> list[tuple[str, str]]:
    known = known_of(news(earlier, {}, settings(), NOON)) if earlier else {}
    return [(one.what, one.finding.name) for one in news(found, known, settings(), NOON)]


def test_windows_of_one_report_count_in_their_order() -> None:
    days = [window(day) for day in DAYS]
    mixed = [finding(value, of) for value, of in zip((0.3, 0.1, 0.1, 0.5), days, strict=True)]
    assert heard(report(*reversed(mixed))) == [
        ("new", "income"),
        ("new", "income"),
        ("over", "income"),
    ]


def test_a_window_that_was_told_of_is_not_told_again_when_later_ones_are() -> None:
    early, late = finding(0.3, window(DAYS[2])), finding(0.1, window(DAYS[3]))
    assert heard(report(early, late), report(early, late)) == []


def test_a_day_that_goes_on_counts_as_it_is_by_now() -> None:
    assert heard(report(finding(0.1)), report(finding(0.3))) == [("over", "income")]


def test_what_is_beyond_and_may_be_by_chance_ends_nothing() -> None:
    unsure = replace(finding(0.4), bound=None)
    assert heard(report(unsure), report(finding(0.3))) == []
    within = replace(finding(0.1), bound=None)
    assert heard(report(within), report(finding(0.3))) == [("over", "income")]


def test_sources_are_apart() -> None:
    stream = finding(0.3, window(source="stream"))
    assert heard(report(finding(0.1), stream), report(finding(0.3))) == [
        ("new", "income"),
        ("over", "income"),
    ]


def test_a_window_without_traffic_ends_nothing() -> None:
    assert heard(report(windows=(window(customers=0),)), report(finding(0.3))) == []


def test_what_is_not_looked_at_under_another_champion_is_over_and_says_why() -> None:
    other = report(finding(0.1, window(baseline="v2"), name="age"))
    known = known_of(news(report(finding(0.3)), {}, settings(), NOON))
    (item,) = news(other, known, settings(), NOON)
    assert (item.what, item.finding.name) == ("over", "income")
    assert "another champion" in item.finding.told


def test_a_column_that_is_missing_under_the_same_champion_stays_open() -> None:
    assert heard(report(finding(0.1, name="age")), report(finding(0.3))) == []


def test_a_step_from_the_window_before_is_told_once_a_window_and_never_over() -> None:
    noted: list[Item] = []
    heard = []
    for day, value in ((0, 0.3), (0, 0.3), (1, 0.1), (2, 0.3), (3, 0.3)):
        step = finding(value, window(DAYS[day]), measure="psi_before")
        new = news(report(step), known_of(noted), settings(), NOON)
        noted += new
        heard.append([one.what for one in new])
    assert heard == [["new"], [], [], ["new"], ["new"]]
    assert not [one for one in known_of(noted).values() if one.is_open]


def test_what_was_long_ago_is_no_news() -> None:
    assert heard(report(finding(0.3, window("2026-11-01")))) == []
    # A batch is of the day of its snapshot.
    assert heard(report(finding(0.3, window("2014-06-30", "batch")))) == [("new", "income")]


def test_what_pages_comes_first_and_what_is_over_last() -> None:
    before = report(finding(0.3, name="age"))
    now = report(
        finding(0.1, name="age"), finding(0.3), finding(0.3, subject="service", name="api")
    )
    known = known_of(news(before, {}, settings(), NOON))
    found = news(now, known, settings(), NOON)
    assert [(one.severity, one.what) for one in found] == [
        ("page", "new"),
        ("ticket", "new"),
        ("ticket", "over"),
    ]


@pytest.mark.parametrize(("hours", "pages"), [(29, []), (31, ["monitoring"]), (-5, [])])
def test_monitoring_that_does_not_run_is_told_whatever_the_clock_says(
    hours: float, pages: list[str]
) -> None:
    found = Report(NOON - timedelta(hours=hours), (), (), ())
    items = news(found, {}, settings(), NOON)
    assert [one.finding.name for one in items if one.severity == "page"] == pages


def test_monitoring_that_runs_again_is_told() -> None:
    late = Report(NOON - timedelta(hours=40), (), (), ())
    known = known_of(news(late, {}, settings(), NOON))
    assert [one.what for one in news(report(), known, settings(), NOON)] == ["over"]
