"""Values far outside the rest: counted, reported, and left out of learned means.

k-means sees every feature capped, and a quantile hardly moves. A mean or a least-squares fit does:
one customer with a spend of millions would name the segments and bend the expected spend of all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.schema.operations import indicator
from customer_segmentation.schema.parts import KEY

Array = NDArray[np.float64]
Fences = Mapping[str, tuple[float, float]]

_QUANTILES = (0.05, 0.5, 0.95)
# In distances from the median to the 95th percentile (or the 5th), beyond it. On the published file
# one income of 666,666 lies there, three counts of web visits, and no spend.
_REACH = 5.0


@dataclass(frozen=True)
class FarOutside:
    """How many customers have a value of a column far outside the rest, and the furthest."""

    column: str
    rows: int
    value: float
    customer_id: str


def fences(columns: Mapping[str, Array], weights: Array, names: Iterable[str]) -> Fences:
    """Name -> the smallest and the largest value that is not far outside.

    A side on which quantiles coincide has no fence: nothing says how far is far.

    Args:
        columns: One value a row, missing as NaN.
        weights: One a row.
        names: Of columns.
    """
    limits = {}
    for name in names:
        known = ~np.isnan(columns[name])
        if not known.any():
            continue
        low, middle, high = np.quantile(
            columns[name][known], _QUANTILES, weights=weights[known], method="inverted_cdf"
        ).tolist()
        limits[name] = (
            low - _REACH * (middle - low) if low < middle else -np.inf,
            high + _REACH * (high - middle) if high > middle else np.inf,
        )
    return limits


def is_inside(columns: Mapping[str, Array], limits: Fences) -> NDArray[np.bool_]:
    """Whether no value of a row is far outside; a missing value never is."""
    outside = [
        (columns[name] < low) | (columns[name] > high) for name, (low, high) in limits.items()
    ]
    return ~np.any(outside, axis=0)


def find_far_outside(table: nw.LazyFrame[Any], limits: Fences) -> list[FarOutside]:
    """Count the values outside over all rows: one pass, and one more for each column that has any.

    Args:
        table: Key and the columns of the fences.
        limits: Of each column.
    """
    beyond = {n: (nw.col(n) < low) | (nw.col(n) > high) for n, (low, high) in limits.items()}
    counts = table.select(**{n: indicator(rule).sum() for n, rule in beyond.items()}).collect()
    outliers = []
    for name, rows in zip(counts.columns, counts.row(0), strict=True):
        if not rows:
            continue
        low, high = limits[name]
        # The furthest in its own direction; of equals, the first key.
        distance = nw.max_horizontal(nw.lit(low) - nw.col(name), nw.col(name) - nw.lit(high))
        furthest = (
            table.filter(beyond[name])
            .select(KEY, name, distance=distance)
            .sort("distance", KEY, descending=[True, False])
            .head(1)
            .collect()
            .rows(named=True)[0]
        )
        outliers.append(FarOutside(name, int(rows), float(furthest[name]), str(furthest[KEY])))
    return outliers
