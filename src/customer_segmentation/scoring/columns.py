"""Score a table where it is: the artifact's arithmetic as column expressions of any engine.

A table that no machine holds whole cannot be handed to onnxruntime as one matrix, and handing it
over piece by piece takes longer than the arithmetic (`benchmarks/spark_scoring.py`). The numbers
are those in the artifact's metadata, the features and decisions the same functions that its graph
was traced from; the tests hold both against each other, customer by customer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np

from customer_segmentation.features.evaluate import on_frame
from customer_segmentation.features.operations import at_most, total, where
from customer_segmentation.scoring.metadata import has_codes

MISSING = -1
# Squared distances are far below: behind it stands a segment that is not to be found again.
_FAR = 1e300
_TINY = 1e-300
_PREFIX = "scored__"


def score_columns(table: nw.LazyFrame[Any], metadata: Mapping[str, Any]) -> nw.LazyFrame[Any]:
    """The table with one column an answer, as the artifact gives them.

    Whole numbers for the segments and codes (-1 where an input is missing), else float64 (null
    where an input is missing).

    Args:
        table: The artifact's numeric columns, and what else is to be kept.
        metadata: The artifact's.
    """
    kept = table.collect_schema().names()
    answers: list[str] = metadata["outputs"]
    decisions = [name for name in answers if name not in ("segment", "runner_up", "margin")]
    features: list[str] = metadata["scaling"]["features"]
    rows = on_frame(table, [*features, *decisions], metadata["learned"])
    # Each step is a column before the next uses it, so that no engine computes it twice.
    for step in (_points, _distances, _nearest, _runner_up, _margin):
        rows = rows.with_columns(**step(metadata))
    missing = total([nw.col(name) for name in metadata["columns"]]).is_null()
    return rows.select(
        *kept,
        **{
            name: _answer(nw.col(name if name in decisions else _PREFIX + name), name, missing)
            for name in answers
        },
    )


def _answer(value: nw.Expr, name: str, missing: nw.Expr) -> nw.Expr:
    if has_codes(name) or name in ("segment", "runner_up"):
        return nw.when(~missing).then(value).otherwise(nw.lit(float(MISSING))).cast(nw.Int64)
    return nw.when(~missing).then(value)


def _points(metadata: Mapping[str, Any]) -> dict[str, nw.Expr]:
    """Capped, standardised and projected: one column a component."""
    scaling = metadata["scaling"]
    weights = np.array(metadata["components"]).T / np.array(scaling["deviations"])
    offsets = -(weights * np.array(scaling["means"])).sum(axis=1)
    capped = [
        at_most(nw.col(name), cap)
        for name, cap in zip(scaling["features"], scaling["caps"], strict=True)
    ]
    return {
        _point(index): _weighted(capped, row) + offset
        for index, (row, offset) in enumerate(zip(weights.tolist(), offsets.tolist(), strict=True))
    }


def _distances(metadata: Mapping[str, Any]) -> dict[str, nw.Expr]:
    """Squared distance to each centroid, less the point's own square, which all have."""
    points = [nw.col(_point(index)) for index in range(len(metadata["components"][0]))]
    return {
        _distance(index): _weighted(points, [-2.0 * part for part in centroid])
        + sum(part * part for part in centroid)
        for index, centroid in enumerate(metadata["centroids"])
    }


def _nearest(metadata: Mapping[str, Any]) -> dict[str, nw.Expr]:
    columns = [nw.col(_distance(index)) for index in range(len(metadata["centroids"]))]
    return _first_least(columns, "segment", "own")


def _runner_up(metadata: Mapping[str, Any]) -> dict[str, nw.Expr]:
    others = [
        where(nw.col(_PREFIX + "segment") == float(index), _FAR, nw.col(_distance(index)))
        for index in range(len(metadata["centroids"]))
    ]
    return _first_least(others, "runner_up", "other")


def _margin(metadata: Mapping[str, Any]) -> dict[str, nw.Expr]:
    points = [nw.col(_point(index)) for index in range(len(metadata["components"][0]))]
    norm = total([point * point for point in points])
    own, other = (nw.col(_PREFIX + name) + norm for name in ("own", "other"))
    # Rounding may leave a square just below 0.
    ratio = where(own > _TINY, own, _TINY) / where(other > _TINY, other, _TINY)
    return {_PREFIX + "margin": 1.0 - ratio.sqrt()}


def _first_least(columns: Sequence[nw.Expr], position: str, value: str) -> dict[str, nw.Expr]:
    """The position, from 0, of the first column that holds the smallest value; and that value."""
    least = nw.min_horizontal(*columns)
    found: Any = float(len(columns) - 1)
    for index in range(len(columns) - 2, -1, -1):
        found = where(columns[index] == least, float(index), found)
    return {_PREFIX + position: found, _PREFIX + value: least}


def _weighted(columns: Sequence[nw.Expr], weights: Sequence[float]) -> nw.Expr:
    terms = [column * weight for column, weight in zip(columns, weights, strict=True)]
    weighted: nw.Expr = total(terms)
    return weighted


def _point(index: int) -> str:
    return f"{_PREFIX}point_{index}"


def _distance(index: int) -> str:
    return f"{_PREFIX}distance_{index}"
