"""Messages of Kafka as rows of cells, by the project's own decoder, in Spark's workers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from customer_segmentation.customers.rules import SEPARATOR
from customer_segmentation.schema.schema import Schema
from customer_segmentation.sources.messages import decoding
from customer_segmentation.streaming.reading import OFFSET, PARTITION

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

# Why a message says nothing; missing where it does.
PROBLEM = "message__problem"
# Cells that no column reads: without an id they tell lines apart, as in a file.
OTHERS = "message__others"
TOPIC, MESSAGE_KEY, MESSAGE_VALUE = "message__topic", "message__key", "message__value"
MESSAGE = (TOPIC, PARTITION, OFFSET, MESSAGE_KEY, MESSAGE_VALUE)
_KAFKA = {
    TOPIC: "topic",
    PARTITION: "concat_ws('-', topic, partition)",
    OFFSET: "offset",
    MESSAGE_KEY: "key",
    MESSAGE_VALUE: "value",
}

# Gives a decoder of messages in each of Spark's workers.
MakeDecoder = Callable[[], decoding.Decoder]


@dataclass(frozen=True)
class _Message:
    """A message as the decoder takes it, numbered within its batch of Arrow."""

    place: int
    sent_key: bytes | None
    sent_value: bytes | None

    def key(self) -> bytes | None:
        return self.sent_key

    def value(self) -> bytes | None:
        return self.sent_value

    def headers(self) -> None:
        return None

    def topic(self) -> str:
        return ""

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self.place


def with_cells(messages: DataFrame, schema: Schema, make: MakeDecoder) -> DataFrame:
    """The message as it was sent, its cells by column, '' where it has none, and `PROBLEM`.

    Args:
        messages: As Spark reads them from Kafka.
        schema: Of the customers; its columns and their headers are read.
        make: It is sent to the workers.
    """
    from pyspark.sql.types import StringType, StructField, StructType  # noqa: PLC0415 - late

    sent = messages.selectExpr(*(f"{told} AS `{ours}`" for ours, told in _KAFKA.items()))
    columns = [*schema.rows.columns]
    named = {**schema.rows.aliases, **{name: name for name in columns}}
    added = (*columns, OTHERS, PROBLEM)
    kinds = StructType([*sent.schema.fields, *(StructField(n, StringType()) for n in added)])

    def decode(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa  # noqa: PLC0415 - in a worker

        decoder = make()
        for batch in batches:
            keys, values = (batch[name].to_pylist() for name in (MESSAGE_KEY, MESSAGE_VALUE))
            rows = _rows(decoder, keys, values, named)
            cells = [pa.array([row.get(n, "") for row in rows], pa.string()) for n in added[:-1]]
            problems = pa.array([row.get(PROBLEM) for row in rows], pa.string())
            arrays = [*batch.columns, *cells, problems]
            yield pa.RecordBatch.from_arrays(arrays, names=[*batch.schema.names, *added])

    return sent.mapInArrow(decode, kinds)


def _rows(
    decoder: decoding.Decoder,
    keys: Sequence[bytes | None],
    values: Sequence[bytes | None],
    named: Mapping[str, str],
) -> list[dict[str, Any]]:
    """Of each message its cells by column, or its problem."""
    sent = [_Message(place, *pair) for place, pair in enumerate(zip(keys, values, strict=True))]
    found = decoder.decode(sent)
    rows: list[dict[str, Any]] = [{} for _ in sent]
    for each in found.rejected:
        rows[each.message.offset()][PROBLEM] = SEPARATOR.join(each.reasons)
    for record in found.rows.drop_columns([decoding.PARTITION]).to_pylist():
        place = record.pop(decoding.OFFSET)
        rows[place] = _by_column(record, named)
    return rows


def _by_column(record: Mapping[str, str], named: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    others = {}
    for header, cell in record.items():
        if column := named.get(header.strip()):
            found[column] = found.get(column) or cell
        elif cell:
            others[header] = cell
    if others:
        found[OTHERS] = json.dumps(others, sort_keys=True)
    return found
