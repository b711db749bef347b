"""Topics of a real broker as sources."""

from __future__ import annotations

import json
import threading
import time

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.cimpl import NewPartitions

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.dataset import ArrivingSource
from customer_segmentation.sources.arrivals.parts import Parts, land_arrivals
from customer_segmentation.sources.messages import offsets
from customer_segmentation.sources.messages.dead_letters import REASONS
from customer_segmentation.sources.messages.kafka import Outgoing
from customer_segmentation.sources.readers import kafka as reading
from customer_segmentation.sources.readers.kafka import KafkaReader

# What a client has fetched already needs no broker.
LITTLE_AHEAD = {
    "fetch.max.bytes": 100_000,
    "message.max.bytes": 100_000,
    "queued.max.messages.kbytes": 100,
}


def message(number, **cells):
    return Outgoing(str(number).encode(), json.dumps({"ID": number, **cells}).encode())


def many(first, last):
    return [message(number, Town="Bonn") for number in range(first, last)]


def reader_of(kafka, topic, **settings):
    settings = {"bootstrap": kafka.bootstrap, "topic": topic, "key": "ID"} | settings
    return KafkaReader(**settings)


def ids(parts):
    """All that was landed, in order."""
    return [
        cell for part in parts.all() if part.rows for cell in parts.rows(part)["ID"].to_pylist()
    ]


def letters_of(kafka, topic):
    """Value and reasons of all dead letters."""
    consumer = kafka.clients.consumer(enable_partition_eof=True)
    ends = {p: end for p, (_, end) in offsets.offsets_of(consumer, topic, [0]).items()}
    found = [
        (each.value(), json.loads(dict(each.headers())[REASONS]))
        for batch in offsets.read_between(consumer, topic, {0: 0}, ends)
        for each in batch
    ]
    consumer.close()
    return found


@pytest.fixture
def parts(tmp_path):
    return Parts(str(tmp_path / "parts"))


def test_a_rerun_lands_what_came_since_and_nothing_twice(kafka, parts):
    topic = kafka.topic(partitions=3)
    reader = reader_of(kafka, topic)
    kafka.send(topic, many(0, 100))
    (part,) = land_arrivals(reader, parts)
    assert (part.source, part.rows) == (f"kafka://{kafka.bootstrap}/{topic}", 100)
    assert sum(part.position["offsets"].values()) == 100
    assert land_arrivals(reader, parts) == []
    kafka.send(topic, many(100, 130))
    land_arrivals(reader, parts)
    assert sorted(map(int, ids(parts))) == [*range(130)]


def test_each_row_says_where_it_was_read_and_that_is_no_column_of_the_source(kafka, parts):
    topic = kafka.topic()
    kafka.send(topic, many(0, 3))
    (part,) = land_arrivals(reader_of(kafka, topic), parts)
    rows = parts.rows(part)
    assert rows["landed__offset"].to_pylist() == ["0", "1", "2"]
    assert rows["landed__partition"].to_pylist() == ["0"] * 3
    assert part.headers == ("ID", "Town")


def test_a_backlog_lands_in_pieces_and_a_broken_off_one_goes_on(kafka, parts, monkeypatch):
    monkeypatch.setattr(reading, "MAX_ROWS", 1_000)
    monkeypatch.setattr(offsets, "_AT_ONCE", 300)
    topic = kafka.topic(partitions=2)
    kafka.send(topic, many(0, 5_000))
    reader = reader_of(kafka, topic)
    arrivals = reader.read(None)
    parts.append(reader.name, next(arrivals))
    arrivals.close()
    later = land_arrivals(reader, parts)
    assert len(later) > 3
    assert max(part.rows for part in parts.all()) <= 1_000
    assert sorted(map(int, ids(parts))) == [*range(5_000)]


def test_the_last_record_of_a_customer_stands_and_a_removed_one_is_gone(kafka, tmp_path):
    topic = kafka.topic(partitions=3)
    source = ArrivingSource(
        reader={
            "type": "kafka.KafkaReader",
            "bootstrap": kafka.bootstrap,
            "topic": topic,
            "key": "ID",
        },
        parts=str(tmp_path / "parts"),
        landing=str(tmp_path / "source.parquet"),
        key="ID",
    )
    kafka.send(topic, [message(1, Town="Bonn"), message(2, Town="Ulm"), message(3, Town="Trier")])
    source.load()
    kafka.send(topic, [message(1, Town="Kiel"), Outgoing(b"2", None), message(4, Country="DE")])
    found = source.load().collect().to_dicts()
    assert {row["ID"]: (row["Town"], row["Country"]) for row in found} == {
        "1": ("Kiel", ""),
        "3": ("Trier", ""),
        "4": ("", "DE"),
    }
    assert any("column 'Country' is new since partition" in note for note in source.landed.notes)


