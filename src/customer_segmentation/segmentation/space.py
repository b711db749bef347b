"""The space of the segments as column expressions: points, and distances to centroids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.schema.operations import first_equal, total
from customer_segmentation.segmentation.scaling import Scaling

_POINT = "point__"
_DISTANCE = "distance__"


def points(scaling: Scaling, components: NDArray[np.float64]) -> dict[str, nw.Expr]:
    """One column a component, of a table with the scaling's features.

    Args:
        scaling: Caps, means and deviations.
        components: (features x components).
    """
    weights = components.T / scaling.deviations
    offsets = -(weights * scaling.means).sum(axis=1)
    bounded = scaling.bounded_columns()
    return {
        f"{_POINT}{index}": weighted(bounded, row) + offset
        for index, (row, offset) in enumerate(zip(weights.tolist(), offsets.tolist(), strict=True))
    }


def distances(centroids: NDArray[np.float64]) -> dict[str, nw.Expr]:
    """One column a centroid, of a table with the points.

    |x - c|^2 without |x|^2, which is the same for every centroid: -2 x.c + |c|^2.
    """
    columns = [nw.col(f"{_POINT}{index}") for index in range(centroids.shape[1])]
    return {
        f"{_DISTANCE}{index}": weighted(columns, (-2.0 * centroid).tolist())
        + float(centroid @ centroid)
        for index, centroid in enumerate(centroids)
    }


def first_min(columns: Sequence[nw.Expr]) -> tuple[nw.Expr, nw.Expr]:
    """The position, from 0, of the first column that holds the smallest value; and that value."""
    minimum = nw.min_horizontal(*columns)
    return first_equal(columns, minimum), minimum


def weighted(columns: Sequence[nw.Expr], weights: Sequence[float]) -> nw.Expr:
    """The sum of the columns, each times its weight."""
    return total([column * weight for column, weight in zip(columns, weights, strict=True)])


def names_of(expressions: Mapping[str, nw.Expr]) -> list[nw.Expr]:
    """The columns of these names, for when the expressions have been added as columns."""
    return [nw.col(name) for name in expressions]
