"""What a segment is like: its size, its means, and each mean as an index against the base."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw


def weighted_means(
    table: nw.LazyFrame[Any], groups: Sequence[str], names: Sequence[str], weight: str
) -> nw.DataFrame[Any]:
    """One row a group: total `weight` and the weighted mean of each named column."""
    products = {f"product__{name}": nw.col(name) * nw.col(weight) for name in names}
    sums = (
        table.with_columns(**products)
        .group_by(*groups)
        .agg(nw.col(weight).sum(), *(nw.col(product).sum() for product in products))
    )
    means = {name: nw.col(f"product__{name}") / nw.col(weight) for name in names}
    return sums.select(*groups, weight, **means).sort(*groups).collect()
