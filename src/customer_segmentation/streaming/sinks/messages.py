"""Answers and moves as messages, and messages as rows again."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl

from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.sources.messages.kafka import Outgoing
from customer_segmentation.tables.schemas import ARTIFACT_VERSION

if TYPE_CHECKING:
    from confluent_kafka import Message

# A header of an answer by which a customer's history is told: another segment, name or model.
CHANGED = "changed"
# Where a row was read: the partition's name and the offset.
PLACE, OFFSET = "place__", "offset__"


def letters(rows: pl.DataFrame, changed: set[str] | None = None) -> Iterator[Outgoing]:
    """Each row as JSON, with the customer as the key.

    Args:
        rows: With `KEY`.
        changed: The customers whose message says so.
    """
    if rows.is_empty():
        return
    days = [pl.col(name).cast(pl.Date) for name in (AS_OF,) if name in rows.columns]
    lines = rows.with_columns(*days).write_ndjson().encode().splitlines()
    for customer, line in zip(rows[KEY].to_list(), lines, strict=True):
        is_changed = changed is not None and customer in changed
        yield Outgoing(customer.encode(), line, ((CHANGED, b"1"),) if is_changed else ())


def removals(customers: Sequence[str], as_of: str, artifact_version: str) -> Iterator[Outgoing]:
    """A message without a value for each customer who left."""
    told = ((CHANGED, b"1"), (AS_OF, as_of.encode()), (ARTIFACT_VERSION, artifact_version.encode()))
    for customer in customers:
        yield Outgoing(customer.encode(), None, told)


def place_of(topic: str, partition: int) -> str:
    """The name of a partition, as positions have it."""
    return f"{topic}-{partition}"


def rows_of(messages: Sequence[Message]) -> pl.DataFrame:
    """Messages with a value as rows, with where each was read and whether it says `CHANGED`.

    Raises:
        UserError: A value is not as `letters` writes it.
    """
    told = [message for message in messages if message.value() is not None]
    if not told:
        return pl.DataFrame()
    try:
        rows = pl.read_ndjson(
            io.BytesIO(b"\n".join(_value(message) for message in told)), infer_schema_length=None
        )
    except pl.exceptions.PolarsError as error:
        topics = ", ".join(sorted({str(message.topic()) for message in told}))
        raise UserError(
            f"{topics}: there are messages that this project did not write: give the stream topics "
            "of its own"
        ) from error
    return rows.with_columns(**where(told))


def where(messages: Sequence[Message]) -> dict[str, pl.Series]:
    """Of each message where it was read, and whether it says `CHANGED`."""
    return {
        PLACE: pl.Series([place_of(str(m.topic()), int(m.partition() or 0)) for m in messages]),
        OFFSET: pl.Series([m.offset() for m in messages], dtype=pl.Int64),
        CHANGED: pl.Series([_is_changed(m.headers()) for m in messages], dtype=pl.Boolean),
    }


def _value(message: Any) -> bytes:  # noqa: ANN401 - confluent_kafka's types are looser
    return bytes(message.value())


def _is_changed(headers: Any) -> bool:  # noqa: ANN401 - as above
    return any(name == CHANGED for name, _ in headers or ())
