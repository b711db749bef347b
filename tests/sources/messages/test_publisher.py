"""Messages are sent when the broker has them, or one sentence says that they are not."""

from __future__ import annotations

import json
import time

import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.sources.messages.dead_letters import (
    LEFT_OUT,
    REASONS,
    DeadLetters,
    dead_letter,
)
from customer_segmentation.sources.messages.decoding import Rejected
from customer_segmentation.sources.messages.kafka import Clients, Outgoing, Publisher
from tests.sources.messages.made import Sent

ONE = [Outgoing(b"1", b"{}")]


def test_a_broker_that_answers_nobody_is_told_in_time_and_what_was_sent_may_come_later(kafka):
    topic = kafka.topic()
    with Publisher(kafka.clients) as publisher:
        publisher.publish(topic, ONE, seconds=60.0)
        before = time.monotonic()
        with kafka.broker.paused(), pytest.raises(UserError, match=r"did not take 1 of 1 messages"):
            publisher.publish(topic, ONE, seconds=1.0)
        # Long before the producer itself gives up, after half a minute.
        assert time.monotonic() - before < 20.0
        # The same publisher goes on.
        publisher.publish(topic, ONE, seconds=60.0)


def test_without_a_broker_nothing_is_said_to_be_sent():
    with (
        Publisher(Clients("127.0.0.1:1")) as publisher,
        pytest.raises(UserError, match=r"Kafka at 127\.0\.0\.1:1 did not take 1 of 1 messages"),
    ):
        publisher.publish("lines", ONE, seconds=0.5)


def test_a_topic_that_is_not_there_is_told(kafka):
    with (
        Publisher(kafka.clients, delivery_timeout_ms=3_000) as publisher,
        pytest.raises(UserError, match="for 'not-there'"),
    ):
        publisher.publish("not-there", ONE, seconds=5.0)


def test_a_message_too_large_is_told_and_the_others_are_sent(kafka):
    topic = kafka.topic()
    with (
        Publisher(kafka.clients) as publisher,
        pytest.raises(UserError, match=r"Message size too large|too large"),
    ):
        publisher.publish(topic, [*ONE, Outgoing(b"2", b"x" * 2_000_000)])


def test_connection_settings_come_from_the_environment_and_are_not_shown(monkeypatch):
    monkeypatch.setenv("SEGMENTATION_KAFKA_SASL_PASSWORD", "hunter2")
    monkeypatch.setenv("SEGMENTATION_KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    # Another setting of the project, and of no client.
    monkeypatch.setenv("SEGMENTATION_KAFKA", "127.0.0.1:1")
    monkeypatch.setenv("SEGMENTATION_KAFKA_TOPIC", "lines")
    clients = Clients("127.0.0.1:1", {"security.protocol": "SASL_PLAINTEXT"})
    assert clients.settings() == {
        "bootstrap.servers": "127.0.0.1:1",
        "log_level": 3,
        "sasl.password": "hunter2",
        "security.protocol": "SASL_PLAINTEXT",
    }
    assert "hunter2" not in repr(clients)


def test_without_an_address_one_sentence_says_how_to_set_it():
    with pytest.raises(UserError, match="set SEGMENTATION_KAFKA=host:port"):
        Clients(" ")


def test_reasons_are_kept_in_their_own_words_and_order():
    reasons = ("`Income` is no number", "`Dt_Customer` is no day (É) 31-02-2013")
    letter = dead_letter(Sent(b"{}", b"1", 7, (("trace", b"a"), ("trace", b"b"))), reasons)
    assert [value for name, value in letter.headers if name == "trace"] == [b"a", b"b"]
    assert json.loads(dict(letter.headers)[REASONS]) == [*reasons]


def test_a_dead_letter_that_is_one_again_says_where_it_was_last():
    first = dead_letter(Sent(b"{}", b"1", 7), ["a"])
    again = dead_letter(Sent(first.value, first.key, 8, tuple(first.headers)), ["b"])
    assert [name for name, _ in again.headers].count(REASONS) == 1
    assert dict(again.headers)["dead-letter-offset"] == b"8"


def test_a_message_too_large_to_be_sent_again_leaves_its_value_where_it_is(kafka):
    rejected = Rejected(Sent(b"x" * 999_000, b"1", 3), ("it is too large",))
    DeadLetters(kafka.clients, kafka.topic(), "lines").keep([rejected], None, {0: 4})
    letter = dead_letter(rejected.message, rejected.reasons)
    assert (letter.value, dict(letter.headers)[LEFT_OUT]) == (None, b"999001")


def test_letters_of_a_killed_attempt_are_found_again_whatever_order_it_read_in(kafka):
    topic = kafka.topic() + "-dead"
    first, second, third = (Rejected(Sent(b"{", b"1", at), ("no JSON",)) for at in (1, 2, 3))
    # Killed before what this says was recorded.
    DeadLetters(kafka.clients, topic, "lines").keep([first, third], None, {0: 4})
    letters = DeadLetters(kafka.clients, topic, "lines")
    recorded = letters.keep([first], None, {0: 2})
    assert recorded == {}
    letters.close()
    # The third was sent before, and the record must not have passed it.
    assert letters.keep([second, third], recorded, {0: 4}) == {"0": 3}
