"""Two times of a statement: the day that it is true for, and when it was recorded."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from customer_segmentation.tables.history import (
    History,
    Statement,
    changes_in_force,
    in_force,
    statement_of,
)

MAY, JUNE, JULY = (date(2014, month, 1) for month in (5, 6, 7))
NOW = datetime(2026, 11, 29, 5, 1, 2, 123456, tzinfo=UTC)


def said(as_of: date, day: int) -> Statement:
    """A statement recorded on a day of a month."""
    return Statement(f"2026-01-{day:02}T12:00:00.000000Z", as_of)


def streamed(as_of: date, day: int) -> Statement:
    """A partial statement recorded on a day of a month."""
    return Statement(said(as_of, day).recorded_at, as_of, is_partial=True)


def history(*statements: Statement, now: datetime = NOW) -> History:
    return History(tuple(sorted(statements)), lambda _: None, now, "run")


def test_the_name_of_a_file_tells_its_statement_and_has_no_character_that_a_store_refuses() -> None:
    one = Statement("2026-11-29T05:01:02.123456Z", JUNE)
    assert one.part == "2014-06-01_2026-11-29T050102.123456Z.parquet"
    assert statement_of(one.part) == one


@pytest.mark.parametrize("name", ["part-0.parquet", "_SUCCESS", ".writing-2014-06-01.parquet", ""])
def test_another_file_is_no_statement(name: str) -> None:
    assert statement_of(name) is None


def test_the_last_statement_for_a_day_is_in_force_and_the_newest_day_is_first() -> None:
    statements = [said(JULY, 3), said(JUNE, 1), said(JUNE, 2), said(MAY, 4)]
    assert in_force(statements) == [said(JULY, 3), said(JUNE, 2), said(MAY, 4)]


@pytest.mark.parametrize(
    ("known_at", "expected"),
    [
        ("2026-01-01", []),
        ("2026-01-01T12:00:00.000000Z", [said(JUNE, 1)]),
        ("2026-01-02", [said(JUNE, 1)]),
        ("2026-01-03", [said(JUNE, 2)]),
        ("2026-01-04", [said(JULY, 3), said(JUNE, 2)]),
    ],
)
def test_what_was_known_before_can_be_asked(known_at: str, expected: list[Statement]) -> None:
    statements = [said(JULY, 3), said(JUNE, 1), said(JUNE, 2)]
    assert in_force(statements, known_at) == expected


def test_a_new_day_is_compared_with_the_last_one_before_it_and_not_with_a_later_one() -> None:
    found = history(said(MAY, 1), said(JULY, 2), said(MAY, 3))
    assert found.before(JUNE, None) == said(MAY, 3)
    assert found.last_of(JUNE) is None
    assert found.before(MAY.replace(month=4), None) is None


def test_the_same_day_is_compared_with_what_was_said_of_it_before() -> None:
    found = history(said(MAY, 1), said(JUNE, 2), said(JUNE, 3))
    # The run says something new, or what the last statement says already.
    assert found.before(JUNE, None) == said(JUNE, 3)
    assert found.before(JUNE, said(JUNE, 3)) == said(JUNE, 2)
    assert history(said(MAY, 1), said(JUNE, 2)).before(JUNE, said(JUNE, 2)) == said(MAY, 1)
    assert history(said(JUNE, 2)).before(JUNE, said(JUNE, 2)) is None


def test_a_statement_is_recorded_after_all_others_whatever_the_clock_says() -> None:
    assert history().next_moment == "2026-11-29T05:01:02.123456Z"
    late = Statement("2027-01-01T00:00:00.999999Z", MAY)
    assert history(late, said(JUNE, 1)).next_moment == "2027-01-01T00:00:01.000000Z"


def test_the_name_of_a_file_tells_that_its_statement_is_of_a_stream() -> None:
    one = streamed(JUNE, 3)
    assert one.part == "2014-06-01_2026-01-03T120000.000000Z_stream.parquet"
    assert statement_of(one.part) == one


def test_a_partial_statement_is_in_force_until_a_whole_one_of_its_day_is_recorded() -> None:
    statements = [said(JUNE, 1), streamed(JUNE, 2), streamed(JULY, 3), streamed(JUNE, 5)]
    assert in_force(statements) == [said(JUNE, 1)]
    assert changes_in_force(statements) == [
        streamed(JUNE, 2),
        streamed(JULY, 3),
        streamed(JUNE, 5),
    ]
    assert changes_in_force([*statements, said(JUNE, 4)]) == [
        streamed(JULY, 3),
        streamed(JUNE, 5),
    ]
    assert changes_in_force(statements, "2026-01-03") == [streamed(JUNE, 2)]


def test_a_run_is_compared_with_the_last_whole_state_as_a_stream_has_changed_it() -> None:
    def table(recorded: int, segments: dict[str, str]) -> pl.LazyFrame:
        moment = said(JUNE, recorded).recorded_at
        columns = {"customer_id": [*segments], "segment": [*segments.values()]}
        return pl.LazyFrame(columns).with_columns(recorded_at=pl.lit(moment))

    changed = {
        streamed(JUNE, 2): table(2, {"1": "b", "3": "c"}),
        streamed(JUNE, 3): table(3, {"1": "c", "2": "left"}),
        streamed(JULY, 5): table(5, {"3": "d"}),
    }
    whole = said(JUNE, 1)

    def changes(statements: Any) -> pl.LazyFrame:
        return pl.concat([changed[each] for each in statements])

    statements = tuple(sorted([whole, *changed]))
    found = History(
        statements, lambda _: table(1, {"1": "a", "2": "a", "4": "a"}), NOW, "run", changes
    )
    assert found.before(JULY, None) == whole

    def state(until: str | None = None) -> dict[str, str]:
        rows = found.state(whole, until).select("customer_id", "segment").collect()
        return dict(rows.iter_rows())

    assert state() == {"1": "c", "3": "d", "4": "a"}
    assert state("2026-01-03") == {"1": "b", "2": "a", "3": "c", "4": "a"}
    assert state("2026-01-02") == {"1": "a", "2": "a", "4": "a"}
