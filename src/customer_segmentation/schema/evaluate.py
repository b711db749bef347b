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
    wanted = list(names)
    defined = schema.features | schema.decisions
    for name in _steps(defined, wanted, known):
        inputs = [known[needed] for needed in defined[name].inputs]
        known[name] = defined[name].function(*inputs, **(learned or {}).get(name, {}))
    return {name: known[name] for name in wanted}


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
    waiting = _steps(defined, names, frame.collect_schema().names())
    while waiting:
        later = {*waiting}
        ready = [name for name in waiting if later.isdisjoint(defined[name].inputs)]
        frame = frame.with_columns(
            **{name: _expression(defined[name], learned or {}) for name in ready}
        )
        waiting = [name for name in waiting if not later.isdisjoint(defined[name].inputs)]
    return frame


def _steps(defined: Mapping[str, Feature], names: Iterable[str], known: Iterable[str]) -> list[str]:
    """What is still to be computed for these names, in definition order.

    Whatever a feature uses is defined before it; by recursion, a long chain would end the stack.
    """
    present = {*known}
    wanted = {*names} - present
    for name in reversed([*defined]):
        if name in wanted:
            wanted |= {*defined[name].inputs} - present
    return [name for name in defined if name in wanted]


def _expression(feature: Feature, learned: Learned) -> nw.Expr:
    inputs = [nw.col(needed) for needed in feature.inputs]
    return feature.function(*inputs, **learned.get(feature.name, {})).cast(nw.Float64)
