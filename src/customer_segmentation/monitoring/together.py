"""Count all columns of some customers at once.

Column after column and edge after edge is a thousand calls of NumPy, after each of which a server's
other threads and this one wait for each other. Here what takes long is done for all columns in one
call, during which other threads run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.monitoring.summary import Baseline, Summary

# Rows that are sorted at once; more take longer for each, and other threads wait for the cache.
_ROWS = 1_024


class Together:
    """Summarises customers of one baseline with the same columns.

    Args:
        baseline: Whose bins are counted.
        columns: Names of the matrix's; those that the baseline lacks are left out.
    """

    def __init__(self, baseline: Baseline, columns: tuple[str, ...]) -> None:
        self._baseline = baseline
        bins = {name: baseline.bins[name] for name in columns if name in baseline.bins}
        self._names = [*bins]
        self._places = [columns.index(name) for name in bins]
        self._bins = np.array([each.count for each in bins.values()], dtype=np.int64)
        # Each column's, and then infinity: all that are known are below.
        self._edges = np.full((len(bins), self._bins.max(initial=1)), np.inf)
        for row, each in zip(self._edges, bins.values(), strict=True):
            row[: len(each.edges)] = each.edges
        self._middle = np.array([each.middle for each in bins.values()])[:, None]

    def summarise(
        self, matrix: NDArray[np.float64], outputs: Mapping[str, NDArray[Any]]
    ) -> Summary:
        """As `Baseline.summarise`; sums may differ in their last digits."""
        below = np.zeros(self._edges.shape, np.int64)
        sums = np.zeros((len(self._names), 3))
        for start in range(0, len(matrix), _ROWS):
            self._add(matrix[start : start + _ROWS], below, sums)
        sums[:, 0] = below[:, -1]
        # (columns x bins + 1), the last of each column's bins are those without a value.
        counts = np.diff(below, axis=1, prepend=0, append=0)
        counts[np.arange(len(self._names)), self._bins] = len(matrix) - below[:, -1]
        return replace(
            self._baseline.summarise((), matrix, outputs),
            columns={
                name: row[: bins + 1]
                for name, row, bins in zip(self._names, counts, self._bins.tolist(), strict=True)
            },
            sums=dict(zip(self._names, sums, strict=True)),
        )

    def _add(
        self, part: NDArray[np.float64], below: NDArray[np.int64], sums: NDArray[np.float64]
    ) -> None:
        """Add how many values are below each edge, and their sums and sums of squares."""
        values = part.T[self._places]
        is_known = np.isfinite(values)
        values[~is_known] = np.nan
        above = np.where(is_known, values - self._middle, 0.0)
        # Those that are not known come last.
        values.sort(axis=1)
        below += [row.searchsorted(edges) for row, edges in zip(values, self._edges, strict=True)]
        with np.errstate(over="ignore"):
            sums[:, 1] += above.sum(axis=1)
            sums[:, 2] += (above * above).sum(axis=1)
