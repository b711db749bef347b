"""Compute features and decisions: as columns of a table, or as arrays while tracing a graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import narwhals as nw

from customer_segmentation.schema.operations import Values
from customer_segmentation.schema.parts import Feature
from customer_segmentation.schema.schema import Schema

# For each decision, the numbers learned from the base that it takes as keywords.
Learned = Mapping[str, Mapping[str, float | Sequence[float]]]


def on_arrays(
    schema: Schema,
    names: Iterable[str],
    columns: Mapping[str, Values],
    learned: Learned | None = None,
) -> dict[str, Values]:
    """The named columns, features and decisions over arrays; shared parts are computed once.

    Args:
        schema: Defines them.
        names: What to compute, in the order wanted.
        columns: One array for each numeric canonical column that is needed.
        learned: What the decisions among them need.
    """
    known: dict[str, Values] = dict(columns)
    defined = schema.features | schema.decisions

    def value(name: str) -> Values:
        if name not in known:
            inputs = [value(needed) for needed in defined[name].inputs]
            known[name] = defined[name].function(*inputs, **(learned or {}).get(name, {}))
        return known[name]

    return {name: value(name) for name in names}


def on_frame(
    schema: Schema,
    frame: nw.LazyFrame[Any],
    names: Iterable[str],
    learned: Learned | None = None,
) -> nw.LazyFrame[Any]:
    """The table with the named features and decisions added as float64 columns.

    One that uses another is added in a later step, so that no engine computes a part twice.
    """
    defined = schema.features | schema.decisions
    present = set(frame.collect_schema().names())
    waiting: set[str] = set()

    def need(name: str) -> None:
        if name in defined and name not in present | waiting:
            waiting.add(name)
            for needed in defined[name].inputs:
                need(needed)

    for name in names:
        need(name)
    while waiting:
        # In definition order, so that a table's columns do not depend on hashing.
        ready = [n for n in defined if n in waiting and waiting.isdisjoint(defined[n].inputs)]
        frame = frame.with_columns(
            **{name: _expression(defined[name], learned or {}) for name in ready}
        )
        waiting.difference_update(ready)
    return frame


def _expression(feature: Feature, learned: Learned) -> nw.Expr:
    inputs = [nw.col(needed) for needed in feature.inputs]
    return feature.function(*inputs, **learned.get(feature.name, {})).cast(nw.Float64)
