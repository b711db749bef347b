"""`kedro stream run --runner=spark-realtime`: customer records scored as they pass, topic to topic.

Spark's real-time mode takes nothing but its own column expressions: the cells are read by the
rules of the batch, and scored by the artifact's arithmetic (`scoring.columns`). There is no state,
and the sink of Kafka writes at least once: after a failure some answers come again, the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import onnx

from customer_segmentation.customers.matrix import numeric_expressions
from customer_segmentation.customers.reading import Reading
from customer_segmentation.customers.rules import REASONS, SEPARATOR, Rules, canonical_name, reasons
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.columns import score_columns
from customer_segmentation.scoring.decoding import in_words
from customer_segmentation.scoring.metadata import metadata_of, schema_of
from customer_segmentation.sources.messages import dead_letters
from customer_segmentation.streaming.reading import (
    checked_events,
    day_reasons,
    needed_of_events,
    outside_of_day,
    reading_of,
)
from customer_segmentation.streaming.settings import Topics

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.streaming.query import StreamingQuery

    from customer_segmentation.streaming.spark.runner import SparkStream

_SENT = ("sent__topic", "sent__partition", "sent__offset", "sent__key", "sent__value")
_TOPIC, _PARTITION, _OFFSET, _KEY, _VALUE = _SENT
_CELLS, _BROKEN_DAY = "sent__cells", "sent__day"
_NO_OBJECT = "the value is no JSON object of text, numbers, true, false and null"
# How long Spark goes on between two entries of its checkpoint.
_BETWEEN_CHECKPOINTS = "1 minute"


def answered(
    messages: DataFrame, schema: Schema, artifact: onnx.ModelProto, topics: Topics
) -> DataFrame:
    """For each message one to send: `topic`, `key`, `value` and `headers`.

    An answer has the columns of `gold_segments` as JSON; what breaks the contract goes to the dead
    letters as it was sent, with every reason.

    Args:
        messages: As Spark reads them from Kafka, JSON.
        schema: Of customer records.
        artifact: The segmenter.
        topics: Of which answers and dead letters are written.

    Raises:
        UserError: Customers are made of order lines, which need what was sent before.
    """
    if schema.orders:
        raise UserError(
            "--runner=spark-realtime scores customer records, and the schema makes customers of "
            "order lines: leave the runner out, or take spark"
        )
    cells: nw.LazyFrame[Any] = nw.from_native(_cells(messages, schema)).lazy()
    reading = reading_of(schema)
    rows = _judged(cells, schema, reading)
    metadata = metadata_of(artifact)
    named = schema_of(metadata)
    needed = [*named.canonical_columns(metadata["columns"]), AS_OF]
    numbers = numeric_expressions(named, needed)
    kept = (*_SENT, REASONS, KEY, AS_OF)
    scored = score_columns(
        rows.select(*kept, **{name: numbers[name] for name in metadata["columns"]}), metadata
    )
    words = in_words(metadata)
    return _sent(scored.select(*kept, **words).to_native(), [KEY, AS_OF, *words], topics)


def started(of: SparkStream, spark: SparkSession, artifact: onnx.ModelProto) -> StreamingQuery:
    """The query, in real-time mode: each partition of the topic takes a core of its own."""
    settings = of.stream.settings
    source = {
        "kafka.bootstrap.servers": settings.bootstrap,
        "subscribe": settings.topics.events,
        "startingOffsets": "earliest",
        "kafka.isolation.level": "read_committed",
        **of.kafka,
    }
    messages = spark.readStream.format("kafka").options(**source).load()
    found = answered(messages, of.stream.schema, artifact, settings.topics)
    sink = {"kafka.bootstrap.servers": settings.bootstrap, **of.kafka}
    writer = found.writeStream.format("kafka").options(**sink).outputMode("update")
    writer = writer.option("checkpointLocation", f"{of.record}-realtime")
    # The types of 4.2 do not name it.
    return writer.trigger(realTime=_BETWEEN_CHECKPOINTS).start()  # type: ignore[call-overload]


def _cells(messages: DataFrame, schema: Schema) -> DataFrame:
    """Cells by column, '' where a message has none, beside the message as it was sent."""
    from pyspark.sql import functions as F  # noqa: N812, PLC0415 - its own; after its settings

    columns = ("topic", "partition", "offset", "key", "value")
    sent = [F.col(name).alias(ours) for name, ours in zip(columns, _SENT, strict=True)]
    record = F.from_json(F.col(_VALUE).cast("string"), "map<string,string>").alias(_CELLS)
    rows = messages.select(*sent).select(*_SENT, record)
    headers: dict[str, list[str]] = {name: [name] for name in schema.rows.columns}
    for header, name in schema.rows.aliases.items():
        if name in headers and header not in headers[name]:
            headers[name].append(header)

    def cell(names: list[str]) -> Column:
        found = F.coalesce(*(F.try_element_at(_CELLS, F.lit(name)) for name in names), F.lit(""))
        # JSON does not distinguish 7.0 and 7, and an id has no decimal point.
        return F.regexp_replace(found, r"^(-?\d{1,15})\.0+$", "$1")

    return rows.select(*_SENT, _CELLS, *(cell(h).alias(name) for name, h in headers.items()))


def _judged(cells: nw.LazyFrame[Any], schema: Schema, reading: Reading) -> nw.LazyFrame[Any]:
    """Each record's columns as values, as of the schema's day, and `REASONS` or ''."""
    beside = (*_SENT, _CELLS)
    checked = checked_events(cells, schema, reading, kept=beside)
    rules = Rules(reading.headers, reading, checked.needed, of_any_day=True)
    parsed = rules.parsed(checked.judged)
    values = {name: nw.col(canonical_name(name)) for name in reading.schema.columns}
    is_record = ~nw.col(_CELLS).is_null()
    rows = parsed.select(*_SENT, is_record.alias(_CELLS), reasons(rules.problems()), **values)
    needed = {KEY, *needed_of_events(schema)}
    lost = {
        name: nw.when(~rule).then(nw.col(name))
        for name, rule in outside_of_day(schema).items()
        if name not in needed
    }
    as_of = nw.lit(schema.as_of.isoformat()).str.to_datetime(format="%Y-%m-%d")
    rows = rows.with_columns(day_reasons(schema).alias(_BROKEN_DAY), as_of.alias(AS_OF), **lost)
    told = nw.when(nw.col(REASONS) != "").then(nw.col(REASONS)).otherwise(nw.col(_BROKEN_DAY))
    told = nw.when(nw.col(_CELLS)).then(told).otherwise(nw.lit(_NO_OBJECT))
    return rows.with_columns(told.alias(REASONS))


def _sent(rows: DataFrame, answer: list[str], topics: Topics) -> DataFrame:
    """Answers, and the others as dead letters."""
    from pyspark.sql import functions as F  # noqa: N812, PLC0415 - as above

    is_right = F.col(REASONS) == ""
    told = [F.to_date(AS_OF).alias(AS_OF) if name == AS_OF else F.col(name) for name in answer]
    words = F.to_json(F.struct(*told), {"ignoreNullFields": "false"})
    why = {
        dead_letters.REASONS: F.to_json(F.split(REASONS, SEPARATOR)),
        dead_letters.TOPIC: F.col(_TOPIC),
        dead_letters.PARTITION: F.col(_PARTITION),
        dead_letters.OFFSET: F.col(_OFFSET),
    }
    headers = F.array(
        *(
            F.struct(F.lit(name).alias("key"), value.cast("string").cast("binary").alias("value"))
            for name, value in why.items()
        )
    )
    return rows.select(
        F.when(is_right, topics.answers).otherwise(topics.dead_letters).alias("topic"),
        F.when(is_right, F.col(KEY).cast("binary")).otherwise(F.col(_KEY)).alias("key"),
        F.when(is_right, words.cast("binary")).otherwise(F.col(_VALUE)).alias("value"),
        F.when(~is_right, headers).alias("headers"),
    )
