"""Refine centroids on every customer: Lloyd's algorithm by engine aggregates."""

from __future__ import annotations

import logging
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.segmentation.projection import Projection
from customer_segmentation.segmentation.rounding import rounded_standardised
from customer_segmentation.segmentation.scaling import Scaling
from customer_segmentation.segmentation.space import distances, first_min, names_of, points

logger = logging.getLogger(__name__)

Array = NDArray[np.float64]

# In standard deviations: centroids that move less than this have arrived.
_ARRIVED = 1e-4
_NEAREST = "nearest"
_MEMBERS = "members"


def refine(
    table: nw.LazyFrame[Any],
    scaling: Scaling,
    projection: Projection,
    centroids: Array,
    passes: int,
) -> Array:
    """Move each centroid to the mean of the customers nearest to it, several times.

    A pass is one aggregate over the table, collected as one row a centroid. A centroid without
    customers stays where it is.

    Source: Lloyd, Least squares quantization in PCM (1982).

    Args:
        table: The features of the scaling, one row a customer.
        scaling: What the space is measured in.
        projection: The space's components.
        centroids: (segments x components), where to start.
        passes: How many times at most; it ends earlier once no centroid moves.
    """
    placed = points(scaling, projection.components)
    located = table.select(**placed)
    for number in range(1, passes + 1):
        moved = _one_pass(located, list(placed), centroids)
        shift = float(np.sqrt(((moved - centroids) ** 2).sum(axis=1)).max())
        logger.info("refinement: pass %d of at most %d, moved %.2g", number, passes, shift)
        centroids = moved
        if shift < _ARRIVED:
            break
    return centroids


def _one_pass(located: nw.LazyFrame[Any], names: list[str], centroids: Array) -> Array:
    away = distances(centroids)
    nearest, _ = first_min(names_of(away))
    sums = (
        located.with_columns(**away)
        .select(*names, **{_NEAREST: nearest})
        .group_by(_NEAREST)
        .agg(nw.len().alias(_MEMBERS), *(nw.col(name).sum() for name in names))
        .collect()
    )
    moved = centroids.copy()
    for row in sums.iter_rows(named=True):
        members = np.array([row[name] for name in names]) / row[_MEMBERS]
        moved[int(row[_NEAREST])] = rounded_standardised(members)
    return moved
