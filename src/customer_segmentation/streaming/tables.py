"""Answers and moves from their topics into the tables, each once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import polars as pl

from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.sources.messages.offsets import offsets_of, partitions_of, take
from customer_segmentation.streaming.places import Stream
from customer_segmentation.streaming.progress import Progress
from customer_segmentation.streaming.sinks.delta import with_days
from customer_segmentation.streaming.sinks.messages import (
    CHANGED,
    OFFSET,
    PLACE,
    place_of,
    rows_of,
    where,
)
from customer_segmentation.streaming.turns import in_turn
from customer_segmentation.tables.history import LEFT, RECORDED_AT, RUN_ID, STREAM
from customer_segmentation.tables.schemas import ARTIFACT_VERSION

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message

_MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"
_MOST = 200_000
# What the history keeps of an answer, in its order.
_HISTORY = (KEY, AS_OF, "segment", "segment_name", "runner_up", "margin", ARTIFACT_VERSION)
_DIGITS = 4
# What may be missing in all rows of a write, where nothing would tell its type.
_TEXTS = ("from_segment", "from_name", "to_segment", "to_name")
# Between two writes, so that a batch run that waits for the lock gets it.
_GAP = 0.05


class TablesWriter:
    """Reads both topics and writes three tables.

    `gold_segments` is written last and says of both topics how far it is: what it has, the others
    have. So each table goes on from where it is itself, and nothing is in one twice.

    Args:
        stream: The environment's.
        progress: What is told of it.
    """

    def __init__(self, stream: Stream, progress: Progress) -> None:
        self._stream, self._progress = stream, progress
        self._sinks = stream.sinks()
        self._consumer: Consumer = stream.settings.clients.consumer(
            fetch_wait_max_ms=50, group_id=f"{stream.settings.group}-tables"
        )
        topics = stream.settings.topics
        self._partitions = {
            topic: partitions_of(self._consumer, topic) for topic in (topics.answers, topics.movers)
        }
        self._run_id = f"{STREAM}{uuid4().hex[:12]}"
        self._last = ""
        self.at: dict[str, int] = {}

    def ends(self) -> dict[str, int]:
        """The ends of the topics."""
        return {
            place_of(topic, partition): end
            for topic, partitions in self._partitions.items()
            for partition, (_, end) in offsets_of(self._consumer, topic, partitions).items()
        }

    def run(self, is_stopped: Callable[[], bool]) -> None:
        """Write until told to stop.

        Raises:
            UserError: A table cannot be written, or another process writes it.
        """
        self.at = self._start()
        pause = self._stream.settings.tables_seconds
        while not is_stopped():
            begun = monotonic()
            messages = take(self._consumer, 1, 0.2)
            if messages:
                # What comes within the pause is written together.
                sleep(max(_GAP, pause - (monotonic() - self._progress.last_moment)))
                messages += take(self._consumer, _MOST, 0.0)
                self.at = self.write(messages, self.at)
                self._progress.batch(len(messages), monotonic() - begun, positions=self.at)
            self._progress.tell()

    def write(self, messages: Sequence[Message], at: Mapping[str, int]) -> dict[str, int]:
        """Write what these messages say; returns how far the tables are then.

        Args:
            messages: In the order of each partition.
            at: How far they were.
        """
        positions = dict(at)
        for message in messages:
            place = place_of(str(message.topic()), int(message.partition() or 0))
            positions[place] = int(message.offset() or 0) + 1
        answers, movers = self._stream.settings.topics.answers, self._stream.settings.topics.movers
        of_answers = [message for message in messages if message.topic() == answers]
        of_moves = [message for message in messages if message.topic() == movers]
        with in_turn(self._stream.tables, self._progress.tell):
            self._require_alone(at)
            moment = self._moment()
            self._append_moves(of_moves, positions, moment)
            self._append_history(of_answers, positions, moment)
            self._merge(of_answers, positions)
        return positions

    def _start(self) -> dict[str, int]:
        """Begin where the table is that is least far."""
        from confluent_kafka import TopicPartition  # noqa: PLC0415 - only who streams has it

        found = self._found()
        assigned, at = [], {}
        for topic, partitions in self._partitions.items():
            offsets = offsets_of(self._consumer, topic, partitions)
            for partition, (first, end) in offsets.items():
                place = place_of(topic, partition)
                offset = found.get(place, first)
                if offset > end:
                    raise UserError(
                        f"topic {topic!r} ends at {end} and the tables are at {offset}: it was "
                        "made anew. Set another `group` and other names of `answers` and "
                        "`movers` in stream.yml, which begins anew"
                    )
                if offset < first:
                    raise UserError(
                        f"topic {topic!r} begins at {first} and the tables are at {offset}: what "
                        "lies between is gone. Set another `group` and other names of `answers` "
                        "and `movers` in stream.yml, and kedro run"
                    )
                assigned.append(TopicPartition(topic, partition, offset))
                if place in found:
                    at[place] = offset
        self._consumer.assign(assigned)
        return at

    def _found(self) -> dict[str, int]:
        return self._sinks.segments.positions(self._places())

    def _places(self) -> list[str]:
        return [place_of(topic, each) for topic, of in self._partitions.items() for each in of]

    def _require_alone(self, at: Mapping[str, int]) -> None:
        found = self._found()
        if any(offset > at.get(place, offset) for place, offset in found.items()):
            raise UserError(
                f"{self._sinks.segments.place}: another kedro stream run writes it: run one"
            )

    def _moment(self) -> datetime:
        """After all that was recorded before, whatever the clocks say."""
        said = [self._sinks.history.last_recorded(), self._sinks.moves.last_recorded(), self._last]
        last = max(filter(None, said), default="")
        now = datetime.now(UTC)
        if last:
            before = datetime.strptime(last, _MOMENT).replace(tzinfo=UTC)
            now = max(now, before + timedelta(microseconds=1))
        self._last = now.strftime(_MOMENT)
        return now

    def _append_moves(
        self, messages: Sequence[Message], positions: Mapping[str, int], moment: datetime
    ) -> None:
        rows = self._beyond(rows_of(messages), self._sinks.moves)
        if rows.is_empty():
            return
        rows = rows.drop(PLACE, OFFSET, CHANGED)
        # A customer may move several times within one write.
        nth = rows.select(pl.int_range(pl.len()).over(KEY)).to_series().to_list()
        at = [(moment + timedelta(microseconds=n)).strftime(_MOMENT) for n in nth]
        self._last = max(self._last, *at)
        rows = (
            with_days(rows)
            .with_columns(
                pl.Series(RECORDED_AT, at),
                pl.lit(self._run_id).alias(RUN_ID),
                pl.col(*_TEXTS).cast(pl.String),
            )
            .sort(KEY, RECORDED_AT)
        )
        self._sinks.moves.append(rows, positions)

    def _append_history(
        self, messages: Sequence[Message], positions: Mapping[str, int], moment: datetime
    ) -> None:
        rows = self._beyond(rows_of(messages), self._sinks.history)
        if not rows.is_empty():
            rows = rows.select(*_HISTORY, PLACE, OFFSET, CHANGED)
        rows = pl.concat([rows, self._gone_rows(messages)], how="diagonal_relaxed")
        if rows.is_empty():
            return
        told = (
            with_days(rows)
            .filter(CHANGED)
            .sort(PLACE, OFFSET)
            .unique(KEY, keep="last", maintain_order=True)
            .select(
                pl.col("margin").cast(pl.Float64).round(_DIGITS)
                if name == "margin"
                else pl.col(name)
                for name in _HISTORY
            )
            .with_columns(
                pl.lit(self._run_id).alias(RUN_ID),
                pl.lit(moment.strftime(_MOMENT)).alias(RECORDED_AT),
            )
            .sort(KEY)
        )
        if not told.is_empty():
            self._sinks.history.append(told, positions)

    def _gone_rows(self, messages: Sequence[Message]) -> pl.DataFrame:
        """That customers left, as rows of the history."""
        gone = [message for message in messages if message.value() is None]
        if not gone:
            return pl.DataFrame()
        headers: list[dict[str, Any]] = [dict(message.headers() or ()) for message in gone]
        rows = pl.DataFrame(
            {
                KEY: [bytes(message.key() or b"").decode() for message in gone],
                AS_OF: [told[AS_OF].decode() for told in headers],
                **dict.fromkeys(("segment", "segment_name", "runner_up"), LEFT),
                "margin": pl.Series([None] * len(gone), dtype=pl.Float64),
                ARTIFACT_VERSION: [told[ARTIFACT_VERSION].decode() for told in headers],
                **where(gone),
            }
        )
        return self._beyond(rows, self._sinks.history)

    def _merge(self, messages: Sequence[Message], positions: Mapping[str, int]) -> None:
        if not messages:
            return
        last: dict[str, Message] = {}
        for message in messages:
            # All messages of a customer are in one partition, in order.
            last[bytes(message.key() or b"").decode()] = message
        gone = [customer for customer, message in last.items() if message.value() is None]
        rows = rows_of([*last.values()])
        if not rows.is_empty():
            rows = rows.drop(PLACE, OFFSET, CHANGED)
        self._sinks.segments.merge(rows, gone, positions)

    def _beyond(self, rows: pl.DataFrame, sink: Any) -> pl.DataFrame:  # noqa: ANN401 - of any kind
        """The rows that a table has not yet."""
        if rows.is_empty():
            return rows
        at = self._known(sink)
        read = pl.col(PLACE).replace_strict(at, default=0, return_dtype=pl.Int64) if at else 0
        return rows.filter(pl.col(OFFSET) >= read)

    def _known(self, sink: Any) -> dict[str, int]:  # noqa: ANN401 - as above
        found: dict[str, int] = sink.positions(self._places())
        return found
