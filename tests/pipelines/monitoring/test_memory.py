"""What monitoring remembers from one run to the next."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from customer_segmentation.monitoring.findings import Finding, Source, Window
from customer_segmentation.monitoring.summary import nobody
from customer_segmentation.pipelines.monitoring.memory import Memory, digest_of

NOW = datetime(2026, 11, 30, 13, 0, tzinfo=UTC)
AT = "2026-11-30T13:00:00.000000Z"


def window(start: str, source: Source = "batch", customers: int = 10) -> Window:
    return Window(source, start, start, customers, "abc")


def found(where: Window, value: float = 0.5, since: str = "") -> Finding:
    return Finding(where, "input", "income", "psi", value, 0.1, since=since)


def after(memory: Memory, *windows: Window, most: int = 60) -> Memory:
    """The memory of a run that tells of windows, whose first is its own."""
    told = [(one, [found(one, since=one.start)]) for one in windows]
    summary = nobody("abc", 2)
    return memory.with_windows(told, (windows[0].start, summary), AT, most)


def test_it_is_the_same_once_it_was_written_and_read() -> None:
    memory = after(Memory(), window("2026-11-01"), window("2026-11-01", "api"))
    assert Memory.of(json.loads(json.dumps(memory.stated()))).stated() == memory.stated()
    assert Memory.of(None) == Memory()
    assert memory.windows[0].alarms == (("input", "income", "psi", "2026-11-01"),)


@pytest.mark.parametrize(
    "damage",
    [
        {"windows": [{"window": {"source": "batch"}}]},
        {"windows": None},
        {"batches": {"2026-11-01": {"left_out": 0.1}}},
        {"recorded_at": "yesterday"},
    ],
)
def test_what_cannot_be_read_is_forgotten_and_the_log_says_so(
    damage: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    stated = after(Memory(), window("2026-11-01")).stated()
    assert Memory.of(stated | damage) == Memory()
    assert "it begins anew" in caplog.text


def test_a_window_that_is_told_of_again_takes_the_place_of_what_was_said_before() -> None:
    memory = after(Memory(), window("2026-11-01", "api", 10))
    memory = after(memory, window("2026-11-01", "api", 12))
    assert [one.window.customers for one in memory.windows] == [12]


def test_the_table_says_the_same_only_where_every_figure_is_the_same() -> None:
    where = window("2026-11-01")
    memory = after(Memory(), where)
    same = [found(where, since=where.start)]
    assert memory.is_told(where, digest_of(same))
    assert not memory.is_told(where, digest_of([found(where, 0.6, since=where.start)]))
    assert not memory.is_told(window("2026-11-01", customers=11), digest_of(same))


def test_of_each_source_the_newest_windows_are_remembered() -> None:
    memory = Memory()
    for day in range(1, 6):
        memory = after(memory, window(f"2026-11-0{day}"), window(f"2026-11-0{day}", "api"), most=2)
    starts = [(one.window.source, one.window.start) for one in memory.windows]
    assert starts == [
        (source, day) for source in ("api", "batch") for day in ("2026-11-04", "2026-11-05")
    ]


def test_a_snapshot_is_compared_with_the_last_of_an_earlier_day_in_the_same_bins() -> None:
    memory = Memory()
    for day in ("2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04"):
        memory = after(memory, window(day))
    assert [*memory.batches] == ["2026-11-02", "2026-11-03", "2026-11-04"]
    assert memory.batch_before("2026-11-04", "abc") is not None
    assert memory.batch_before("2026-11-02", "abc") is None
    assert memory.batch_before("2026-11-04", "xyz") is None
    # A run for an older day leaves what its own next run is compared with.
    assert [*after(memory, window("2026-10-01")).batches] == [
        "2026-10-01",
        *("2026-11-02", "2026-11-03", "2026-11-04"),
    ]


def test_what_is_told_later_is_recorded_later_whatever_the_clock_says() -> None:
    memory = after(Memory(), window("2026-11-01"))
    assert Memory().next_moment(NOW) == AT
    assert memory.next_moment(NOW) == "2026-11-30T13:00:00.000001Z"
    assert memory.next_moment(NOW.replace(year=2020)) == "2026-11-30T13:00:00.000001Z"
