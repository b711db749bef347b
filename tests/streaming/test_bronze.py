"""Events are landed while they come, and old ones from files are sent beside them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import Parts
from customer_segmentation.sources.messages.kafka import Outgoing
from customer_segmentation.streaming.backfill import backfill
from customer_segmentation.streaming.bronze import EventsLander
from customer_segmentation.streaming.commands import make_topics_of, roles_of
from customer_segmentation.streaming.decoding import Decoder
from customer_segmentation.streaming.places import Stream
from customer_segmentation.streaming.progress import Progress
from customer_segmentation.streaming.rebuilding import rebuild_from_catalog
from customer_segmentation.streaming.state import CustomerState
from customer_segmentation.tables.schemas import declare_tables
from tests.conftest import GOOD_ROW
from tests.marketing import SCHEMA
from tests.services.kafka import Kafka
from tests.sources.messages.made import Sent
from tests.streaming.home import cells, lines, messages, shop, stream_of, topic

EVENTS = lines(600, customers=40)


@pytest.fixture(autouse=True)
def declared_shop() -> Iterator[None]:
    declare_tables(shop())
    yield
    declare_tables(SCHEMA)


@pytest.fixture
def stream(kafka: Kafka, tmp_path: Path, models: BundleStore) -> Stream:
    made = stream_of(kafka.bootstrap, tmp_path, models)
    make_topics_of(made)
    entry = {
        "type": "customer_segmentation.sources.arrivals.dataset.ArrivingSource",
        "reader": {
            "type": "kafka.KafkaReader",
            "bootstrap": kafka.bootstrap,
            "topic": made.settings.topics.events,
            "dead_letters": f"{made.settings.topics.dead_letters}-bronze",
        },
        "parts": str(tmp_path / "parts"),
        "landing": str(tmp_path / "landed.parquet"),
    }
    settings = made.settings.model_copy(update={"bronze": True, "bronze_seconds": 0.2})
    return replace(made, settings=settings, catalog={**made.catalog, "source": entry})


def landed_rows(stream: Stream) -> pl.DataFrame:
    parts = Parts(stream.catalog["source"]["parts"])
    return pl.concat([pl.DataFrame(parts.rows(part, part.headers)) for part in parts.all()])


def land(stream: Stream, rows: int) -> None:
    """Until so many rows are landed; a second start goes on where the first ended."""
    progress = Progress(stream.state / "bronze.json", "bronze")
    parts = Parts(stream.catalog["source"]["parts"])
    EventsLander(stream, progress).run(lambda: sum(part.rows for part in parts.all()) >= rows)


def test_events_are_landed_once_as_they_come_and_the_state_is_made_anew_from_them(
    stream: Stream, kafka: Kafka, tmp_path: Path
) -> None:
    kafka.send(stream.settings.topics.events, messages(EVENTS[:400]))
    land(stream, 400)
    kafka.send(stream.settings.topics.events, messages(EVENTS[400:]))
    land(stream, 600)
    # JSON does not tell 7.0 from 7.
    sent = cells(EVENTS).with_columns(pl.all().str.replace(r"\.0$", ""))
    columns = sorted(sent.columns)
    found = landed_rows(stream)
    assert sorted(found.select(columns).rows()) == sorted(sent.select(columns).rows())

    told: list[str] = []
    entry = stream.catalog["source"]
    rebuild_from_catalog(stream.state_file, stream.schema, entry, told.append)
    with (
        CustomerState(stream.state_file, stream.schema) as state,
        CustomerState(tmp_path / "other.sqlite", stream.schema) as other,
    ):
        other.apply(sent, {})
        assert pl.concat([*state.customers()]).equals(pl.concat([*other.customers()]))
        assert sum(state.positions.values()) == 600


def test_a_first_event_that_nobody_can_read_ends_no_stream(
    stream: Stream, kafka: Kafka, caplog: pytest.LogCaptureFixture
) -> None:
    kafka.send(stream.settings.topics.events, [Outgoing(b"x", b"poison")])
    progress = Progress(stream.state / "bronze.json", "bronze")
    looks = iter([False, True])
    EventsLander(stream, progress).run(lambda: next(looks))
    assert "not one of its first 1 messages can be read" in caplog.text
    kafka.send(stream.settings.topics.events, messages(EVENTS[:10]))
    land(stream, 10)
    assert len(landed_rows(stream)) == 10


def test_a_source_that_reads_something_else_is_refused(stream: Stream) -> None:
    progress = Progress(stream.state / "bronze.json", "bronze")
    for update, told in (
        ({"topic": "others"}, "does not read the topic"),
        ({"type": "databases.DatabaseReader"}, "does not read the topic"),
        ({"dead_letters": stream.settings.topics.dead_letters}, "name another topic"),
        ({"dead_letters": ""}, "name a topic"),
    ):
        entry = stream.catalog["source"]
        other = {**entry, "reader": {**entry["reader"], **update}}
        with pytest.raises(UserError, match=told):
            EventsLander(replace(stream, catalog={**stream.catalog, "source": other}), progress)


def test_bronze_is_a_process_only_where_it_is_set(stream: Stream) -> None:
    assert roles_of(stream) == ["answers", "tables", "bronze"]
    unset = stream.settings.model_copy(update={"bronze": False})
    assert roles_of(replace(stream, settings=unset)) == ["answers", "tables"]


def test_the_rows_of_a_file_are_sent_as_events_with_the_customers_key(
    stream: Stream, tmp_path: Path
) -> None:
    file, told = tmp_path / "old.csv", []
    with file.open("w", newline="", encoding="utf-8") as written:
        writer = csv.DictWriter(written, [*EVENTS[0]])
        writer.writeheader()
        writer.writerows(EVENTS[:50])
        # Without a customer: the stream says why it counts for nothing.
        writer.writerow({**EVENTS[50], "CustomerID": ""})
    assert backfill(stream, str(file), told.append) == 51
    found = [
        (message.key(), json.loads(message.value() or b"")) for message in topic(stream, "events")
    ]
    events = [{name: str(cell) for name, cell in event.items()} for event in EVENTS[:51]]
    wanted = [(event["CustomerID"].encode(), event) for event in events[:50]]
    del events[50]["CustomerID"]
    order = str
    assert sorted(found, key=order) == sorted([*wanted, (None, events[50])], key=order)
    assert told[-1] == f"51 rows of old.csv were sent to {stream.settings.topics.events}"


def test_a_file_without_the_customers_key_is_refused_and_nothing_is_sent(
    stream: Stream, tmp_path: Path
) -> None:
    (tmp_path / "old.csv").write_text("InvoiceNo,Quantity\n1,2\n")
    with pytest.raises(UserError, match="no column for `customer_id`"):
        backfill(stream, str(tmp_path / "old.csv"), print)
    assert not topic(stream, "events")


def test_who_sends_records_without_a_version_is_told_what_they_replace(
    stream: Stream, tmp_path: Path
) -> None:
    file, told = tmp_path / "old.csv", []
    with file.open("w", newline="", encoding="utf-8") as written:
        writer = csv.DictWriter(written, [*GOOD_ROW])
        writer.writeheader()
        writer.writerow(GOOD_ROW)
    assert backfill(replace(stream, schema=SCHEMA), str(file), told.append) == 1
    assert "replace what was sent" in " ".join(told)


def test_a_message_whose_key_is_not_its_customers_is_a_dead_letter_where_keys_are_checked(
    stream: Stream,
) -> None:
    decoder = Decoder(stream.settings.model_copy(update={"key": "CustomerID"}), has_lines=True)
    good, other = messages(EVENTS[:2])
    sent = [good, other._replace(key=b"somebody else")]
    received = [Sent(each.value, each.key, place) for place, each in enumerate(sent)]
    decoded = decoder.decode(received)
    assert len(decoded.events) == 1
    assert [*decoded.refused.values()] == [
        ("the message's key is not the 'CustomerID' of its value",)
    ]


def test_a_record_without_a_value_removes_its_customer_where_keys_are_checked(
    stream: Stream, tmp_path: Path
) -> None:
    schema = SCHEMA
    decoder = Decoder(stream.settings.model_copy(update={"key": "ID"}), has_lines=False)
    row = json.dumps(GOOD_ROW | {"Dt_Customer": "2012-09-24"}).encode()
    sent = [Sent(row, b"5524", 0), Sent(None, b"5524", 1)]
    with CustomerState(tmp_path / "records.sqlite", schema) as state:
        first = state.apply(decoder.decode(sent[:1]).events, {"lines-0": 1})
        assert first.customers["customer_id"].to_list() == ["5524"]
        second = state.apply(decoder.decode(sent[1:]).events, {"lines-0": 2})
        assert second.gone == ["5524"]
