"""Events' messages as rows of text, and those that count for nothing as dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from customer_segmentation.customers.rules import REASONS, SEPARATOR
from customer_segmentation.sources.messages import decoding
from customer_segmentation.sources.messages.dead_letters import dead_letter
from customer_segmentation.sources.messages.kafka import Outgoing
from customer_segmentation.streaming.reading import OFFSET, PARTITION
from customer_segmentation.streaming.settings import StreamSettings
from customer_segmentation.streaming.sinks.messages import place_of

if TYPE_CHECKING:
    from confluent_kafka import Message

_Place = tuple[str, int]


@dataclass(frozen=True)
class Decoded:
    """What messages say.

    Attributes:
        events: Cells as text, '' where a message lacks a header, with `PARTITION` and `OFFSET`.
        refused: Of each message that says nothing its place, and why.
    """

    events: pl.DataFrame
    refused: dict[_Place, tuple[str, ...]]


class Decoder:
    """Decodes the events of a stream.

    Args:
        settings: Of the stream.
        has_lines: Whether events are order lines.

    Raises:
        UserError: The schema of Avro's messages cannot be used.
    """

    def __init__(self, settings: StreamSettings, *, has_lines: bool) -> None:
        self._topic = settings.topics.events
        key = settings.key
        # Of records, a message without a value removes a customer.
        required = (key,) if key and not has_lines else ()
        self._decoder = decoding.Decoder(
            settings.format, settings.avro_schema or None, key, required=required
        )

    def decode(self, messages: Sequence[Message]) -> Decoded:
        """The rows of messages that can be read, and the reasons of the others."""
        found = self._decoder.decode(messages)
        rows = pl.DataFrame(found.rows)
        place = pl.format(f"{self._topic}-{{}}", pl.col(decoding.PARTITION))
        rows = rows.with_columns(
            place.alias(PARTITION), pl.col(decoding.OFFSET).alias(OFFSET)
        ).drop(decoding.PARTITION, decoding.OFFSET)
        refused = {_at(each.message): each.reasons for each in found.rejected}
        return Decoded(rows, refused)

    def dead_letters(
        self, messages: Sequence[Message], decoded: Decoded, rejected: pl.DataFrame
    ) -> list[Outgoing]:
        """Each message that counts for nothing, as it was sent, with every reason.

        Args:
            messages: All that were decoded.
            decoded: What they said.
            rejected: Of `Step`: those that break the contract.
        """
        reasons = dict(decoded.refused)
        if len(rejected):
            for place, offset, why in rejected.select(PARTITION, OFFSET, REASONS).iter_rows():
                reasons[place, offset] = tuple(why.split(SEPARATOR))
        if not reasons:
            return []
        told = ((message, reasons.get(_at(message))) for message in messages)
        return [dead_letter(message, why) for message, why in told if why]


def _at(message: decoding.Received) -> _Place:
    return place_of(str(message.topic()), int(message.partition())), int(message.offset())
