"""The artifact's arithmetic as column expressions of any engine, where no Python may run.

The numbers are those in the artifact's metadata, the features and decisions the same functions that
its graph was traced from. On tables `score_table` is as quick or quicker
(`benchmarks/spark_scoring.py`); Spark's real-time streams take nothing but expressions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np

from customer_segmentation.schema.evaluate import on_frame
from customer_segmentation.schema.operations import all_of, total, where
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.metadata import scaling_of, schema_of
from customer_segmentation.scoring.ranges import spans
from customer_segmentation.segmentation.space import (
    distances,
    first_min,
    names_of,
    points,
)

MISSING = -1.0
# No squared distance is as large: behind it stands a segment that is not to be found again.
_FAR = 1e300
_TINY = 1e-300
_PREFIX = "scored__"


def score_columns(table: nw.LazyFrame[Any], metadata: Mapping[str, Any]) -> nw.LazyFrame[Any]:
    """The table with one column an answer, as the artifact gives them.

    Whole numbers for the segments and codes (-1 where an input is missing or out of its range),
    else float64 (null there).

    Args:
        table: The artifact's numeric columns, and what else is to be kept.
        metadata: The artifact's.
    """
    kept = table.collect_schema().names()
    answers: list[str] = metadata["outputs"]
    schema = schema_of(metadata)
    decisions = [name for name in answers if name not in ("segment", "runner_up", "margin")]
    scaling = scaling_of(metadata)
    rows = on_frame(schema, table, [*scaling.features, *decisions], metadata["learned"])
    # Each step is a column before the next uses it, so that no engine computes it twice.
    components = np.array(metadata["components"])
    away = distances(np.array(metadata["centroids"]))
    placed = points(scaling, components)
    rows = rows.with_columns(**placed).with_columns(**away)
    segment, own = first_min(names_of(away))
    rows = rows.with_columns(**_prefixed(segment=segment, own=own))
    others = [
        where(nw.col(_PREFIX + "segment") == float(index), _FAR, distance)
        for index, distance in enumerate(names_of(away))
    ]
    runner_up, other = first_min(others)
    is_right = _within(metadata["columns"], schema)
    rows = rows.with_columns(**_prefixed(runner_up=runner_up, other=other, is_right=is_right))
    rows = rows.with_columns(**_prefixed(margin=_margin(names_of(placed))))
    right = nw.col(_PREFIX + "is_right")
    return rows.select(
        *kept,
        **{
            name: _answer(
                nw.col(name if name in decisions else _PREFIX + name),
                right,
                is_code=name in {"segment", "runner_up", *metadata["codes"]},
            )
            for name in answers
        },
    )


def _within(columns: Sequence[str], schema: Schema) -> nw.Expr:
    """Whether all columns are known and within the contract's ranges."""
    rules = []
    for span in spans(columns, schema):
        number = total([nw.col(name) * weight for name, weight in span.weights.items()])
        rules += [number >= span.minimum, number <= span.maximum]
        if span.whole:
            rules.append(number == number.floor())
    return all_of(rules)


def _answer(value: nw.Expr, is_right: nw.Expr, *, is_code: bool) -> nw.Expr:
    if is_code:
        return nw.when(is_right).then(value).otherwise(nw.lit(MISSING)).cast(nw.Int64)
    return nw.when(is_right).then(value)


def _margin(located: Sequence[nw.Expr]) -> nw.Expr:
    """0 halfway between two centroids, 1 on one."""
    norm = total([point * point for point in located])
    own, other = (nw.col(_PREFIX + name) + norm for name in ("own", "other"))
    # Rounding may leave a square just below 0.
    ratio = where(own > _TINY, own, _TINY) / where(other > _TINY, other, _TINY)
    return 1.0 - ratio.sqrt()


def _prefixed(**columns: nw.Expr) -> dict[str, nw.Expr]:
    return {_PREFIX + name: column for name, column in columns.items()}
