"""Clients of a real broker."""

from __future__ import annotations

import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.sources.messages import offsets
from customer_segmentation.sources.messages.kafka import (
    Clients,
    Outgoing,
    lag_of,
    make_topics,
    offsets_of,
    partitions_of,
    start_at,
    take,
)
from tools.kafka_broker import serve_kafka


def test_what_was_published_is_read_back_with_key_and_headers(kafka):
    topic = kafka.topic()
    kafka.send(topic, [Outgoing(b"1", b"one", {"h": b"x"}), Outgoing(b"2", None)])
    consumer = kafka.clients.consumer()
    start_at(consumer, topic, {0: 0})
    found = []
    while len(found) < 2:
        found += take(consumer, 10, 1.0)
    assert [(m.key(), m.value(), m.headers()) for m in found] == [
        (b"1", b"one", [("h", b"x")]),
        (b"2", None, None),
    ]
    assert lag_of(consumer, topic, {0: 1}) == {0: 1}
    assert offsets_of(consumer, topic, [0]) == {0: (0, 2)}
    consumer.close()


def test_a_topic_is_made_once_with_its_partitions(kafka):
    topic = kafka.topic(partitions=3)
    assert make_topics(kafka.clients, {topic: 5}) == []
    assert partitions_of(kafka.clients.admin(), topic) == (0, 1, 2)


@pytest.mark.usefixtures("needs_kafka")
def test_a_password_of_the_environment_lets_clients_in_and_a_wrong_one_does_not(
    monkeypatch, caplog
):
    monkeypatch.setattr(offsets, "_SECONDS", 3.0)
    monkeypatch.setenv("SEGMENTATION_KAFKA_SECURITY_PROTOCOL", "SASL_PLAINTEXT")
    monkeypatch.setenv("SEGMENTATION_KAFKA_SASL_MECHANISM", "PLAIN")
    monkeypatch.setenv("SEGMENTATION_KAFKA_SASL_USERNAME", "client")
    monkeypatch.setenv("SEGMENTATION_KAFKA_SASL_PASSWORD", "right")
    with serve_kafka(password="right") as broker:  # noqa: S106 - of a broker of this test
        make_topics(Clients(broker.bootstrap), {"lines": 2})
        assert partitions_of(Clients(broker.bootstrap).admin(), "lines") == (0, 1)
        stranger = Clients(broker.bootstrap, {"sasl.password": "wrong-one"})
        with pytest.raises(UserError, match="Kafka does not answer") as told:
            partitions_of(stranger.consumer(), "lines")
    assert "Authentication failed" in caplog.text
    assert "wrong-one" not in caplog.text + told.value.message
