"""`kedro stream run --runner=spark`: from Kafka to the Delta tables of an environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING

import onnx

from customer_segmentation.bundles.bundle import SEGMENTER
from customer_segmentation.errors import UserError
from customer_segmentation.run_lock import run_lock
from customer_segmentation.sources.messages.decoding import Decoder
from customer_segmentation.streaming.day import MAX_AHEAD_DAYS
from customer_segmentation.streaming.places import HISTORY, MOVES, SEGMENTS, Stream
from customer_segmentation.streaming.spark.batch import Batches, Tables
from customer_segmentation.streaming.spark.tables import Table
from customer_segmentation.streaming.turns import in_turn
from customer_segmentation.tables.schemas import declare_tables, tables_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

# How often a stream that runs is looked at: on a signal it ends within that.
_LOOK_SECONDS = 1


@dataclass(frozen=True)
class SparkStream:
    """How the stream of an environment is run by Spark.

    Attributes:
        stream: The environment's.
        tables: Name in `Tables` -> a path, or the name that a catalog has for a table; the others
            lie where the environment has its tables.
        checkpoint: Folder or URL of Spark's own record of the stream; by default below the tables.
        kafka: Options of Spark's source beside the address, such as `kafka.security.protocol`.
        events_a_batch: At most so many.
        farthest_days: How far ahead of the last batch a day may be.
        pause: The least time from the start of one batch to that of the next, as Spark has it.
    """

    stream: Stream
    tables: Mapping[str, str] = field(default_factory=dict)
    checkpoint: str = ""
    kafka: Mapping[str, str] = field(default_factory=dict, repr=False)
    events_a_batch: int = 200_000
    farthest_days: int = MAX_AHEAD_DAYS
    pause: str = "0 seconds"

    @property
    def record(self) -> str:
        """Where the checkpoint is."""
        return self.checkpoint or _for_spark(f"{self.stream.tables}/stream/checkpoint")

    @property
    def local_record(self) -> str:
        """The same, as others than Spark write it."""
        return self.record.replace("s3a://", "s3://", 1)

    def places(self) -> Tables:
        """The tables."""
        promised = tables_of(self.stream.schema)
        lines = "silver_lines" if self.stream.schema.orders else "silver_records"
        named = {"segments": SEGMENTS, "history": HISTORY, "moves": MOVES, "events": lines}
        named |= {"dead_letters": "silver_dead_letters", "laid": "silver_stream_batch"}
        return Tables(
            **{
                name: Table(self.tables.get(name) or self._place(table), promised.get(table))
                for name, table in named.items()
            }
        )

    def _place(self, table: str) -> str:
        place, is_delta = self.stream.entry_of(table)
        if not is_delta:
            raise UserError(
                f"{self.stream.environment}: {table} is no Delta table in its catalog, and Spark "
                "streams into Delta: run it in prod, or without --runner"
            )
        return _for_spark(place)


def run_spark(of: SparkStream, spark: SparkSession, *, once: bool = False) -> None:
    """Take events in as they come; until a signal, or with `once` until there are no more.

    Args:
        of: The stream.
        spark: A session that has Kafka's source and Delta, as every one of Databricks has.
        once: Whether to end when what is there now is in the tables.

    Raises:
        UserError: It cannot go on.
    """
    declare_tables(of.stream.schema)
    with run_lock(of.local_record, "kedro stream run --runner=spark"):
        batches = batches_of(of, spark)
        batches.make_tables(spark)
        wait(started(of, spark, batches, once=once))


def wait(query: StreamingQuery) -> None:
    """Wait until a query ends, and end it with whoever waits.

    Raises:
        UserError: It could not go on, for a reason that a person can mend.
    """
    from pyspark.errors import StreamingQueryException  # noqa: PLC0415 - after its settings

    try:
        while not query.awaitTermination(_LOOK_SECONDS):
            pass
    except StreamingQueryException as error:
        # What a batch raised comes through Java as a text.
        told = re.search(r"customer_segmentation\.errors\.UserError: (.*)", str(error))
        if told is None:
            raise
        raise UserError(told[1].strip()) from error
    finally:
        query.stop()


def started(
    of: SparkStream, spark: SparkSession, batches: Callable[[DataFrame, int], None], *, once: bool
) -> StreamingQuery:
    """The query that reads the topic of events."""
    from pyspark.errors import AnalysisException  # noqa: PLC0415 - after its settings

    settings = of.stream.settings
    source = {
        "kafka.bootstrap.servers": settings.bootstrap,
        "subscribe": settings.topics.events,
        "startingOffsets": "earliest",
        "maxOffsetsPerTrigger": str(of.events_a_batch),
        "kafka.isolation.level": "read_committed",
        # What was cut off before it was read is an error, and never skipped.
        "failOnDataLoss": "true",
        **of.kafka,
    }
    try:
        messages = spark.readStream.format("kafka").options(**source).load()
    except AnalysisException as error:
        raise UserError(
            "Spark has no source of Kafka: start the session with "
            "customer_segmentation.spark.for_streams, as kedro stream run does"
        ) from error
    writer = messages.writeStream.foreachBatch(batches).queryName("customers")
    writer = writer.option("checkpointLocation", of.record)
    writer = writer.trigger(availableNow=True) if once else writer.trigger(processingTime=of.pause)
    return writer.start()


def batches_of(of: SparkStream, spark: SparkSession) -> Batches:
    """What is called with each batch."""
    stream, settings = of.stream, of.stream.settings
    return Batches(
        stream.schema,
        of.places(),
        partial(stream_id, of.record, spark),
        Champion(stream),
        partial(_day, stream.schema.as_of if settings.as_of == "schema" else None),
        partial(Decoder, settings.format, settings.avro_schema or None, settings.key),
        partial(in_turn, stream.tables),
        of.farthest_days,
    )


def stream_id(record: str, spark: SparkSession) -> str:
    """The checkpoint's own id, which a new checkpoint has anew."""
    found: str = spark.read.json(f"{record}/metadata").select("id").first()["id"]  # type: ignore[index]
    return found


class Champion:
    """The segmenter that is live; read again when another is promoted.

    Args:
        stream: Says where it is.
    """

    def __init__(self, stream: Stream) -> None:
        self._bundles = stream.bundles
        self._entry, self._model = "", onnx.ModelProto()

    def __call__(self) -> onnx.ModelProto:
        """It.

        Raises:
            UserError: There is none yet.
        """
        entry = self._bundles.last()
        if entry != self._entry:
            bundle = self._bundles.champion()
            if bundle is None:
                raise UserError(f"{self._bundles.root}: no champion yet: run kedro run")
            self._model = onnx.load_from_string(bundle.files[SEGMENTER])
            self._entry = entry
        if not self._entry:
            raise UserError(f"{self._bundles.root}: no champion yet: run kedro run")
        return self._model


def _day(fixed: date | None) -> date:
    return fixed or datetime.now(UTC).date()


def _for_spark(place: str) -> str:
    return place.replace("s3://", "s3a://", 1)
