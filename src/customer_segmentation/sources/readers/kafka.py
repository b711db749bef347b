"""A topic of Kafka as a source: what lies between the last position and its end now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import Arrival, Position
from customer_segmentation.sources.limits import MAX_BATCH, MAX_ROWS
from customer_segmentation.sources.messages.dead_letters import DeadLetters
from customer_segmentation.sources.messages.decoding import (
    OFFSET,
    PARTITION,
    Decoded,
    Decoder,
    Format,
)
from customer_segmentation.sources.messages.kafka import Clients
from customer_segmentation.sources.messages.offsets import (
    offsets_of,
    partitions_of,
    place_of,
    read_between,
    topic_id,
)
from customer_segmentation.sources.messages.received import Rejected

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message

_MOST_REASONS = 3


class UnreadableError(UserError):
    """Not one of a topic's first messages can be read."""


class KafkaReader:
    """Reads the committed messages of a topic, each once, by `Decoder`'s rules.

    The position is the next offset of each partition, beside the topic's own id, the headers so
    far and how far the dead letters are written. What librdkafka needs to connect is taken from
    the environment too: `Clients`.

    Args:
        bootstrap: `host:port`, several with commas.
        topic: Its name.
        format: `json` or `avro`.
        schema: For Avro: as of `Decoder`.
        key: The header of the customer's key: as of `Decoder`.
        columns: The paths that are read of each message: as of `Decoder`.
        required: Headers without which a message says nothing: those of the entry's own `key`.
        dead_letters: The topic for messages that say nothing; without one they are refused.
        accept_gap: Read on although messages are gone that were never read; the part tells it.
        options: Of librdkafka, such as `security.protocol`.
    """

    def __init__(  # noqa: PLR0913 - the catalog's names
        self,
        *,
        bootstrap: str,
        topic: str,
        format: Format = "json",  # noqa: A002 - as above
        schema: str | Mapping[int, str] | None = None,
        key: str = "",
        columns: Sequence[str] = (),
        required: Sequence[str] = (),
        dead_letters: str = "",
        accept_gap: bool = False,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Nothing is connected to yet.

        Raises:
            UserError: There is no such format, or the schema cannot be used.
        """
        if dead_letters == topic:
            raise UserError(f"Kafka: the dead letters of {topic!r} need another topic")
        self._clients = Clients(bootstrap, options or {})
        self.name = f"kafka://{bootstrap}/{topic}"
        self._topic, self._accept_gap = topic, accept_gap
        self._decoder = partial(
            Decoder, format, schema, key, required=tuple(required), columns=columns
        )
        self._decoder()
        self._dead = DeadLetters(self._clients, dead_letters, topic) if dead_letters else None

    def read(self, since: Position | None) -> Iterator[Arrival]:
        """What is committed now after a position.

        Raises:
            UserError: Kafka does not answer, messages are gone that were never read, the topic is
                another one of the same name, or a message says nothing and nobody said where to
                keep it.
        """
        consumer = self._clients.consumer(enable_partition_eof=True)
        try:
            yield from self._arrivals(consumer, since)
        finally:
            consumer.close()
            if self._dead:
                self._dead.close()

    def _arrivals(self, consumer: Consumer, since: Position | None) -> Iterator[Arrival]:
        told = dict(since or {})
        offsets = offsets_of(consumer, self._topic, partitions_of(consumer, self._topic))
        told["topic_id"] = self._same_topic(told.get("topic_id"))
        begin, notes = self._begin(offsets, since)
        ends = {partition: max(end, begin[partition]) for partition, (_, end) in offsets.items()}
        decoder = self._decoder(known=told.get("headers", ()))
        reached = dict(begin)
        for piece, is_last in _pieces(read_between(consumer, self._topic, begin, ends)):
            had_headers = bool(decoder.known)
            decoded = decoder.decode(piece)
            if since is None and reached == begin and not decoded.rows.num_rows:
                self._refuse_all(decoded.rejected)
            for message in piece:
                partition, offset = place_of(message)
                reached[partition] = offset + 1
            reached = ends if is_last else reached
            told["dead_letters"] = self._keep(decoded.rejected, told.get("dead_letters"), reached)
            told["headers"] = [*decoder.known]
            told["offsets"] = {str(partition): offset for partition, offset in reached.items()}
            notes += self._notes(decoded, had_headers=had_headers)
            yield Arrival(_as_text(decoded.rows), dict(told), notes=tuple(notes))
            notes = []

    def _same_topic(self, known: str | None) -> str:
        found = topic_id(self._clients.admin(), self._topic)
        if known and found and known != found:
            raise UserError(self._another("its id is another one"))
        return found or known or ""

    def _begin(
        self, offsets: Mapping[int, tuple[int, int]], since: Position | None
    ) -> tuple[dict[int, int], list[str]]:
        """Where to read each partition on, and what a person should know of it."""
        known = {int(each): offset for each, offset in (since or {}).get("offsets", {}).items()}
        if lost := sorted(known.keys() - offsets.keys()):
            raise UserError(self._another(f"it has no partition {lost[0]} any more"))
        begin, notes = {}, []
        for partition, (start, end) in offsets.items():
            # A partition that was added is read from its first message.
            place = known.get(partition, 0)
            if partition in known and end < place:
                raise UserError(
                    self._another(f"partition {partition} ends at {end}, and {place} was read")
                )
            if place < start:
                gone = f"{start - place:,} messages of partition {partition} before offset {start}"
                if since is not None and not self._accept_gap:
                    raise UserError(
                        f"{self.name}: {gone} are gone and were never read: the topic keeps them "
                        "too short a time. Load them from elsewhere, or set `accept_gap: true` in "
                        "the entry for one run"
                    )
                notes.append(f"{gone} were gone before they were read")
            begin[partition] = max(place, start)
        return begin, notes

    def _another(self, why: str) -> str:
        return (
            f"{self.name}: it is not the topic that was read before ({why}). Give the entry a new "
            "folder of `parts` to read it from its start"
        )

    def _keep(
        self,
        rejected: Sequence[Rejected],
        since: Mapping[str, int] | None,
        reached: Mapping[int, int],
    ) -> Mapping[str, int] | None:
        """Keep the messages that say nothing; returns what to record of it."""
        if self._dead:
            return self._dead.keep(rejected, since, reached)
        if rejected:
            raise UserError(f"{self.name}: {_first(rejected)}. Set `dead_letters` to a topic")
        return since

    def _refuse_all(self, rejected: Sequence[Rejected]) -> None:
        raise UnreadableError(
            f"{self.name}: not one of its first {len(rejected):,} messages can be read, so nothing "
            f"is landed: {_first(rejected)}. See that `format`, `schema` and `key` are right"
        )

    def _notes(self, decoded: Decoded, *, had_headers: bool) -> list[str]:
        notes = []
        if had_headers:
            notes += [
                f"column {name!r} is new since {place}" for name, place in decoded.new.items()
            ]
        if self._dead and (rejected := decoded.rejected):
            counts = Counter(reason for each in rejected for reason in each.reasons)
            often = (f"{why} ({count:,})" for why, count in counts.most_common(_MOST_REASONS))
            notes.append(
                f"{len(rejected):,} messages say nothing and are kept in {self._dead.topic!r}: "
                + "; ".join(often)
            )
        return notes


def _first(rejected: Sequence[Rejected]) -> str:
    message, reasons = rejected[0].message, "; ".join(rejected[0].reasons)
    return f"partition {message.partition()}, offset {message.offset()}: {reasons}"


def _as_text(rows: pa.Table) -> pa.Table:
    for name in (PARTITION, OFFSET):
        place = rows.column_names.index(name)
        rows = rows.set_column(place, name, rows[name].cast(pa.string()))
    return rows


def _pieces(batches: Iterator[list[Message]]) -> Iterator[tuple[list[Message], bool]]:
    """Messages in pieces of bounded size, and whether each is the last."""
    held: list[Message] = []
    size = 0
    for batch in batches:
        for message in batch:
            # Only now is it sure that this piece is not the last.
            if len(held) >= MAX_ROWS or size >= MAX_BATCH:
                yield held, False
                held, size = [], 0
            held.append(message)
            size += len(message)
    if held:
        yield held, True
