"""Work beside a process's own: bounded, never waited for, and what is lost is told."""

from __future__ import annotations

from threading import Event
from time import monotonic

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from customer_segmentation.monitoring.beside import Beside
from customer_segmentation.monitoring.collecting import MOST_CUSTOMERS, Answered, Collector
from customer_segmentation.monitoring.hourly import hours_of
from customer_segmentation.monitoring.hours import read_hours
from customer_segmentation.monitoring.summary import Baseline
from customer_segmentation.monitoring.together import Together
from tests.monitoring.example import COLUMNS, a_baseline, answered

HOUR = "2026-11-30T13"
SECONDS = 60.0


@pytest.fixture
def dropped():
    return []


@pytest.fixture
def collector(tmp_path, dropped):
    return Collector(str(tmp_path), "api", hours_of(HOUR), 3_600.0, dropped.append)


def counted(root):
    (versions,) = read_hours(str(root), "api").values()
    return versions["v1"]


def test_all_that_was_handed_over_is_counted_and_written_at_the_end(collector, tmp_path, dropped):
    collector.start()
    for count in (1, 700, 3_000):
        collector.put(answered(count))
    collector.put(Answered(a_baseline(), rejected={"income: negative": 2}))
    assert collector.end(SECONDS)
    summary = counted(tmp_path)
    assert summary.customers == 3_701
    assert summary.columns["income"].tolist() == [3_701, 0, 0, 0]
    assert summary.segments.tolist() == [3_701, 0, 0]
    assert summary.rejected == {"income: negative": 2}
    assert not dropped


def test_answers_with_and_without_chances_are_counted_together(collector, tmp_path):
    collector.start()
    one = answered(2)
    outputs = dict(one.outputs) | {"p_response": np.array([0.25, np.nan])}
    collector.put(one)
    collector.put(Answered(one.baseline, COLUMNS, one.matrix, outputs))
    assert collector.end(SECONDS)
    chances = counted(tmp_path).chances
    assert chances[:, :-1].sum() == 1
    assert chances[0, -1] == 3


def test_what_comes_faster_than_it_is_counted_is_dropped_and_told(collector, tmp_path, dropped):
    # Nothing is counted before the start.
    collector.put(answered(MOST_CUSTOMERS))
    collector.put(answered(7))
    assert dropped == [7]
    collector.start()
    assert collector.end(SECONDS)
    (file,) = tmp_path.rglob("*.json")
    assert '"dropped": 7' in file.read_text()
    assert counted(tmp_path).customers == MOST_CUSTOMERS


def test_customers_alone_are_told_as_dropped_and_a_refusal_is_none(collector, dropped):
    collector.put(answered(MOST_CUSTOMERS))
    collector.put(Answered(a_baseline(), cold_start=30))
    collector.put(Answered(a_baseline(), rejected={"income: negative": 2}))
    assert dropped == [30, 0]
    collector.end(SECONDS)


def test_a_list_that_is_larger_than_the_buffer_is_counted_where_nothing_waits(
    collector, tmp_path, dropped
):
    collector.put(answered(MOST_CUSTOMERS + 1))
    collector.start()
    assert collector.end(SECONDS)
    assert counted(tmp_path).customers == MOST_CUSTOMERS + 1
    assert not dropped


