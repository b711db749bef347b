"""A bounded, weighted sample to learn from, drawn by the engine with one filter.

Source: Bachem, Lucic, Krause: Scalable k-means clustering via lightweight coresets (KDD 2018).
"""

from __future__ import annotations

from typing import Any

import narwhals as nw

from customer_segmentation.customers.sample_key import uniform_number
from customer_segmentation.schema.operations import at_most, total
from customer_segmentation.schema.parts import KEY, SAMPLE_KEY
from customer_segmentation.segmentation.scaling import Scaling

WEIGHT = "weight"


def draw_coreset(
    table: nw.LazyFrame[Any], scaling: Scaling, rows: int, size: int, seed: int
) -> nw.DataFrame[Any]:
    """Rows of the table with their weights, sorted by sample key; about `size` of them at most.

    A row is kept with probability p = min(1, size q), q being half uniform and half in proportion
    to the squared distance from the mean, with weight 1/p. At or below `size` rows, all are kept
    with weight 1.

    Args:
        table: The key, `sample_key` and the features of the scaling.
        scaling: What distances are measured in.
        rows: The table's number of rows.
        size: Expected number of rows kept.
        seed: Another seed keeps other rows.
    """
    if rows <= size:
        weighted = table.with_columns(nw.lit(1.0).alias(WEIGHT))
    else:
        squares = [column * column for column in scaling.standardised_columns().values()]
        # Standardised features have mean 0 and a known variance: their squared distances sum to
        # rows * variances, so that the mean and the sum cost no pass of their own.
        share = total(squares) * (1.0 / (sum(scaling.variances) * rows))
        kept = at_most((share + 1.0 / rows) * (0.5 * size), 1.0)
        weighted = (
            table.with_columns(probability=kept)
            .filter(uniform_number(seed) < nw.col("probability"))
            .with_columns((1.0 / nw.col("probability")).alias(WEIGHT))
            .drop("probability")
        )
    return weighted.sort(SAMPLE_KEY, KEY).collect()


def draw_uniform(table: nw.LazyFrame[Any], rows: int, size: int, seed: int) -> nw.DataFrame[Any]:
    """About `size` rows of the table at most, each as likely as any other, by sample key."""
    return uniform_part(table, rows, size, seed).sort(SAMPLE_KEY, KEY).collect()


def uniform_part(table: nw.LazyFrame[Any], rows: int, size: int, seed: int) -> nw.LazyFrame[Any]:
    """The same as a plan, in no order."""
    return table if rows <= size else table.filter(uniform_number(seed) < size / rows)
