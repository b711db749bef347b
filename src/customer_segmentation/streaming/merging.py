"""Which lines of customers stand, once new ones have come."""

from __future__ import annotations

from dataclasses import dataclass

import narwhals as nw
import polars as pl

from customer_segmentation.customers.versions import (
    IS_CONFLICT,
    IS_REPEAT,
    IS_REPLACED,
    compared,
    with_standing,
)
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.streaming.packing import ARRIVED, IS_APART
from customer_segmentation.streaming.plans import Plan
from customer_segmentation.streaming.reading import identity_of

_VERDICTS = (IS_REPEAT, IS_REPLACED, IS_CONFLICT)
_ORDER, _IS_NEW, _IS_KEPT = "event__order", "event__is_new", "event__is_kept"


@dataclass(frozen=True)
class Merged:
    """What became of new lines.

    Attributes:
        lines: All that stand or may stand again, those of a customer not yet together.
        new: The new ones, each with `IS_REPEAT`, `IS_REPLACED` and `IS_CONFLICT`.
        moved: Keys of the customers whose lines are others than before.
    """

    lines: pl.DataFrame
    new: pl.DataFrame
    moved: pl.Series


def merged(
    known: pl.DataFrame, new: pl.DataFrame, schema: Schema, lasts: pl.Expr, judge: Plan
) -> Merged:
    """Put new lines beside those that are known; most of these have nothing to do with them.

    Args:
        known: Each customer's lines, as the state holds them.
        new: Valid ones, in the order of their arrival, with the same columns and others.
        schema: Of the customers.
        lasts: Whether a line is young enough to be kept.
        judge: From `judging`.
    """
    identity = identity_of(schema)
    columns = known.columns
    touched = new.select(identity)
    same = known.join(touched, on=identity, how="semi") if len(known) else known
    if same.is_empty() and not touched.is_duplicated().any():
        verdicts = (pl.lit(value=False).alias(name) for name in _VERDICTS)
        kept = new.filter(lasts)
        lines = pl.concat([known, kept.select(columns)])
        return Merged(lines, new.with_columns(*verdicts), kept[KEY].unique())
    others = known.join(touched, on=identity, how="anti") if len(same) else known
    contested = pl.concat(
        [
            same.with_columns(pl.lit(value=False).alias(_IS_NEW)),
            new.with_columns(pl.lit(value=True).alias(_IS_NEW)),
        ],
        how="diagonal",
    ).with_row_index(_ORDER)
    judged = contested.hstack(judge(contested.select(_ORDER, *columns)))
    stands = ~pl.col(IS_REPEAT) & ~pl.col(IS_REPLACED)
    # Two that contradict each other say as much as more of them.
    place = stands.cast(pl.Int32).cum_sum().over(identity)
    judged = judged.with_columns((stands & (place <= 2)).alias(_IS_KEPT))  # noqa: PLR2004 - as above
    # A record that takes a customer back is apart from the first.
    apart = pl.col(IS_APART if ARRIVED in columns else IS_CONFLICT)
    is_other = (
        pl.when(pl.col(_IS_NEW))
        .then(pl.col(_IS_KEPT) & lasts)
        .otherwise(~pl.col(_IS_KEPT) | (apart != pl.col(IS_APART)))
    )
    kept = judged.filter(pl.col(_IS_KEPT) & lasts)
    return Merged(
        pl.concat([others, kept.with_columns(apart.alias(IS_APART)).select(columns)]),
        judged.filter(pl.col(_IS_NEW)).select(*new.columns, *_VERDICTS),
        judged.filter(is_other)[KEY].unique(),
    )


def judging(columns: pl.Schema, schema: Schema) -> Plan:
    """The verdicts on lines of the same ids, in their order.

    Args:
        columns: Of the lines, as the state holds them.
        schema: Of the customers.
    """
    identity = identity_of(schema)
    version = schema.events.version or (ARRIVED if ARRIVED in columns else "")
    apart = {*identity, version}
    values = (column for column in schema.rows.columns.values() if column.name not in apart)
    # Else rows are of one version only if they have the same cells.
    is_compared = schema.events.id or schema.events.version
    texts = compared(values, schema) if is_compared else {}

    def judge(lines: pl.LazyFrame) -> pl.LazyFrame:
        rows = with_standing(nw.from_native(lines), identity, version, texts, _ORDER)
        found: pl.LazyFrame = rows.sort(_ORDER).select(*_VERDICTS).to_native()
        return found

    return Plan(pl.Schema({_ORDER: pl.get_index_type(), **columns}), judge)