def test_wide_customers_are_fewer_in_the_buffer(collector, dropped):
    columns = tuple(f"column {place}" for place in range(320))
    for count in (MOST_CUSTOMERS // 10, 1):
        collector.put(Answered(a_baseline(), columns, np.zeros((count, 320)), {}))
    assert dropped == [1]
    collector.end(SECONDS)


def test_many_small_items_are_worked_on_in_small_portions():
    portions = []
    beside = Beside(portions.append, lambda: None, 10_000, 3_600.0)
    assert all(beside.put(place, 1) for place in range(3_000))
    beside.start()
    assert beside.end(SECONDS)
    assert [one for portion in portions for one in portion] == [*range(3_000)]
    assert max(map(len, portions)) <= 512


def test_counting_that_fails_drops_those_and_goes_on(collector, tmp_path, dropped, monkeypatch):
    real = Together.summarise

    def failing(self, matrix, outputs):
        if len(matrix) == 5:
            raise ZeroDivisionError
        return real(self, matrix, outputs)

    monkeypatch.setattr(Together, "summarise", failing)
    collector.start()
    collector.put(answered(5, a_baseline()))
    collector.put(answered(6, a_baseline()))
    assert collector.end(SECONDS)
    assert dropped == [5]
    assert counted(tmp_path).customers == 6


def test_who_hands_over_never_waits_and_the_end_is_bounded():
    is_stuck, may_go_on = Event(), Event()

    def stuck(_=None):
        is_stuck.set()
        may_go_on.wait()

    beside = Beside(stuck, lambda: None, 10, 3_600.0)
    beside.start()
    assert is_stuck.wait(SECONDS)
    assert all(beside.put("x", 5) for _ in range(2))
    assert not beside.put("x", 1)
    assert not beside.end(0.01)
    may_go_on.set()
    assert beside.end(SECONDS)


def test_writing_that_hangs_keeps_nobody_from_working():
    worked, may_go_on, is_writing = [], Event(), Event()

    def write():
        is_writing.set()
        may_go_on.wait()

    beside = Beside(worked.extend, write, 10, 0.001)
    beside.start()
    assert is_writing.wait(SECONDS)
    beside.put("x", 1)
    until = monotonic() + SECONDS
    while not worked:
        assert monotonic() < until
        Event().wait(0.01)
    assert not beside.end(0.01)
    may_go_on.set()
    assert beside.end(SECONDS)


@given(
    matrix=arrays(
        np.float64,
        st.tuples(st.integers(0, 20), st.just(3)),
        elements=st.sampled_from([0.0, 1.0, 14.9, 15.0, 15.1, 25.0, 1e300, np.nan, np.inf]),
    )
)
def test_columns_counted_together_are_those_counted_one_after_another(matrix):
    columns = ("education", "unknown", "income")
    outputs = {"segment": np.zeros(len(matrix), np.int64), "margin": np.ones(len(matrix))}
    baseline: Baseline = a_baseline()
    together = Together(baseline, columns).summarise(matrix, outputs)
    expected = baseline.summarise(columns, matrix, outputs)
    assert {n: c.tolist() for n, c in together.columns.items()} == {
        n: c.tolist() for n, c in expected.columns.items()
    }
    for name, sums in expected.sums.items():
        np.testing.assert_allclose(together.sums[name], sums)
    assert together.customers == len(matrix)
    assert together.stated()["margins"] == expected.stated()["margins"]


@pytest.mark.parametrize("customers", [1_024, 1_025, 5_000])
def test_a_large_list_is_counted_in_parts_as_it_is_as_a_whole(customers):
    draw = np.random.default_rng(1)
    income = draw.choice([14.9, 15.0, 24.0, 25.0, np.inf, np.nan], customers)
    matrix = np.column_stack([income, draw.integers(0, 2, customers)])
    outputs = {"segment": draw.integers(0, 2, customers), "margin": draw.random(customers)}
    baseline = a_baseline()
    found = Together(baseline, COLUMNS).summarise(matrix, outputs).stated()
    expected = baseline.summarise(COLUMNS, matrix, outputs).stated()
    sums, others = found.pop("sums"), expected.pop("sums")
    assert found == expected
    for name, three in others.items():
        np.testing.assert_allclose(sums[name], three, rtol=1e-12)


def test_a_mistake_in_the_work_or_in_the_writing_ends_neither(caplog):
    worked = []

    def work(taken):
        worked.extend(taken)
        if "bad" in taken:
            raise ZeroDivisionError("Ana's income")

    def write():
        raise ZeroDivisionError("Ana's income")

    beside = Beside(work, write, 10, 0.001)
    beside.start()
    for item in ("bad", "good"):
        beside.put(item, 1)
        until = monotonic() + SECONDS
        while item not in worked:
            assert monotonic() < until
            Event().wait(0.01)
    assert beside.end(SECONDS)
    assert "monitoring goes on after a mistake (ZeroDivisionError)" in caplog.text
    assert "Ana" not in caplog.text
