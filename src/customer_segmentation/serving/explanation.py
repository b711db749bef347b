"""Why a customer is in a segment, and the smallest change that would move them to the next.

The pull of a feature is its part of the difference between the squared distances to the two
centroids: |x - other|^2 - |x - own|^2 = sum over f of 2 (z_f - m_f) (own_f - other_f), with z the
capped, standardised features and m the middle between the centroids. It is exact, since the
components are orthonormal.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.schema.evaluate import on_arrays
from customer_segmentation.scoring.metadata import scaling_of
from customer_segmentation.serving.answers import Change, Explanation, Pull
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.validation import ReadCustomer

Array = NDArray[np.float64]

# Changes tried: each whole unit up to 256, then steps of 1 % up to a million, refined afterwards.
_EXACT = 256
_GROWTH = 1.01
_FARTHEST = 1e6
_KEPT = 4_096


class Explainer:
    """Explains single customers, with a cache of some thousand explanations."""

    def __init__(self) -> None:
        self._explain = lru_cache(maxsize=_KEPT)(_explain)
        self._version = ""

    def explain(self, bundle: Bundle, customer: ReadCustomer) -> Explanation:
        """The pulls and the smallest change; none for a customer without purchases."""
        if customer.is_cold:
            return Explanation(note="answered by the cold-start model: nothing was bought yet")
        if bundle.version != self._version:
            self._explain.cache_clear()
            self._version = bundle.version
        return self._explain(bundle, tuple(customer.numbers.values()))


def _explain(bundle: Bundle, row: tuple[float, ...]) -> Explanation:
    values = np.array([row])
    outputs = bundle.segmenter.score(values)
    own, other = int(outputs["segment"][0]), int(outputs["runner_up"][0])
    columns = dict(zip(bundle.contract.columns, row, strict=True))
    return Explanation(
        against=bundle.keys[other],
        pulls=_pulls(bundle, columns, own, other),
        smallest_change=_smallest_change(bundle, values, other),
    )


def _pulls(bundle: Bundle, row: dict[str, float], own: int, other: int) -> list[Pull]:
    """Each feature's pull towards the segment; below 0 towards the runner-up."""
    metadata = bundle.segmenter.metadata
    scaling = scaling_of(metadata)
    columns = {name: np.array([[value]]) for name, value in row.items()}
    features = on_arrays(bundle.contract.schema, scaling.features, columns)
    raw = np.array([float(features[name][0, 0]) for name in scaling.features])
    components, centroids = np.array(metadata["components"]), np.array(metadata["centroids"])
    away = components @ (centroids[own] - centroids[other])
    middle = components @ (centroids[own] + centroids[other]) / 2.0
    pulls = 2.0 * (scaling.standardised(raw) - middle) * away
    parts = list(map(Pull, scaling.features, raw.tolist(), pulls.tolist()))
    return sorted(parts, key=lambda part: -abs(part.pull))


def _smallest_change(bundle: Bundle, row: Array, other: int) -> Change | Literal["none"]:
    """The change of one input by the fewest whole units that gives the runner-up, or `none`."""
    best: Change | None = None
    columns = bundle.contract.columns
    for name in columns:
        rule = bundle.contract.rules.get(name)
        if rule and rule.changeable:
            place = columns.index(name)
            below = abs(best.change) if best else np.inf
            if change := _smallest_of_one(bundle, row, place, other, below):
                now = float(row[0, place])
                best = Change(name, now, now + change, change)
    return best or "none"


def _smallest_of_one(bundle: Bundle, row: Array, place: int, other: int, below: float) -> float:
    """The smallest change of one column that gives a segment, below a limit; 0 if there is none."""
    minimum, maximum = bundle.contract.range_of(bundle.contract.columns[place])

    def first(changes: Array) -> float:
        values = row[0, place] + changes
        allowed = changes[(values >= minimum) & (values <= maximum)]
        rows = np.repeat(row, len(allowed), axis=0)
        rows[:, place] += allowed
        moved = np.flatnonzero(bundle.segmenter.score(rows)["segment"] == other)
        return float(allowed[moved[0]]) if len(moved) else 0.0

    change = first(_CHANGES[np.abs(_CHANGES) < below])
    if abs(change) <= _EXACT:
        return change
    before = np.floor(abs(change) / _GROWTH) - 1.0
    return first(np.sign(change) * np.arange(before, abs(change) + 1.0))


def _changes() -> Array:
    """Changes to try, the smallest first."""
    count = int(np.log(_FARTHEST / _EXACT) / np.log(_GROWTH))
    far = np.floor(_EXACT * _GROWTH ** np.arange(1, count + 1))
    steps = np.concatenate([np.arange(1.0, _EXACT + 1.0), np.unique(far)])
    return np.stack([steps, -steps], axis=1).ravel()


_CHANGES = _changes()
