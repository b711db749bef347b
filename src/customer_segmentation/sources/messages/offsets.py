"""Reading a topic by offsets: where it begins and ends, how far one is, what lies between."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from customer_segmentation.errors import UserError
from customer_segmentation.sources.messages.received import Received

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message, Producer
    from confluent_kafka.admin import AdminClient

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
_SECONDS = 10.0
# A broker that is away for a minute is waited for.
PATIENCE = 90.0
# A moment's worth, so that large messages do not pile up in memory.
_AT_ONCE, _WAIT = 10_000, 0.2


class AwayError(UserError):
    """Kafka does not answer now; it may later."""


def patiently(ask: Callable[[], Answer]) -> Answer:
    """What Kafka answers, which in the middle of some work is waited for.

    Raises:
        UserError: It stays away for `PATIENCE` seconds, or refuses.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except AwayError:
            if time.monotonic() > until:
                raise
            time.sleep(_WAIT)


def partitions_of(client: Consumer | Producer | AdminClient, topic: str) -> tuple[int, ...]:
    """The numbers of a topic's partitions.

    Raises:
        UserError: There is no such topic, or Kafka does not answer.
    """
    from confluent_kafka import KafkaException  # noqa: PLC0415 - only who uses Kafka has it

    try:
        told = client.list_topics(topic, timeout=_SECONDS).topics[topic]
    except KafkaException as error:
        # The log tells more, such as a wrong password.
        client.poll(0.0)
        raise AwayError(
            f"Kafka does not answer ({error.args[0].str()}): see that it runs"
        ) from error
    if told.error:
        raise UserError(f"Kafka: no topic {topic!r} ({told.error.str()}): make it first")
    return tuple(sorted(told.partitions))


def offsets_of(
    consumer: Consumer, topic: str, partitions: Sequence[int]
) -> dict[int, tuple[int, int]]:
    """The first offset that is still there and the one after the last committed, by partition.

    Raises:
        UserError: Kafka does not answer.
    """
    from confluent_kafka import (  # noqa: PLC0415 - as above
        KafkaError,
        KafkaException,
        TopicPartition,
    )

    until = time.monotonic() + _SECONDS
    while True:
        try:
            return {
                partition: consumer.get_watermark_offsets(
                    TopicPartition(topic, partition), timeout=_SECONDS, cached=False
                )
                for partition in partitions
            }
        except KafkaException as error:
            told = error.args[0]
            # A client that was just made, or lost its broker, does not know its partitions yet.
            is_new = told.code() == KafkaError._UNKNOWN_PARTITION  # noqa: SLF001 - librdkafka's name
            if not is_new or time.monotonic() > until:
                raise AwayError(
                    f"Kafka does not answer ({told.str()}): see that it runs"
                ) from error
            time.sleep(_WAIT)


def lag_of(consumer: Consumer, topic: str, positions: Mapping[int, int]) -> dict[int, int]:
    """How many offsets lie between what is read and the end, by partition of the topic.

    Args:
        consumer: Any of the same Kafka.
        topic: Its name.
        positions: The next offset to read, by partition; a partition without one counts whole.
    """
    offsets = offsets_of(consumer, topic, partitions_of(consumer, topic))
    return {
        partition: end - max(positions.get(partition, start), start)
        for partition, (start, end) in offsets.items()
    }


def start_at(consumer: Consumer, topic: str, positions: Mapping[int, int]) -> None:
    """Let a consumer read a topic's partitions on from these offsets."""
    from confluent_kafka import TopicPartition  # noqa: PLC0415 - as above

    consumer.assign([TopicPartition(topic, *place) for place in positions.items()])


def take(consumer: Consumer, count: int, seconds: float) -> list[Message]:
    """At most so many messages, after at most so many seconds.

    Raises:
        UserError: Kafka cannot give them; a broker that is away for a while is no error.
    """
    found = []
    for message in _waiting(consumer, count, seconds):
        if message.error() is None:
            found.append(message)
        else:
            _refuse_gone(message)
    return found


def _waiting(consumer: Consumer, count: int, seconds: float) -> list[Message]:
    """What is there, or the first that comes: `consume` alone would wait for so many."""
    first = consumer.poll(seconds)
    if first is None:
        return []
    return [first, *consumer.consume(count - 1, 0.0)] if count > 1 else [first]


def read_between(
    consumer: Consumer, topic: str, begin: Mapping[int, int], ends: Mapping[int, int]
) -> Iterator[list[Message]]:
    """The messages between offsets of each partition, in batches, each partition's in order.

    Args:
        consumer: Made with `enable_partition_eof=True`: what is behind the last message, such as
            the marks of transactions, is told in no other way.
        topic: Its name.
        begin: The first offset of each partition.
        ends: The one after the last, by the same partitions, as of `offsets_of`.

    Raises:
        UserError: Messages are gone, or nothing came for `PATIENCE` seconds.
    """
    from confluent_kafka import KafkaError, TopicPartition  # noqa: PLC0415 - as above

    open_ = {partition for partition, offset in begin.items() if offset < ends[partition]}
    start_at(consumer, topic, {partition: begin[partition] for partition in open_})
    heard = time.monotonic()
    while open_:
        found = []
        for message in _waiting(consumer, _AT_ONCE, _WAIT):
            partition, offset, error = *place_of(message), message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's name
                _refuse_gone(message)
                continue
            heard = time.monotonic()
            if partition not in open_:
                continue
            if error is None and offset < ends[partition]:
                found.append(message)
            if offset + (error is None) >= ends[partition]:
                open_.remove(partition)
                consumer.incremental_unassign([TopicPartition(topic, partition)])
        if found:
            yield found
            # The time that the caller took is not Kafka's.
            heard = time.monotonic()
        elif time.monotonic() - heard > PATIENCE:
            raise AwayError(
                f"Kafka gave nothing of {topic!r} for {PATIENCE:g} s, and there is more: see that "
                "it runs, then run again, which reads on from what was landed"
            )


def place_of(message: Received) -> tuple[int, int]:
    """Partition and offset; of an error that is of no partition, -1 each."""
    partition, offset = message.partition(), message.offset()
    return -1 if partition is None else partition, -1 if offset is None else offset


def _refuse_gone(message: Message) -> None:
    from confluent_kafka import KafkaError  # noqa: PLC0415 - as above

    error = message.error()
    if error and error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - librdkafka's name
        raise UserError(
            f"Kafka: messages of {message.topic()!r} that were not read yet are gone "
            f"({error.str()})"
        )
    if error and (error.fatal() or not error.retriable()):
        logger.warning("%s: %s", message.topic(), error.str())


def topic_id(admin: AdminClient, topic: str) -> str:
    """What tells a topic from a later one of the same name; '' if the broker is too old to say.

    Raises:
        UserError: Kafka does not answer.
    """
    from confluent_kafka import (  # noqa: PLC0415 - as above
        KafkaError,
        KafkaException,
        TopicCollection,
    )

    asked = admin.describe_topics(TopicCollection([topic]), request_timeout=_SECONDS)
    try:
        return str(asked[topic].result(2 * _SECONDS).topic_id or "")
    except KafkaException as error:
        if error.args[0].code() == KafkaError._UNSUPPORTED_FEATURE:  # noqa: SLF001 - as above
            return ""
        raise AwayError(
            f"Kafka does not answer ({error.args[0].str()}): see that it runs"
        ) from error
