"""Events landed as they come, so that the state can be made anew and batch runs have them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from time import monotonic, sleep
from typing import Any

from customer_segmentation.errors import UserError
from customer_segmentation.lineage.flow import SOURCE
from customer_segmentation.sources.arrivals.dataset import ArrivingSource
from customer_segmentation.sources.messages.offsets import AwayError
from customer_segmentation.sources.readers.kafka import UnreadableError
from customer_segmentation.streaming.places import Stream
from customer_segmentation.streaming.progress import Progress
from customer_segmentation.streaming.sinks.messages import place_of
from customer_segmentation.streaming.turns import in_turn

_log = logging.getLogger(__name__)
_KIND, _READER = "ArrivingSource", "kafka.KafkaReader"
_LOOK = 0.1


class EventsLander:
    """Lands the topic of events as parts of the catalog's source.

    Args:
        stream: The environment's.
        progress: What is told of it.

    Raises:
        UserError: The source does not read the topic of the stream's events.
    """

    def __init__(self, stream: Stream, progress: Progress) -> None:
        self._stream, self._progress = stream, progress
        self._source = _source_of(stream)

    def run(self, is_stopped: Callable[[], bool]) -> None:
        """Land what has come, every `bronze_seconds`, until told to stop.

        Raises:
            UserError: It cannot go on, for instance since the topic was made anew.
        """
        due = 0.0
        while not is_stopped():
            if monotonic() >= due:
                self._land()
                due = monotonic() + self._stream.settings.bronze_seconds
            self._progress.tell()
            sleep(_LOOK)

    def _land(self) -> None:
        begun = monotonic()
        try:
            with in_turn(self._stream.tables, self._progress.tell):
                landed = self._source.land_new()
        except (AwayError, UnreadableError) as error:
            # The stream has its own dead letters, and goes on.
            _log.warning("bronze: %s: waiting", error)
            return
        if not landed:
            return
        topic = self._stream.settings.topics.events
        offsets = landed[-1].position["offsets"]
        positions = {place_of(topic, int(each)): int(at) for each, at in offsets.items()}
        rows = sum(part.rows for part in landed)
        self._progress.batch(rows, monotonic() - begun, positions=positions)


def _source_of(stream: Stream) -> ArrivingSource:
    topics = stream.settings.topics
    entry = stream.catalog.get(SOURCE)
    entry = entry if isinstance(entry, Mapping) else {}
    reader: Mapping[str, Any] = entry.get("reader") or {}
    is_kafka = str(entry.get("type")).endswith(_KIND) and str(reader.get("type")).endswith(_READER)
    if not is_kafka or reader.get("topic") != topics.events:
        raise UserError(
            f"conf/*/stream.yml: `bronze`: the catalog's {SOURCE!r} does not read the topic "
            f"{topics.events!r} by kafka.KafkaReader: docs/sources.md"
        )
    if not reader.get("dead_letters"):
        raise UserError(
            f"the catalog's {SOURCE!r}: `dead_letters`: name a topic, or a message that nobody can "
            "read would end the stream"
        )
    if reader.get("dead_letters") == topics.dead_letters:
        raise UserError(
            f"the catalog's {SOURCE!r}: `dead_letters`: {topics.dead_letters!r} has those of the "
            "stream, which has them already: name another topic"
        )
    return ArrivingSource(**{key: value for key, value in entry.items() if key != "type"})
