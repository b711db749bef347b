"""Messages that say nothing, or break the contract, kept in a topic with every reason."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from customer_segmentation.sources.messages.kafka import (
    Clients,
    Outgoing,
    Publisher,
    make_topics,
)
from customer_segmentation.sources.messages.offsets import (
    PATIENCE,
    offsets_of,
    partitions_of,
    patiently,
    place_of,
    read_between,
)
from customer_segmentation.sources.messages.received import Received, Rejected

# Headers that are added to those of the message.
REASONS, TOPIC, PARTITION, OFFSET = (
    f"dead-letter-{name}" for name in ("reasons", "topic", "partition", "offset")
)
LEFT_OUT = "dead-letter-left-out"
_ADDED = {REASONS, TOPIC, PARTITION, OFFSET, LEFT_OUT}
# With room for the reasons below what brokers and producers take by default.
_LARGEST = 900_000
_MOST_REASONS = 100

# A message's partition and offset.
Place = tuple[int, int]


def dead_letter(message: Received, reasons: Sequence[str]) -> Outgoing:
    """A message as it is kept: key, value and headers as sent, and why and where as headers.

    `dead-letter-reasons` is a list in JSON, in the words of the batch's quarantine. Of a message
    too large to be sent again with them, the value stays at its place only: `dead-letter-left-out`
    tells its bytes.
    """
    key, value = message.key(), message.value()
    sent = [pair for pair in message.headers() or () if pair[0] not in _ADDED]
    size = sum(len(each or b"") for each in (key, value)) + sum(
        len(name) + len(cell or b"") for name, cell in sent
    )
    told = {
        REASONS: json.dumps([*reasons[:_MOST_REASONS]], ensure_ascii=False).encode(),
        TOPIC: str(message.topic()).encode(),
        PARTITION: str(message.partition()).encode(),
        OFFSET: str(message.offset()).encode(),
    }
    if size > _LARGEST:
        told[LEFT_OUT] = str(size).encode()
        key, value, sent = None, None, []
    return Outgoing(key, value, (*sent, *told.items()))


class DeadLetters:
    """A topic of dead letters, in which each message of a source is once.

    Who was killed after it sent letters and before it recorded how far it was sends none of them
    again: what was added since the last record is looked at first.

    Args:
        clients: Which Kafka.
        topic: Is made, with one partition, if it is not there.
        source: The topic that the messages come from.
    """

    def __init__(self, clients: Clients, topic: str, source: str) -> None:
        self.topic = topic
        self._clients, self._source = clients, source
        self._publisher: Publisher | None = None
        self._there: set[Place] | None = None

    def close(self) -> None:
        """Forget what is there, and let go of Kafka until it is needed again."""
        if self._publisher:
            self._publisher.close()
        self._publisher, self._there = None, None

    def keep(
        self,
        rejected: Sequence[Rejected],
        since: Mapping[str, int] | None,
        reached: Mapping[int, int],
    ) -> Mapping[str, int]:
        """Send those that are not there yet; returns, once they last, what to record.

        Args:
            rejected: Of the source, after all that was recorded.
            since: What was recorded last.
            reached: The next offset of each partition of the source that will be recorded.

        Raises:
            UserError: Kafka does not take them.
        """
        if self._there is None and (rejected or since is None):
            patiently(lambda: make_topics(self._clients, {self.topic: 1}))
            self._there = patiently(lambda: {*self._places(since or {})})
        if self._there is None:
            return since or {}
        there = self._there
        new = [each for each in rejected if place_of(each.message) not in there]
        self._send([dead_letter(each.message, each.reasons) for each in new])
        there |= {place_of(each.message) for each in new}
        # Another attempt may have read partitions in another order: its letters for what is not
        # reached yet must be found again.
        there -= {place for place in there if place[1] < reached.get(place[0], 0)}
        return (since or {}) if there else patiently(self._ends)

    def _send(self, letters: Sequence[Outgoing]) -> None:
        if letters:
            # It takes a moment until a new one may send.
            self._publisher = self._publisher or Publisher(
                self._clients, delivery_timeout_ms=int(PATIENCE * 1000)
            )
            self._publisher.publish(self.topic, letters, PATIENCE)

    def _ends(self) -> dict[str, int]:
        """How far the topic is written, by partition, as JSON holds it."""
        consumer = self._clients.consumer()
        try:
            offsets = offsets_of(consumer, self.topic, partitions_of(consumer, self.topic))
        finally:
            consumer.close()
        return {str(partition): end for partition, (_, end) in offsets.items()}

    def _places(self, since: Mapping[str, int]) -> Iterator[Place]:
        """Where in the source the letters after some offsets were."""
        consumer = self._clients.consumer(enable_partition_eof=True)
        try:
            offsets = offsets_of(consumer, self.topic, partitions_of(consumer, self.topic))
            begin = {p: max(since.get(str(p), start), start) for p, (start, _) in offsets.items()}
            ends = {partition: end for partition, (_, end) in offsets.items()}
            for messages in read_between(consumer, self.topic, begin, ends):
                for message in messages:
                    pairs: Any = message.headers()
                    told = dict(pairs or ())
                    if told.get(TOPIC) == self._source.encode():
                        yield int(told[PARTITION]), int(told[OFFSET])
        finally:
            consumer.close()
