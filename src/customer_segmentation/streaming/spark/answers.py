"""Answers for customers whose lines or records changed, beside those they had."""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

import narwhals as nw
import onnx

from customer_segmentation.customers.orders import aggregate_lines
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.metadata import VERSION, metadata_of
from customer_segmentation.scoring.table import answer_table
from customer_segmentation.streaming.reading import on_day
from customer_segmentation.streaming.spark.standing import IS_GONE
from customer_segmentation.tables.history import LEFT as GONE
from customer_segmentation.tables.history import RECORDED_AT, RUN_ID
from customer_segmentation.tables.schemas import ARTIFACT_VERSION, CAUSE, UNSEGMENTED

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# As of `streaming.scoring.moves_of`, which needs Polars.
ENTERED, LEFT = "entered", "left"
# Of a customer before the batch, as a struct that is missing for who is new.
BEFORE = "before__"
IS_DATA = "is_data__"
# Digits of a margin in the history, as the batch keeps it.
_DIGITS = 4
_STATED = ("segment", "runner_up", ARTIFACT_VERSION)


def customers_of(counted: DataFrame, today: Schema) -> DataFrame:
    """Customers in the columns of silver, of the lines or records that count.

    Args:
        counted: Canonical columns of `schema.rows`.
        today: What customers are, as of the day: lines of its window are counted.
    """
    rows: nw.LazyFrame[Any] = on_day(nw.from_native(counted).lazy(), today)
    found = aggregate_lines(rows, today) if today.orders else rows
    return found.to_native()


def scored(customers: DataFrame, artifact: onnx.ModelProto) -> DataFrame:
    """Customers' answers, in the columns of `gold_segments`."""
    return answer_table(nw.from_native(customers).lazy(), artifact).to_native()


def compared(after: DataFrame, before: DataFrame, changed: DataFrame) -> DataFrame:
    """The answers that differ from those before, with these as `BEFORE`.

    Args:
        after: What customers have now; one who is absent is gone.
        before: What the same customers had, in the same columns.
        changed: Keys of those whose lines or record changed.

    Returns:
        The columns of `gold_segments`, `BEFORE`, `IS_GONE`, and `IS_DATA`: whether a customer's
        values may have changed, and not the model alone.
    """
    from pyspark.sql import functions as F  # noqa: N812, PLC0415 - as above

    names = [name for name in after.columns if name != KEY]
    now, then = "now__", BEFORE
    left = after.select(KEY, F.struct(*names).alias(now))
    right = before.select(KEY, F.struct(*names).alias(then))
    both = left.join(right, KEY, "full_outer")
    both = both.where(~F.col(now).eqNullSafe(F.col(then)))
    is_gone = F.col(now).isNull()
    kept = [F.coalesce(f"{now}.{n}", f"{then}.{n}").alias(n) for n in names]
    flag = "is_changed__"
    marked = changed.withColumn(flag, F.lit(True))  # noqa: FBT003 - Spark's literal
    both = both.join(F.broadcast(marked), KEY, "left")
    is_later = F.col(f"{now}.{AS_OF}") != F.col(f"{then}.{AS_OF}")
    data = F.coalesce(flag, is_later, F.lit(True))  # noqa: FBT003 - as above
    return both.select(KEY, *kept, then, is_gone.alias(IS_GONE), data.alias(IS_DATA))


def stated(changes: DataFrame, moment: str, run_id: str) -> DataFrame:
    """Rows of `gold_history`: who has another segment, runner-up or model, and who has left."""
    from pyspark.sql import functions as F  # noqa: N812, PLC0415 - as above

    is_gone = F.col(IS_GONE)
    same = [F.col(name) == F.col(f"{BEFORE}.{name}") for name in _STATED]
    is_same = ~is_gone & F.coalesce(reduce(and_, same), F.lit(False))  # noqa: FBT003 - as above
    words = {
        name: F.when(is_gone, GONE).otherwise(F.col(name)).alias(name)
        for name in ("segment", "segment_name", "runner_up")
    }
    known = ~is_gone & (F.col("segment") != UNSEGMENTED)
    margin = F.when(known, F.round("margin", _DIGITS)).alias("margin")
    rows = changes.where(~is_same)
    rows = rows.select(KEY, AS_OF, *words.values(), margin, ARTIFACT_VERSION)
    return rows.withColumns({RUN_ID: F.lit(run_id), RECORDED_AT: F.lit(moment)})


def moved(changes: DataFrame, moment: str, run_id: str) -> DataFrame:
    """Rows of `gold_moves`: who is in another segment, has entered, or has left; and why."""
    from pyspark.sql import functions as F  # noqa: N812, PLC0415 - as above

    is_gone, is_new = F.col(IS_GONE), F.col(BEFORE).isNull()
    is_other = F.col("segment") != F.col(f"{BEFORE}.segment")
    same_model = F.col(ARTIFACT_VERSION) == F.col(f"{BEFORE}.{ARTIFACT_VERSION}")
    cause = (
        F.when(is_gone, LEFT)
        .when(is_new, ENTERED)
        .when(same_model, "data")
        .when(F.col(IS_DATA), "both")
        .otherwise("model")
    )
    ends = {
        "from_segment": F.col(f"{BEFORE}.segment"),
        "from_name": F.col(f"{BEFORE}.segment_name"),
        "to_segment": F.when(~is_gone, F.col("segment")),
        "to_name": F.when(~is_gone, F.col("segment_name")),
        CAUSE: cause,
    }
    rows = changes.where(is_gone | is_new | is_other)
    told = [value.alias(name) for name, value in ends.items()]
    moves = rows.select(KEY, *told, AS_OF, ARTIFACT_VERSION)
    return moves.withColumns({RECORDED_AT: F.lit(moment), RUN_ID: F.lit(run_id)})


def version_of(artifact: onnx.ModelProto) -> str:
    """Of an artifact."""
    return str(metadata_of(artifact)[VERSION])