def test_a_poison_message_goes_to_the_dead_letters_once_and_the_others_land(kafka, parts):
    topic, dead = kafka.topic(), kafka.topic()
    poison = Outgoing(b"2", b'{"ID": ', {"trace": b"abc"})
    kafka.send(topic, [message(1), poison, Outgoing(b"9", b'{"ID": 3}'), message(4)])
    reader = reader_of(kafka, topic, dead_letters=dead)
    # Killed after the letters were sent, before the part was landed.
    next(reader.read(None))
    (part,) = land_arrivals(reader, parts)
    assert ids(parts) == ["1", "4"]
    found = letters_of(kafka, dead)
    assert [value for value, _ in found] == [b'{"ID": ', b'{"ID": 3}']
    assert found[1][1] == ["the message's key is not the 'ID' of its value"]
    assert any(f"2 messages say nothing and are kept in '{dead}'" in note for note in part.notes)
    # Only poison: the position moves on over it.
    kafka.send(topic, [Outgoing(b"5", b"no JSON")])
    next(reader.read(parts.position()))
    land_arrivals(reader, parts)
    assert land_arrivals(reader, parts) == []
    assert len(letters_of(kafka, dead)) == 3


def test_a_dead_letter_keeps_key_value_and_headers_as_sent_and_says_where_it_was(kafka, parts):
    topic, dead = kafka.topic(), kafka.topic()
    kafka.send(topic, [message(1), Outgoing(b"2", b"\xff\0poison", {"trace": b"abc"})])
    land_arrivals(reader_of(kafka, topic, dead_letters=dead), parts)
    consumer = kafka.clients.consumer()
    offsets.start_at(consumer, dead, {0: 0})
    (letter,) = offsets.take(consumer, 1, 10.0)
    consumer.close()
    headers = dict(letter.headers())
    assert (letter.key(), letter.value(), headers.pop("trace")) == (b"2", b"\xff\0poison", b"abc")
    (reason,) = json.loads(headers.pop(REASONS))
    assert "the value is no JSON object" in reason
    assert headers == {
        "dead-letter-topic": topic.encode(),
        "dead-letter-partition": b"0",
        "dead-letter-offset": b"1",
    }


def test_a_poison_message_without_a_topic_for_it_stops_the_run_and_nothing_is_lost(kafka, parts):
    topic = kafka.topic()
    kafka.send(topic, [message(1), Outgoing(b"2", b"no JSON")])
    with pytest.raises(UserError, match=r"partition 0, offset 1: .* Set `dead_letters`"):
        land_arrivals(reader_of(kafka, topic), parts)
    assert parts.all() == []


def test_a_topic_of_another_format_is_refused_before_all_of_it_is_a_dead_letter(kafka, parts):
    topic, dead = kafka.topic(), kafka.topic()
    kafka.send(topic, [Outgoing(b"1", b"ID=1"), Outgoing(b"2", b"ID=2")])
    with pytest.raises(UserError, match="not one of its first 2 messages can be read"):
        land_arrivals(reader_of(kafka, topic, dead_letters=dead), parts)
    assert letters_of(kafka, dead) == []


def test_messages_that_are_gone_unread_are_refused_until_a_person_accepts_it(kafka, parts):
    topic = kafka.topic()
    reader = reader_of(kafka, topic)
    kafka.send(topic, many(0, 3))
    land_arrivals(reader, parts)
    kafka.send(topic, many(3, 9))
    remove_before(kafka, topic, 5)
    with pytest.raises(UserError, match="2 messages of partition 0 before offset 5 are gone"):
        land_arrivals(reader, parts)
    (part,) = land_arrivals(reader_of(kafka, topic, accept_gap=True), parts)
    assert part.notes == (
        "2 messages of partition 0 before offset 5 were gone before they were read",
    )
    assert ids(parts) == ["0", "1", "2", "5", "6", "7", "8"]


def test_a_topic_made_anew_under_the_same_name_is_refused(kafka, parts):
    topic = kafka.topic(name="anew")
    reader = reader_of(kafka, topic)
    kafka.send(topic, many(0, 3))
    land_arrivals(reader, parts)
    admin = kafka.clients.admin()
    admin.delete_topics([topic])[topic].result(20)
    kafka.make(topic)
    # As many as before, so that offsets say nothing.
    kafka.send(topic, many(10, 20))
    with pytest.raises(UserError, match="it is not the topic that was read before"):
        land_arrivals(reader, parts)


def test_a_partition_that_is_added_is_read_from_its_start(kafka, parts):
    topic = kafka.topic()
    reader = reader_of(kafka, topic)
    kafka.send(topic, many(0, 10))
    land_arrivals(reader, parts)
    admin = kafka.clients.admin()
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result(20)
    kafka.send(topic, many(10, 60))
    land_arrivals(reader, parts)
    assert sorted(map(int, ids(parts))) == [*range(60)]
    assert [*parts.position()["offsets"]] == ["0", "1", "2"]


