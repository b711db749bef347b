"""A real Kafka broker for tests, with topics of their own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import uuid4

import pytest

from customer_segmentation.sources.messages.kafka import (
    Clients,
    Outgoing,
    Publisher,
    make_topics,
)
from tools.kafka_broker import KafkaBroker, java, kafka_jars, serve_kafka

SECONDS = 20.0


class Kafka:
    """A broker that runs.

    Attributes:
        broker: To stop, kill, start and pause: only of `own_kafka`, which no other test uses.
        clients: The settings by which the project's own code reaches it.
    """

    def __init__(self, broker: KafkaBroker) -> None:
        self.broker = broker
        self.clients = Clients(broker.bootstrap)

    @property
    def bootstrap(self) -> str:
        return self.broker.bootstrap

    def topic(self, partitions: int = 1, name: str = "topic") -> str:
        """A new topic with a name that no other has."""
        made = f"{name}-{uuid4().hex[:12]}"
        self.make(made, partitions)
        return made

    def make(self, topic: str, partitions: int = 1) -> None:
        """Make a topic, and wait until the broker leads it."""
        make_topics(self.clients, {topic: partitions})

    def send(self, topic: str, messages: Sequence[Outgoing]) -> None:
        """Send messages and wait until they last."""
        with Publisher(self.clients) as publisher:
            publisher.publish(topic, messages, SECONDS)


@pytest.fixture(scope="session")
def needs_kafka() -> None:
    """Skip where no broker can be started."""
    if kafka_jars() is None or java() is None:
        pytest.skip("Kafka's jars are not there, which need Java 17 and Maven: make services")


@pytest.fixture(scope="session")
def kafka(needs_kafka: None) -> Iterator[Kafka]:  # noqa: ARG001 - it skips
    """Start one broker for all tests: a test takes topics of its own."""
    with serve_kafka() as broker:
        yield Kafka(broker)


@pytest.fixture
def own_kafka(needs_kafka: None) -> Iterator[Kafka]:  # noqa: ARG001 - it skips
    """Start one that a test may kill."""
    with serve_kafka() as broker:
        yield Kafka(broker)
