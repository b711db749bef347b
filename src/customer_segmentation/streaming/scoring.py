"""Answers for customers that changed, as the batch gives them, and who moved and why."""

from __future__ import annotations

from datetime import date, datetime, time
from functools import lru_cache

import narwhals as nw
import onnx
import polars as pl

from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.scoring.table import answer_table
from customer_segmentation.streaming.plans import Plan
from customer_segmentation.streaming.step import IS_CHANGED
from customer_segmentation.tables.schemas import ARTIFACT_VERSION, CAUSE, CAUSES

# A first answer, and no customer any more; else as in `gold_movers`.
ENTERED, LEFT = "entered", "left"
_FROM = {"segment": "from_segment", "segment_name": "from_name"}
_TO = {"segment": "to_segment", "segment_name": "to_name"}
_DATA, _MODEL, _BOTH, _ = CAUSES
_WAS = f"from_{ARTIFACT_VERSION}"


def answers_of(customers: pl.DataFrame, artifact: onnx.ModelProto) -> pl.DataFrame:
    """One row a customer as in `gold_segments`.

    Args:
        customers: As in `silver_customers`.
        artifact: The segmenter.

    Raises:
        UserError: The artifact is of another source.
    """
    content = artifact.SerializeToString(deterministic=True)
    return _answering(content, tuple(customers.schema.items()))(customers)


@lru_cache(maxsize=4)
def _answering(content: bytes, columns: tuple[tuple[str, pl.DataType], ...]) -> Plan:
    artifact = onnx.load_from_string(content)

    def answer(customers: pl.LazyFrame) -> pl.LazyFrame:
        answers = answer_table(nw.from_native(customers), artifact).sort(KEY)
        found: pl.LazyFrame = answers.to_native()
        return found

    return Plan(pl.Schema(columns), answer)


def moves_of(before: pl.DataFrame, after: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Who is in another segment, is new, or is a customer no more, and why.

    Args:
        before: The last answers, as of `Step.before`.
        after: The new ones, of all of them who are still customers.
        as_of: The day of those who left; of the others, that of their answer.

    Returns:
        Key, `from_segment`, `from_name`, `to_segment`, `to_name` (null where there is none),
        `cause`, `as_of` and `artifact_version`; sorted by key.
    """
    was = before.rename(_FROM | {ARTIFACT_VERSION: _WAS}).drop("segment_id")
    now = after.select(KEY, *_TO, AS_OF, ARTIFACT_VERSION).rename(_TO)
    both = was.join(now, on=KEY, how="full", coalesce=True)
    is_new, is_gone = pl.col("from_segment").is_null(), pl.col("to_segment").is_null()
    is_other_model = pl.col(_WAS) != pl.col(ARTIFACT_VERSION)
    cause = (
        pl.when(is_new)
        .then(pl.lit(ENTERED))
        .when(is_gone)
        .then(pl.lit(LEFT))
        .when(is_other_model & pl.col(IS_CHANGED))
        .then(pl.lit(_BOTH))
        .when(is_other_model)
        .then(pl.lit(_MODEL))
        .otherwise(pl.lit(_DATA))
    )
    moved = both.filter(is_new | is_gone | (pl.col("from_segment") != pl.col("to_segment")))
    day = pl.lit(datetime.combine(as_of, time.min), dtype=moved.schema[AS_OF])
    return moved.select(
        KEY,
        *_FROM.values(),
        *_TO.values(),
        cause.alias(CAUSE),
        pl.col(AS_OF).fill_null(day),
        pl.col(ARTIFACT_VERSION).fill_null(pl.col(_WAS)),
    ).sort(KEY)
