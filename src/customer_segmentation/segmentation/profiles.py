"""What a segment is like: its size, its means, and each mean as an index against the base."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import narwhals as nw

_PRODUCT = "product__"
_KNOWN = "known__"
_AT_ONCE = 50


def weighted_means(
    table: nw.LazyFrame[Any],
    groups: Sequence[str],
    names: Sequence[str],
    weight: str,
    weight_of: Callable[[str], str] | None = None,
) -> nw.DataFrame[Any]:
    """One row a group: total `weight`, and the mean of each column's known values.

    Beside each mean stands the weight of the known values (`known_weight`). Without any, the mean
    is missing.

    Args:
        table: Groups, columns and weights.
        groups: Columns.
        names: Columns to average.
        weight: The column with each row's weight.
        weight_of: The column with the weight of a row's value of a column, if it is another.
    """
    by = {name: nw.col(weight_of(name) if weight_of else weight) for name in names}
    products = {_PRODUCT + name: nw.col(name) * by[name] for name in names}
    known = {known_weight(n): nw.when(~nw.col(n).is_null()).then(by[n]) for n in names}
    sums = _sums(table.select(*groups, weight, **products, **known), groups)
    # Spark refuses to divide by 0.
    parts = {n: nw.when(nw.col(known_weight(n)) > 0.0).then(nw.col(known_weight(n))) for n in names}
    means = {name: nw.col(_PRODUCT + name) / parts[name] for name in names}
    return sums.select(*groups, weight, *known, **means).sort(*groups).collect()


def _sums(table: nw.LazyFrame[Any], groups: Sequence[str]) -> nw.LazyFrame[Any]:
    """The sums of all other columns, one row a group."""
    names = [name for name in table.collect_schema().names() if name not in groups]
    # pandas is slow with many at once, and says so.
    at_once = _AT_ONCE if table.implementation.is_pandas_like() else len(names)
    first, *others = [
        table.group_by(*groups).agg(*(nw.col(n).sum() for n in names[start : start + at_once]))
        for start in range(0, len(names), at_once)
    ]
    for other in others:
        first = first.join(other, on=list(groups))
    return first


def known_weight(name: str) -> str:
    """The column with the weight of what is known of another."""
    return _KNOWN + name
