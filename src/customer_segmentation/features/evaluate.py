"""Compute features and decisions: as columns of a table, or as arrays while tracing a graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any

import narwhals as nw

from customer_segmentation.features.decisions import DECISIONS
from customer_segmentation.features.definitions import FEATURES
from customer_segmentation.features.operations import Values

# For each decision, the numbers learned from the base that it takes as keywords.
Learned = Mapping[str, Mapping[str, float | Sequence[float]]]

_DEFINED = FEATURES | DECISIONS


def on_arrays(
    names: Iterable[str], columns: Mapping[str, Values], learned: Learned | None = None
) -> dict[str, Values]:
    """The named columns, features and decisions over arrays; shared parts are computed once.

    Args:
        names: What to compute, in the order wanted.
        columns: One array for each numeric canonical column that is needed.
        learned: What the decisions among them need.
    """
    known: dict[str, Values] = dict(columns)

    def value(name: str) -> Values:
        if name not in known:
            inputs = [value(needed) for needed in _DEFINED[name].inputs]
            known[name] = _DEFINED[name].function(*inputs, **(learned or {}).get(name, {}))
        return known[name]

    return {name: value(name) for name in names}


def on_frame(
    frame: nw.LazyFrame[Any], names: Iterable[str], learned: Learned | None = None
) -> nw.LazyFrame[Any]:
    """The table with the named features and decisions added as float64 columns.

    One that uses another is added in a later step, so that no engine computes a part twice.
    """
    present = set(frame.collect_schema().names())
    order = TopologicalSorter(_uses(names, present))
    order.prepare()
    while order.is_active():
        ready = order.get_ready()
        # In definition order, so that a table's columns do not depend on hashing.
        added = [name for name in _DEFINED if name in ready and name not in present]
        if added:
            frame = frame.with_columns(**{name: _expression(name, learned or {}) for name in added})
        order.done(*ready)
    return frame


def _uses(names: Iterable[str], present: set[str]) -> dict[str, tuple[str, ...]]:
    uses: dict[str, tuple[str, ...]] = {}
    waiting = [name for name in names if name in _DEFINED]
    while waiting:
        name = waiting.pop()
        if name not in uses and name not in present:
            uses[name] = tuple(needed for needed in _DEFINED[name].inputs if needed in _DEFINED)
            waiting.extend(uses[name])
    return uses


def _expression(name: str, learned: Learned) -> nw.Expr:
    inputs = [nw.col(needed) for needed in _DEFINED[name].inputs]
    return _DEFINED[name].function(*inputs, **learned.get(name, {})).cast(nw.Float64)