def test_what_a_transaction_took_back_is_not_landed_and_what_is_open_is_not_yet(kafka, parts):
    topic = kafka.topic()
    reader = reader_of(kafka, topic)
    producer = kafka.clients.producer(transactional_id=topic)
    producer.init_transactions(20)
    for is_kept, number in ((True, 1), (False, 2), (True, 3)):
        producer.begin_transaction()
        producer.produce(topic, message(number).value, str(number))
        producer.flush(20)
        (producer.commit_transaction if is_kept else producer.abort_transaction)(20)
    producer.begin_transaction()
    producer.produce(topic, message(4).value, "4")
    producer.flush(20)
    land_arrivals(reader, parts)
    assert ids(parts) == ["1", "3"]
    producer.commit_transaction(20)
    until = time.monotonic() + 60
    # The broker marks it as committed a moment later.
    while len(ids(parts)) < 3 and time.monotonic() < until:
        land_arrivals(reader, parts)
    assert ids(parts) == ["1", "3", "4"]
    # Behind the last message is the mark of its transaction.
    assert land_arrivals(reader, parts) == []


def test_of_two_that_land_the_same_topic_at_the_same_time_one_is_refused(kafka, parts, tmp_path):
    topic = kafka.topic()
    kafka.send(topic, many(0, 3))
    first, second = Parts(str(tmp_path / "parts")), Parts(str(tmp_path / "parts"))
    reader = reader_of(kafka, topic)
    landed_meanwhile = reader.read(second.position())
    arrival = next(landed_meanwhile)
    second.all()
    land_arrivals(reader, first)
    with pytest.raises(UserError, match="another process lands"):
        append_as_of_before(second, reader.name, arrival)
    assert ids(parts) == ["0", "1", "2"]
    assert land_arrivals(reader, parts) == []


def append_as_of_before(stale, name, arrival):
    """As the second process does, whose list of parts is from before the first's."""
    stale.all = list
    stale.append(name, arrival)


def test_a_broker_that_is_away_for_a_while_is_waited_for(own_kafka, parts, monkeypatch):
    monkeypatch.setattr(offsets, "_AT_ONCE", 100)
    topic = own_kafka.topic()
    own_kafka.send(topic, many(0, 20_000))
    reader = reader_of(own_kafka, topic, options=LITTLE_AHEAD)
    monkeypatch.setattr(reading, "MAX_ROWS", 1_000)
    arrivals = reader.read(None)
    parts.append(reader.name, next(arrivals))
    own_kafka.broker.kill()
    back = threading.Timer(3.0, own_kafka.broker.start)
    back.start()
    append_all(parts, reader, arrivals)
    back.join()
    assert sorted(map(int, ids(parts))) == [*range(20_000)]


def test_a_broker_that_stays_away_is_told_and_the_next_run_goes_on(kafka, parts, monkeypatch):
    monkeypatch.setattr(offsets, "_AT_ONCE", 100)
    monkeypatch.setattr(reading, "MAX_ROWS", 1_000)
    topic = kafka.topic()
    kafka.send(topic, many(0, 20_000))
    reader = reader_of(kafka, topic, options=LITTLE_AHEAD)
    arrivals = reader.read(None)
    parts.append(reader.name, next(arrivals))
    # Before and afterwards, a broker that is slow is waited for.
    with monkeypatch.context() as patched, kafka.broker.paused():
        patched.setattr(offsets, "PATIENCE", 2.0)
        with pytest.raises(UserError, match=r"gave nothing of .* for 2 s"):
            append_all(parts, reader, arrivals)
    landed = len(ids(parts))
    assert 1_000 <= landed < 20_000
    land_arrivals(reader, parts)
    assert sorted(map(int, ids(parts))) == [*range(20_000)]


def test_without_a_broker_one_sentence_says_so(monkeypatch):
    monkeypatch.setattr(offsets, "_SECONDS", 1.0)
    with pytest.raises(UserError, match="Kafka does not answer"):
        next(KafkaReader(bootstrap="127.0.0.1:1", topic="lines").read(None))


def test_without_the_topic_one_sentence_says_so(kafka):
    with pytest.raises(UserError, match=r"no topic 'not-there'"):
        next(reader_of(kafka, "not-there").read(None))


def test_a_password_is_in_no_name_and_no_message():
    reader = KafkaReader(
        bootstrap="127.0.0.1:1", topic="t", options={"sasl.password": "hunter2", "nonsense": "1"}
    )
    with pytest.raises(UserError) as told:
        next(reader.read(None))
    assert "hunter2" not in f"{told.value.message} {reader.name} {reader._clients!r}"


def append_all(parts, reader, arrivals):
    for arrival in arrivals:
        parts.append(reader.name, arrival)


def remove_before(kafka, topic, offset):
    place = TopicPartition(topic, 0, offset)
    # What is asked ends with the client.
    admin = kafka.clients.admin()
    admin.delete_records([place])[place].result(20)
