"""What of Kafka makes exactly once: what is read and what is written last together, or not at all.

One transaction holds the answers, the moves, the dead letters and how far the events are read.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from customer_segmentation.errors import UserError
from customer_segmentation.sources.messages.kafka import Clients, Outgoing
from customer_segmentation.sources.messages.offsets import PATIENCE, offsets_of, partitions_of
from customer_segmentation.streaming.sinks.messages import place_of

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError

_log = logging.getLogger(__name__)
_SECONDS = 5.0
# Longer than any call takes that comes back.
_STUCK_SECONDS = 8.0
# As long as the broker keeps an open transaction of a runner that does not answer.
_TIMEOUT_MS = 600_000
# A runner that started later has the same transactional id.
_FENCED = "another kedro stream run has begun with the same `group` ({}): this one ends"


class AbortedError(Exception):
    """The transaction did not last, or nobody knows: ask what was committed, and go on there."""


class Transactions:
    """The events' consumer and the producer of all that comes of them.

    Args:
        clients: Which Kafka.
        topic: Of the events.
        group: The consumer's name, and that of its transactions.
    """

    def __init__(self, clients: Clients, topic: str, group: str) -> None:
        self.topic, self._group = topic, group
        self.consumer = clients.consumer(group_id=group, fetch_wait_max_ms=100)
        self.partitions = partitions_of(self.consumer, topic)
        self._clients = clients
        self._producer: Any = None
        self._is_stuck = False
        self.is_open = False

    def begin(self) -> None:
        """Take over: an earlier runner is kept out, and what it left open is settled."""
        while True:
            self._producer = self._clients.producer(
                transactional_id=self._group, transaction_timeout_ms=_TIMEOUT_MS, linger_ms=0
            )
            self._is_stuck = False
            try:
                self._try(lambda: self._producer.init_transactions(_SECONDS))
            except AbortedError as error:
                _log.warning("Kafka does not answer (%s): trying again", error)
            else:
                return

    def committed(self) -> tuple[dict[str, int], str]:
        """How far the last transaction has read, and what it was told with it.

        Raises:
            UserError: Kafka does not answer.
        """
        return last_committed(self.consumer, self.topic, self.partitions)

    def committed_so_far(self) -> tuple[dict[str, int], str]:
        """The same before `begin`, whatever an earlier runner has left open."""
        return committed_of(self._clients, self._group, self.topic)

    def read_from(self, positions: Mapping[str, int]) -> dict[str, int]:
        """Read on from these offsets; a partition that has none is read from its start.

        Raises:
            UserError: The topic has not these offsets: messages are gone, or it was made anew.
        """
        from confluent_kafka import TopicPartition  # noqa: PLC0415 - as above

        assigned, at = [], {}
        for partition, (first, end) in offsets_of(
            self.consumer, self.topic, self.partitions
        ).items():
            place = place_of(self.topic, partition)
            offset = positions.get(place, first)
            if offset > end:
                raise UserError(
                    f"topic {self.topic!r} ends at {end} in partition {partition}, and {offset} "
                    "was read: it was made anew. Run kedro stream rebuild from a source that has "
                    "read the new one, or set another `group` and other names of all topics in "
                    "stream.yml"
                )
            if offset < first:
                raise UserError(
                    f"topic {self.topic!r} begins at {first} in partition {partition}, and only "
                    f"{offset} was read: what lies between is gone. If it is in bronze, run "
                    "kedro stream rebuild"
                )
            at[place] = offset
            assigned.append(TopicPartition(self.topic, partition, offset))
        self.consumer.assign(assigned)
        return at

    def ends(self) -> dict[str, int]:
        """The end of each partition, as the consumer knows it already."""
        from confluent_kafka import TopicPartition  # noqa: PLC0415 - as above

        found = {}
        for each in self.partitions:
            told = self.consumer.get_watermark_offsets(
                TopicPartition(self.topic, each), cached=True
            )
            if told and told[1] >= 0:
                found[place_of(self.topic, each)] = told[1]
        return found

    def open(self) -> None:
        """Begin a transaction."""
        self._try(self._producer.begin_transaction)
        self.is_open = True

    def send(self, topic: str, letters: Iterable[Outgoing]) -> None:
        """Send messages within the transaction."""
        from confluent_kafka import KafkaException  # noqa: PLC0415 - as above

        for key, value, headers in letters:
            while True:
                try:
                    self._producer.produce(topic, value, key, headers=[*headers])
                except BufferError:
                    self._producer.poll(0.05)
                except KafkaException as failed:
                    # The transaction's own end says why.
                    self.abort()
                    raise AbortedError(failed.args[0].str()) from failed
                else:
                    break

    def send_positions(self, positions: Mapping[str, int], told: str) -> None:
        """Say within the transaction how far the events are read."""
        from confluent_kafka import TopicPartition  # noqa: PLC0415 - as above

        offsets = [
            TopicPartition(self.topic, each, positions[place_of(self.topic, each)], metadata=told)
            for each in self.partitions
        ]
        group = self.consumer.consumer_group_metadata()
        self._try(lambda: self._producer.send_offsets_to_transaction(offsets, group, _SECONDS))

    def commit(self) -> None:
        """Make all of it last; waits for a broker that is away.

        Raises:
            AbortedError: Nothing of it lasts.
            UserError: Another runner has taken over.
        """
        self._try(lambda: self._producer.commit_transaction(_SECONDS))
        self.is_open = False

    def abort(self) -> None:
        """Take all of it back; where the client is stuck, another one sees how it ended."""
        if self._is_stuck:
            self.begin()
        if not self.is_open:
            return
        self.is_open = False
        self._producer.purge()
        try:
            self._try(lambda: self._producer.abort_transaction(_SECONDS))
        except AbortedError:
            # Another client takes it back.
            self.begin()

    def close(self) -> None:
        """Let go of the consumer; what is open is settled by the next runner."""
        self.consumer.close()

    def _try(self, act: Callable[[], Any]) -> None:
        """Do something until it is done; a broker that is away is waited for."""
        from confluent_kafka import KafkaException  # noqa: PLC0415 - as above

        while True:
            try:
                self._in_time(act)
            except KafkaException as failed:
                error = failed.args[0]
                if error.txn_requires_abort():
                    raise AbortedError(error.str()) from failed
                if error.fatal() or not error.retriable():
                    raise self._refusal(error) from failed
                _log.warning("Kafka does not answer (%s): trying again", error.str())
            else:
                return

    def _in_time(self, act: Callable[[], Any]) -> None:
        """Do something in a thread, since librdkafka may never come back from it.

        It was seen not to when a broker was killed while it took offsets.

        Raises:
            AbortedError: It has not come back: nobody knows whether it was done.
        """
        ended: list[Exception | None] = []

        def run() -> None:
            try:
                act()
                ended.append(None)
            except Exception as error:  # noqa: BLE001 - raised below
                ended.append(error)

        thread = Thread(target=run, daemon=True)
        thread.start()
        thread.join(_STUCK_SECONDS)
        if not ended:
            self._is_stuck, self.is_open = True, False
            raise AbortedError(f"no answer for {_STUCK_SECONDS:g} s")
        if ended[0]:
            raise ended[0]

    def _refusal(self, error: KafkaError) -> UserError:
        from confluent_kafka import KafkaError as Codes  # noqa: PLC0415 - as above

        fenced = {
            Codes._FENCED,  # noqa: SLF001 - librdkafka's name
            Codes.INVALID_PRODUCER_EPOCH,
            Codes.PRODUCER_FENCED if hasattr(Codes, "PRODUCER_FENCED") else Codes._FENCED,  # noqa: SLF001 - as above
        }
        if error.code() in fenced:
            return UserError(_FENCED.format(self._group))
        return UserError(f"Kafka refuses ({error.str()}): see that it runs, and start again")


def committed_of(clients: Clients, group: str, topic: str) -> tuple[dict[str, int], str]:
    """How far the transactions of a group have read a topic, whether or not one is open."""
    # Of a reader of committed messages alone, Kafka would have to wait for the open one to end.
    consumer = clients.consumer(group_id=group, isolation_level="read_uncommitted")
    with closing(consumer):
        return last_committed(consumer, topic, partitions_of(consumer, topic))


def last_committed(
    consumer: Consumer, topic: str, partitions: Iterable[int]
) -> tuple[dict[str, int], str]:
    """How far a consumer's group has read a topic, and what was told with that.

    Raises:
        UserError: Kafka does not answer.
    """
    from confluent_kafka import KafkaException, TopicPartition  # noqa: PLC0415 - an extra

    wanted = [TopicPartition(topic, each) for each in partitions]
    until = monotonic() + PATIENCE
    while True:
        try:
            found = consumer.committed(wanted, timeout=_SECONDS)
            break
        except KafkaException as error:
            # After a start, a broker does not know at once whose groups it keeps.
            if monotonic() > until:
                raise UserError(f"Kafka does not answer ({error.args[0].str()})") from error
            sleep(0.1)
    offsets = {place_of(topic, each.partition): each.offset for each in found if each.offset >= 0}
    told = {each.metadata for each in found if each.offset >= 0 and each.metadata}
    return offsets, next(iter(told), "")
