"""Old events from files into the topic of events, while the stream runs or before it begins."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from pyarrow import parquet

from customer_segmentation.customers.quarantine import map_headers, require_columns
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import KEY
from customer_segmentation.sources.content import UTF8
from customer_segmentation.sources.landing import land
from customer_segmentation.sources.messages.kafka import Outgoing, Publisher
from customer_segmentation.sources.scratch import scratch_folder
from customer_segmentation.streaming.commands import make_topics_of
from customer_segmentation.streaming.places import Stream

# Sent together, and so long waited for.
_ROWS, _SECONDS = 20_000, 60.0


def backfill(stream: Stream, place: str, say: Callable[[str], None], encoding: str = UTF8) -> int:
    """Send each row of a source to the topic of events; returns how many.

    A row is an event like any other: what the stream has already is a repeat, and of versions the
    highest stands. So after a kill it is done again from the start.

    Args:
        stream: Of an environment.
        place: A file, a folder or a pattern, as of `sources.landing`.
        say: Takes lines for people.
        encoding: Of text without a byte-order mark.

    Raises:
        UserError: It is no table, has no column for the key, or Kafka does not take the events.
    """
    if stream.settings.format != "json":
        raise UserError("backfill sends JSON, and conf/*/stream.yml reads avro: send them as Avro")
    topic = stream.settings.topics.events
    with scratch_folder("backfill") as folder:
        file = folder / "landed.parquet"
        landed = land(place, str(file), encoding=encoding)
        for line in landed.lines():
            say(line)
        mapped = map_headers(landed.headers, stream.schema.rows)
        require_columns(landed.headers, mapped, [KEY], stream.schema.rows, landed.name)
        if not (stream.schema.orders or stream.schema.events.version):
            say("Records have no version: these replace what was sent of their customers before")
        make_topics_of(stream)
        sent = 0
        with Publisher(stream.settings.clients) as publisher:
            for events in _events(file, landed.headers, mapped[KEY]):
                publisher.publish(topic, events, _SECONDS)
                sent += len(events)
    say(f"{sent:,} rows of {landed.name} were sent to {topic}")
    return sent


def _events(file: Path, headers: tuple[str, ...], key: str) -> Iterator[list[Outgoing]]:
    with parquet.ParquetFile(file) as read:
        for batch in read.iter_batches(_ROWS, columns=[*headers]):
            yield [
                Outgoing(row[key].strip().encode() or None, _json(row)) for row in batch.to_pylist()
            ]


def _json(row: dict[str, str]) -> bytes:
    # An empty cell is one that the event does not have.
    sent = {name.strip(): cell for name, cell in row.items() if cell}
    return json.dumps(sent, ensure_ascii=False).encode()
