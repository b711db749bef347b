"""Count customers by the bins of a summary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.monitoring.bins import Bins, Counts

# Margins in twentieths.
MARGINS = 20
# Probabilities of an answer: bin i begins at (i / 100)^2, so that small ones are told apart.
CHANCES = 100
# Rows that fit the cache.
_CHUNK = 16_384


def chance_edges() -> NDArray[np.float64]:
    """(101,) where the bins of probabilities begin, and where the last one ends."""
    return (np.arange(CHANCES + 1) / CHANCES) ** 2


def counted_columns(
    bins: Mapping[str, Bins], columns: Iterable[str], matrix: NDArray[np.float64]
) -> tuple[dict[str, Counts], dict[str, NDArray[np.float64]]]:
    """Counts and sums of those columns of a matrix that have bins."""
    places = {name: place for place, name in enumerate(columns) if name in bins}
    counts = {name: _zeros(bins[name].count + 1) for name in places}
    sums = {name: np.zeros(3) for name in places}
    for start in range(0, len(matrix), _CHUNK):
        # Whole columns lie together.
        part = np.ascontiguousarray(matrix[start : start + _CHUNK].T)
        for name, place in places.items():
            counts[name] += bins[name].counted(part[place])
            sums[name] += bins[name].summed(part[place])
    return counts, sums


def codes_of(given: NDArray[Any] | None, segments: int) -> Counts | None:
    """(customers,) the code of each; who has none gets the number after the last."""
    if given is None:
        return None
    codes = np.nan_to_num(np.asarray(given, dtype=np.float64), nan=-1.0).astype(np.int64)
    return np.where((codes < 0) | (codes >= segments), segments, codes)


def counted_margins(given: NDArray[Any] | None) -> Counts:
    """(20,) customers by margin; None counts nobody."""
    if given is None:
        return _zeros(MARGINS)
    margins = np.asarray(given, dtype=np.float64)
    known = np.clip(margins[np.isfinite(margins)], 0.0, 1.0)
    return np.bincount(
        np.minimum((known * MARGINS).astype(np.int64), MARGINS - 1), minlength=MARGINS
    )


def counted_chances(given: NDArray[Any] | None, codes: Counts | None, segments: int) -> Counts:
    """(segments + 1, 101) customers by code and probability; None counts nobody."""
    shape = (segments + 1, CHANCES + 1)
    if given is None:
        return _zeros(*shape)
    p = np.asarray(given, dtype=np.float64)
    found = np.searchsorted(chance_edges()[1:-1], p, side="right")
    places = np.where(np.isfinite(p), found, CHANCES)
    if codes is None:
        codes = np.full(len(p), segments)
    flat = np.bincount(codes * shape[1] + places, minlength=shape[0] * shape[1])
    return flat.reshape(shape)


def _zeros(*shape: int) -> Counts:
    return np.zeros(shape, dtype=np.int64)
