"""The state as a runner meets it: kept whole, taken back, found wrong, made anew."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from customer_segmentation.customers.quarantine import SHARED_KEY
from customer_segmentation.errors import UserError
from customer_segmentation.schema.schema import Schema
from customer_segmentation.sources.arrivals.parts import (
    CHANGE,
    PUT,
    REMOVED,
    Arrival,
    Parts,
    text_table,
)
from customer_segmentation.streaming.erasing import erase, traces
from customer_segmentation.streaming.reading import OFFSET, PARTITION, reading_of
from customer_segmentation.streaming.rebuilding import rebuild, rebuild_from_catalog
from customer_segmentation.streaming.state import CustomerState
from tests.streaming.schemas import gifts, members, shop
from tests.streaming.test_scoring import record

SHOP = shop()
FIRST = datetime.combine(SHOP.as_of, time.min)


def line(customer: str, number: str, amount: str = "1", version: str = "1", **others: str) -> Any:
    """An order of a pair of shoes on the web, ten days before the last."""
    known = {"Customer": customer, "Number": number, "Amount": amount, "changed_at": version}
    shape = {"Day": "2024-06-20", "Kind": "order", "Channel": "web", "Product": "shoes"}
    return known | shape | {"removed": ""} | others


def events(*rows: Any) -> pl.DataFrame:
    """A table of text."""
    return pl.DataFrame(rows)


def spends(table: pl.DataFrame) -> dict[str, float]:
    """Customer -> spend on shoes."""
    return dict(table.select("customer_id", "spend_shoes").iter_rows())


def everyone(state: CustomerState) -> pl.DataFrame:
    """All customers."""
    return pl.concat([*state.customers(), state.nobody()])


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def state(place: Path) -> Iterator[CustomerState]:
    with CustomerState(place, SHOP) as opened:
        yield opened


def test_only_the_customers_that_an_event_is_of_are_added_up(state: CustomerState) -> None:
    state.apply(events(line("a", "1"), line("b", "2", "5")), {})
    step = state.apply(events(line("a", "3", "0.25")), {})
    assert spends(step.customers) == {"a": 1.25}
    assert spends(everyone(state)) == {"a": 1.25, "b": 5.0}


def test_an_earlier_version_that_comes_late_changes_nothing(state: CustomerState) -> None:
    state.apply(events(line("a", "1", "9", version="2")), {})
    step = state.apply(events(line("a", "1", "1", version="1")), {})
    assert (step.replaced, len(step.customers)) == (1, 0)
    assert spends(everyone(state)) == {"a": 9.0}


def test_two_that_contradict_each_other_are_both_left_out_until_a_later_version(
    state: CustomerState,
) -> None:
    state.apply(events(line("a", "1", "9"), line("a", "2", "1")), {})
    step = state.apply(events(line("a", "1", "8")), {})
    assert spends(step.customers) == {"a": 1.0}
    assert step.rejected["reasons"].to_list() == ["number: appears with different values"]
    assert spends(state.apply(events(line("a", "1", "8", version="2")), {}).customers) == {"a": 9.0}


def test_a_customer_whose_only_line_is_taken_back_is_gone(state: CustomerState) -> None:
    state.apply(events(line("a", "1")), {})
    step = state.apply(events(line("a", "1", version="2", removed="1")), {})
    assert step.gone == ["a"]
    assert everyone(state).is_empty()
    assert state.apply(events(line("a", "1")), {}).replaced == 1


def test_a_line_of_a_coming_day_waits_for_it_and_an_old_one_is_left_out(
    state: CustomerState,
) -> None:
    early, late = line("a", "1", Day="2024-07-02"), line("a", "2", Day="2024-05-31")
    step = state.apply(events(early, late), {})
    assert (step.waiting, step.outside, step.gone) == (1, 1, ["a"])
    assert step.rejected["reasons"].to_list() == ["day: outside 2024-06-01 to 2024-06-30"]
    found = []
    for chunk in state.advance(date(2024, 7, 2)):
        with chunk:
            found += chunk.customers["customer_id"].to_list()
    assert found == ["a"]


def test_a_clock_that_steps_back_changes_nothing_and_one_far_ahead_is_not_believed(
    state: CustomerState,
) -> None:
    state.apply(events(line("a", "1")), {})
    assert [*state.advance(date(2020, 1, 1))] == []
    assert state.as_of == SHOP.as_of
    with pytest.raises(UserError, match="184 days after 2024-06-30"):
        [*state.advance(date(2024, 12, 31))]
    for chunk in state.advance(date(2024, 12, 31), confirmed=True):
        with chunk:
            assert chunk.gone == ["a"]
    assert state.count() == 0


def test_a_day_that_was_broken_off_goes_on(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("customer_segmentation.streaming.state.CHUNK", 2)
    with CustomerState(place, SHOP) as state:
        state.apply(events(*(line(f"c{n}", "1") for n in range(5))), {})
        with next(state.advance(date(2024, 7, 1))) as chunk:
            assert len(chunk.customers) == 2
        assert state.is_between_days
    with CustomerState(place, SHOP) as state:
        rest = []
        for chunk in state.advance(date(2024, 7, 1)):
            with chunk:
                rest += chunk.customers["customer_id"].to_list()
        assert rest == ["c2", "c3", "c4"]
        assert not state.is_between_days


def test_a_step_that_fails_leaves_everything_as_it_was(state: CustomerState) -> None:
    state.apply(events(line("a", "1")), {"events-0": 1})
    with (
        pytest.raises(OSError, match="Kafka"),
        state.batch(events(line("a", "2")), {"events-0": 2}),
    ):
        raise OSError("Kafka")
    assert (state.positions, spends(everyone(state))) == ({"events-0": 1}, {"a": 1.0})


def test_the_last_change_can_be_taken_back_and_only_the_last(state: CustomerState) -> None:
    state.apply(events(line("a", "1"), line("b", "1")), {"events-0": 2})
    before = everyone(state)
    state.apply(
        events(line("a", "2"), line("c", "1"), line("b", "1", version="2", removed="1")),
        {"events-0": 5},
    )
    assert spends(everyone(state)) == {"a": 2.0, "c": 1.0}
    assert state.undo_to({"events-0": 2}, 1)
    assert_frame_equal(everyone(state), before)
    assert (state.positions, state.number) == ({"events-0": 2}, 1)
    assert not state.undo_to({"events-0": 2})
    with pytest.raises(UserError, match="kedro stream rebuild"):
        state.undo_to({"events-0": 0})


def test_events_that_were_read_before_are_not_taken_in_again(state: CustomerState) -> None:
    given = events(line("a", "1"), line("a", "2")).with_columns(
        pl.lit("events-0").alias(PARTITION), pl.Series(OFFSET, [0, 1])
    )
    state.apply(given, {"events-0": 2})
    step = state.apply(given, {"events-0": 2})
    assert (step.repeats, len(step.customers)) == (2, 0)


def test_an_answer_is_kept_with_the_change_and_told_at_the_next(state: CustomerState) -> None:
    answer = pl.DataFrame(
        {
            "customer_id": ["a"],
            "segment": ["s"],
            "segment_name": ["S"],
            "segment_id": [2],
            "artifact_version": ["v"],
        }
    )
    with state.batch(events(line("a", "1")), {}) as step:
        assert step.before.is_empty()
        step.set_answers(answer)
    for chunk in state.again():
        assert chunk.before.row(0) == ("a", "s", "S", 2, "v", False)
    for chunk in state.advance(date(2024, 7, 1)):
        assert chunk.before["is_changed"].to_list() == [True]
    # That day was not kept.
    assert state.batch(events(line("b", "1")), {}).customers["as_of"].to_list() == [FIRST]
    step = state.batch(events(line("a", "2")), {})
    assert step.before.row(0) == ("a", "s", "S", 2, "v", True)


def test_who_left_and_comes_back_has_no_answer_from_before(state: CustomerState) -> None:
    answer = {"customer_id": ["a"], "segment": ["s"], "segment_name": ["S"], "segment_id": [2]}
    with state.batch(events(line("a", "1")), {}) as step:
        step.set_answers(pl.DataFrame(answer | {"artifact_version": ["v"]}))
    with state.batch(events(line("a", "1", version="2", removed="1")), {}) as step:
        assert len(step.before) == 1
    assert state.batch(events(line("a", "2")), {}).before.is_empty()


def test_keys_with_any_sign_are_found_again(state: CustomerState) -> None:
    keys = ["é", 'quo"te', "nul\0nul", "back\\slash", "\U0001f600", "new\nline"]
    for number in ("1", "2"):
        step = state.apply(events(*(line(key, number) for key in keys)), {})
    assert spends(step.customers) == dict.fromkeys(sorted(keys), 2.0)


def test_a_column_that_nobody_reads_is_told_once_and_one_that_is_missing_is_a_reason(
    state: CustomerState,
) -> None:
    assert state.apply(events(line("a", "1") | {"Colour": "red"}), {}).notes == [
        "events have 'Colour', which no column of the schema reads"
    ]
    assert state.apply(events(line("a", "2") | {"Colour": "red"}), {}).notes == []
    less = {
        name: cell for name, cell in line("a", "3").items() if name not in {"Amount", "removed"}
    }
    assert state.apply(events(less), {}).rejected["reasons"].to_list() == ["amount: missing"]


def test_of_records_without_a_version_the_last_stands_and_an_empty_one_takes_back(
    place: Path,
) -> None:
    schema = Schema.model_validate(
        members().model_dump(mode="json", by_alias=True) | {"events": {}}
    )
    taken = dict.fromkeys(record("7", "", ""), "") | {"ID": "7", CHANGE: REMOVED}
    with CustomerState(place, schema) as state:
        state.apply(events(record("7", "5000", "2"), record("7", "100", "1")), {})
        assert everyone(state)["income"].to_list() == [100.0]
        put = {CHANGE: PUT}
        step = state.apply(events(taken, record("8", "1", "1") | put), {})
        assert (step.gone, len(step.rejected)) == (["7"], 0)
        state.apply(events(taken, record("7", "3", "1") | put), {})
        assert everyone(state)["income"].to_list() == [3.0, 1.0]


def test_an_empty_event_takes_nothing_back_where_versions_say_what_comes_last(
    state: CustomerState,
) -> None:
    step = state.apply(
        events(line("a", "1") | {CHANGE: REMOVED}, line("b", "1") | {CHANGE: PUT}), {}
    )
    assert step.rejected["customer_id"].to_list() == ["a"]
    assert "`events` say how" in step.rejected["reasons"][0]


def test_a_second_process_and_another_schema_are_refused(place: Path) -> None:
    with (
        CustomerState(place, SHOP),
        pytest.raises(UserError, match="run the stream once"),
    ):
        CustomerState(place, SHOP)
    with pytest.raises(
        UserError, match="another schema or other rules: run `kedro stream rebuild`"
    ):
        CustomerState(place, shop({"id": ["number"]}))
    place.write_bytes(b"no database at all" * 100)
    with pytest.raises(UserError, match="no state of a stream"):
        CustomerState(place, SHOP)


def test_a_disk_that_is_full_is_told_and_nothing_is_half_written(
    place: Path,
) -> None:
    with CustomerState(place, SHOP) as state:
        state.apply(events(line("a", "1")), {})
        state._store._file.execute("PRAGMA max_page_count = 8")
        many = (line(f"c{n}", str(m)) for n in range(200) for m in range(20))
        with pytest.raises(UserError, match="cannot be written"):
            state.apply(events(*many), {})
        assert spends(everyone(state)) == {"a": 1.0}


def test_formats_that_only_a_whole_column_could_settle_are_refused_at_the_start() -> None:
    block = gifts().model_dump(mode="json", by_alias=True)
    schema = Schema.model_validate(block | {"date_formats": ["%d/%m/%Y", "%m/%d/%Y"]})
    with pytest.raises(UserError, match="are 2 formats, and of events nobody can choose one"):
        reading_of(schema)


def test_a_state_made_anew_is_the_one_of_all_events_and_the_old_one_stays_until_then(
    place: Path,
) -> None:
    rows = [line(f"c{n % 7}", str(n), str(n)) for n in range(50)]
    with CustomerState(place, SHOP) as state:
        state.apply(events(*rows[:20]), {"events-0": 20})
        kept = everyone(state)

    def broken() -> Iterator[pl.DataFrame]:
        yield events(*rows[:5])
        raise OSError("killed")

    with pytest.raises(OSError, match="killed"):
        rebuild(place, SHOP, broken(), {})
    with CustomerState(place, SHOP) as state:
        assert_frame_equal(everyone(state), kept)
        state.apply(events(*rows[20:]), {"events-0": 50})
        expected = everyone(state)
        with pytest.raises(UserError, match="stop it first"):
            rebuild(place, SHOP, [], {})
    assert rebuild(place, SHOP, (events(row) for row in rows), {"events-0": 50}) == (50, 7)
    with CustomerState(place, SHOP) as state:
        assert_frame_equal(everyone(state), expected)
        assert state.positions == {"events-0": 50}


def test_the_parts_of_a_source_make_a_state_that_reads_on_where_they_end(
    place: Path, tmp_path: Path
) -> None:
    parts = Parts(str(tmp_path / "parts"))
    for number, offsets in ((1, {"0": 1, "1": 0}), (2, {"0": 1, "1": 1})):
        cells = {name: [cell] for name, cell in line("a", str(number)).items()}
        rows = text_table(cells | {"landed__offset": [str(number)]})
        parts.append("kafka", Arrival(rows, {"offsets": offsets}))
    told: list[str] = []
    entry = {
        "type": "customer_segmentation.sources.arrivals.dataset.ArrivingSource",
        "reader": {"type": "kafka.KafkaReader", "topic": "orders"},
        "parts": str(tmp_path / "parts"),
    }
    rebuild_from_catalog(place, SHOP, entry, told.append)
    assert "1 customers from 2 events in 2 parts" in told[0]
    assert told[1] == "The stream reads on from orders-0 at 1, orders-1 at 1"
    with CustomerState(place, SHOP) as state:
        assert spends(everyone(state)) == {"a": 2.0}
        assert state.positions == {"orders-0": 1, "orders-1": 1}
    with pytest.raises(UserError, match="--source"):
        rebuild_from_catalog(place, SHOP, {"type": "SourceDataset"}, told.append)
    with pytest.raises(UserError, match="declare `id` and `version`"):
        rebuild_from_catalog(place, SHOP, entry | {"key": "Number"}, told.append)


def test_who_is_erased_leaves_no_byte_in_the_state(place: Path) -> None:
    with CustomerState(place, SHOP) as state:
        state.apply(events(line("mallory-the-first", "1"), line("b", "2")), {"events-0": 2})
        state.apply(events(line("mallory-the-first", "3")), {"events-0": 3})
    assert traces(place, "mallory-the-first") == 1
    erase(place, "mallory-the-first")
    assert traces(place, "mallory-the-first") == 0
    found = b"".join(file.read_bytes() for file in place.parent.iterdir())
    assert b"mallory" not in found
    with CustomerState(place, SHOP) as state:
        assert spends(everyone(state)) == {"b": 1.0}
        assert state.positions == {"events-0": 3}


def test_an_erasure_that_was_cut_short_is_still_found(place: Path) -> None:
    with CustomerState(place, SHOP) as state:
        state.apply(events(line("a", "1")), {})
        with pytest.raises(UserError, match="stop it first"):
            traces(place, "a")
    with closing(sqlite3.connect(place, isolation_level=None)) as file:
        file.execute("INSERT INTO about VALUES ('erasing', '')")
        file.execute("DELETE FROM customers")
    assert traces(place, "a") == 1
    erase(place, "a")
    assert traces(place, "a") == 0


def test_the_reason_of_records_that_contradict_each_other_is_the_batchs(place: Path) -> None:
    with CustomerState(place, members()) as state:
        state.apply(events(record("7", "1", "1")), {})
        step = state.apply(events(record("7", "2", "1")), {})
    assert step.rejected["reasons"].to_list() == [SHARED_KEY]
    assert step.gone == ["7"]
