"""What a batch comes to, as one table: a row for each row that is to be written somewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from types import TracebackType
from typing import TYPE_CHECKING, Self

import onnx

from customer_segmentation.customers.rules import REASONS, SEPARATOR
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.streaming.reading import OFFSET, PARTITION
from customer_segmentation.streaming.spark.answers import (
    BEFORE,
    IS_DATA,
    compared,
    customers_of,
    moved,
    scored,
    stated,
    version_of,
)
from customer_segmentation.streaming.spark.decoding import MESSAGE_KEY, MESSAGE_VALUE, TOPIC
from customer_segmentation.streaming.spark.standing import standing
from customer_segmentation.tables.history import RECORDED_AT, RUN_ID
from customer_segmentation.tables.schemas import ARTIFACT_VERSION

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

KIND = "kind"
EVENTS, SEGMENTS, HISTORY, MOVES = "events", "segments", "history", "moves"
DEAD_LETTERS, ABOUT = "dead_letters", "about"


@dataclass(frozen=True)
class Now:
    """What a batch is of, beside its messages.

    Attributes:
        day: The snapshot's.
        model: The champion.
        run_id: Of the stream.
        moment: When it is recorded.
        is_all: Whether every customer is told anew: on another day, or by another model.
    """

    day: date
    model: onnx.ModelProto
    run_id: str
    moment: str
    is_all: bool = False


@dataclass(frozen=True)
class Sent:
    """What the messages say.

    Attributes:
        messages: As they were sent, with their positions, and `KEY` where it can be read.
        rows: Valid lines or records.
        rejected: Position and reasons of the others.
    """

    messages: DataFrame
    rows: DataFrame
    rejected: DataFrame


@dataclass(frozen=True)
class Laid:
    """Rows for each table, before they are laid down; used with `with`.

    Attributes:
        kinds: Rows by kind; those that go from a table have `IS_GONE`.
        held: What is kept in memory or on disks meanwhile.
    """

    kinds: Mapping[str, DataFrame]
    held: tuple[DataFrame, ...]

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Free what is held."""
        for frame in self.held:
            frame.unpersist()

    def all(self) -> DataFrame:
        """`KIND`, the customer by whom a row is found, and the row in the column of its kind."""
        from pyspark.sql import functions as F  # noqa: N812, PLC0415 - its own; after its settings

        parts = [
            rows.select(
                F.lit(kind).alias(KIND),
                (F.col(KEY) if KEY in rows.columns else F.lit(None).cast("string")).alias(KEY),
                F.struct("*").alias(kind),
            )
            for kind, rows in self.kinds.items()
        ]
        return reduce(lambda a, b: a.unionByName(b, allowMissingColumns=True), parts)


def lay(
    sent: Sent, events: DataFrame, segments: DataFrame | None, schema: Schema, now: Now
) -> Laid:
    """What a batch comes to.

    Args:
        sent: What its messages say.
        events: The lines or records before it.
        segments: The answers before it; None if there is no table of them yet.
        schema: What customers are.
        now: The day and the model.
    """
    today = schema.on(now.day)
    touched = events
    if not now.is_all:
        touched = events.join(sent.rows.select(KEY).distinct(), KEY, "left_semi")
    stand = standing(touched, sent.rows, today)
    stand = type(stand)(stand.rows.persist(), today)
    after = scored(customers_of(stand.counted(), today), now.model)
    before = after.limit(0) if segments is None else segments
    before = before.join(stand.rows.select(KEY).distinct(), KEY, "left_semi")
    changes = compared(after, before, stand.changed()).persist()
    rejected = sent.rejected.unionByName(stand.unclear())
    spark = events.sparkSession
    about = [(now.day.isoformat(), version_of(now.model))]
    kinds = {
        EVENTS: stand.changes(),
        SEGMENTS: changes.drop(BEFORE, IS_DATA),
        HISTORY: stated(changes, now.moment, now.run_id),
        MOVES: moved(changes, now.moment, now.run_id),
        DEAD_LETTERS: _letters(sent.messages, rejected, now),
        ABOUT: spark.createDataFrame(about, f"{AS_OF} string, {ARTIFACT_VERSION} string"),
    }
    return Laid(kinds, (stand.rows, changes))


def _letters(messages: DataFrame, rejected: DataFrame, now: Now) -> DataFrame:
    """Rejected messages as they were sent, each once, with every reason."""
    from pyspark.sql import functions as F  # noqa: N812, PLC0415 - as above

    reasons = F.array_join(F.array_sort(F.collect_set(REASONS)), SEPARATOR).alias(REASONS)
    of_each = rejected.groupBy(PARTITION, OFFSET).agg(reasons)
    found = messages.join(of_each, [PARTITION, OFFSET])
    return found.select(
        # Where it can be read, so that who is to be forgotten is found.
        KEY,
        F.col(TOPIC).alias("topic"),
        F.col(PARTITION).alias("partition"),
        F.col(OFFSET).alias("offset"),
        F.col(MESSAGE_KEY).alias("key"),
        F.col(MESSAGE_VALUE).alias("value"),
        REASONS,
        F.lit(now.moment).alias(RECORDED_AT),
        F.lit(now.run_id).alias(RUN_ID),
    )
