"""One batch of a stream: from messages to tables, the same however often it is tried.

What a batch comes to is computed once, from the tables as they were before it, and laid into a
table of its own. From there it is written to each table, once: Delta leaves out a write that the
table has already. A batch that is repeated after a kill finds what was laid there, with the same
day, the same model and the same state before, and writes what is still missing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import narwhals as nw
import onnx

from customer_segmentation.customers.rules import REASONS
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.streaming.day import MAX_AHEAD_DAYS
from customer_segmentation.streaming.reading import OFFSET, PARTITION, checked_events, reading_of
from customer_segmentation.streaming.spark.answers import version_of
from customer_segmentation.streaming.spark.decoding import (
    MESSAGE,
    OTHERS,
    PROBLEM,
    MakeDecoder,
    with_cells,
)
from customer_segmentation.streaming.spark.laid import (
    ABOUT,
    EVENTS,
    KIND,
    SEGMENTS,
    Laid,
    Now,
    Sent,
    lay,
)
from customer_segmentation.streaming.spark.standing import IS_GONE, key_of, said
from customer_segmentation.streaming.spark.tables import Once, Table
from customer_segmentation.tables.history import RUN_ID, STREAM
from customer_segmentation.tables.schemas import ARTIFACT_VERSION

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"
# Columns of messages as Spark reads them.
KAFKA = "key binary, value binary, topic string, partition int, offset long, timestamp timestamp"


@dataclass(frozen=True)
class Tables:
    """Where a stream reads and writes.

    Attributes:
        events: Lines or records that stand: `silver_lines` or `silver_records`.
        laid: What the last batch comes to.
        segments: `gold_segments`.
        history: `gold_history`.
        moves: `gold_moves`.
        dead_letters: Messages that no customer is made of, with every reason.
    """

    events: Table
    laid: Table
    segments: Table
    history: Table
    moves: Table
    dead_letters: Table

    def of(self, kind: str) -> Table:
        """That of the rows of a kind."""
        table: Table = getattr(self, kind)
        return table


@dataclass(frozen=True)
class Batches:
    """What `foreachBatch` calls.

    Attributes:
        schema: What customers are.
        tables: Where they are.
        stream: Gives the checkpoint's id.
        model: Gives the champion.
        today: Gives the snapshot's day.
        decoder: Of messages.
        alone: Held while a batch is at work, so that no run of the environment is.
        farthest_days: How far ahead of the last batch a day may be; beyond that a clock is wrong.
    """

    schema: Schema
    tables: Tables
    stream: Callable[[], str]
    model: Callable[[], onnx.ModelProto]
    today: Callable[[], date]
    decoder: MakeDecoder
    alone: Callable[[], AbstractContextManager[object]]
    farthest_days: int = MAX_AHEAD_DAYS

    def __call__(self, messages: DataFrame, number: int) -> None:
        """Take one batch of messages.

        Args:
            messages: As Spark reads them from Kafka.
            number: Which batch it is: the same messages have the same number.
        """
        with self.alone():
            stream = self.stream()
            about = json.dumps({RUN_ID: f"{STREAM}{stream}", "batch": number})
            once = Once(stream, number, about)
            laid = self._lay(messages, once)
            self._write(laid, once)

    def make_tables(self, spark: SparkSession) -> None:
        """Make those tables that are not there yet, without a row."""
        nothing = spark.createDataFrame([], KAFKA)
        with self._found(nothing, "") as found:
            for kind, rows in found.kinds.items():
                if kind != ABOUT:
                    self.tables.of(kind).make(spark, rows.drop(IS_GONE))
            self.tables.laid.make(spark, found.all())

    def _lay(self, messages: DataFrame, once: Once) -> DataFrame:
        """What the batch comes to, from the table that it is laid into."""
        with self._found(messages, f"{STREAM}{once.stream}") as found:
            # Of a batch that is repeated, what was laid before stays.
            self.tables.laid.replace(found.all(), once)
        return self.tables.laid.read(messages.sparkSession)

    def _found(self, messages: DataFrame, run_id: str) -> Laid:
        spark, tables = messages.sparkSession, self.tables
        sent, held = read(messages, self.schema, self.decoder)
        events = tables.events.read(spark) if tables.events.is_there(spark) else sent.rows.limit(0)
        segments = tables.segments.read(spark) if tables.segments.is_there(spark) else None
        found = lay(sent, events, segments, self.schema, self._now(spark, run_id))
        return replace(found, held=(*found.held, *held))

    def _now(self, spark: SparkSession, run_id: str) -> Now:
        """The day never goes back, and every customer is told anew of another, or by another model.

        Raises:
            UserError: The day is far ahead of the last one.
        """
        model, day = self.model(), self.today()
        moment = datetime.now(UTC).strftime(_MOMENT)
        last = None
        if self.tables.laid.is_there(spark):
            last = (
                self.tables.laid.read(spark).where(f"{KIND} = '{ABOUT}'").select("about.*").first()
            )
        if last is None:
            return Now(day, model, run_id, moment)
        known = date.fromisoformat(last[AS_OF])
        if day > known + timedelta(days=self.farthest_days):
            raise UserError(
                f"{day} is {(day - known).days} days after {known}, the day of the last batch: if "
                f"the clock is right, allow it with SparkStream(farthest_days={(day - known).days})"
            )
        is_all = day > known or last[ARTIFACT_VERSION] != version_of(model)
        return Now(max(day, known), model, run_id, moment, is_all)

    def _write(self, laid: DataFrame, once: Once) -> None:
        """Write what is laid to each table that it is for, and that has not got it yet."""
        spark = laid.sparkSession
        goes = f"coalesce({EVENTS}.{IS_GONE}, true) AS goes"
        kinds = laid.selectExpr(KIND, goes).distinct().where(f"{KIND} <> '{ABOUT}'").collect()
        goes_of = {
            kind: any(row["goes"] for row in kinds if row[KIND] == kind) for kind, _ in kinds
        }
        with once.of(spark), ThreadPoolExecutor() as pool:
            written = [
                pool.submit(self._write_one, kind, laid, once, is_merged=goes_of[kind])
                for kind in goes_of
            ]
            for one in written:
                one.result()

    def _write_one(self, kind: str, laid: DataFrame, once: Once, *, is_merged: bool) -> None:
        rows = laid.where(f"{KIND} = '{kind}'").select(f"{kind}.*")
        table = self.tables.of(kind)
        if kind == SEGMENTS:
            table.merge(rows, (KEY,), IS_GONE)
        elif kind == EVENTS and is_merged:
            table.merge(rows, key_of(self.schema), IS_GONE)
        else:
            # Where no line goes, a merge would look for it in vain.
            table.append(rows.drop(IS_GONE), once)


def read(
    messages: DataFrame, schema: Schema, decoder: MakeDecoder
) -> tuple[Sent, tuple[DataFrame, ...]]:
    """What messages say, by the rules of the batch; and what is held meanwhile."""
    decoded = with_cells(messages, schema, decoder).persist()
    columns = [*schema.rows.columns, OTHERS, PARTITION, OFFSET]
    is_event = decoded[PROBLEM].isNull()
    cells: nw.LazyFrame[Any] = nw.from_native(decoded.where(is_event).select(*columns)).lazy()
    checked = checked_events(cells, schema, reading_of(schema))
    judged = checked.judged.to_native().persist()
    checked = replace(checked, judged=nw.from_native(judged).lazy())
    told = f"`{PROBLEM}` AS {REASONS}"
    problems = decoded.where(~is_event).selectExpr(PARTITION, OFFSET, told)
    rejected = checked.rejected.to_native().select(PARTITION, OFFSET, REASONS)
    rows = said(checked.valid.to_native(), schema)
    return Sent(decoded.select(*MESSAGE, KEY), rows, problems.unionByName(rejected)), (
        decoded,
        judged,
    )
