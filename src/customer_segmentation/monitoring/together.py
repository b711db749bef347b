"""Count all columns of few customers at once.

Value after value takes a millisecond in which no other thread of the process may run, for one
customer as for hundreds. A server counts some customers at a time, all the time: here what takes
long is done for all columns in one call of NumPy, which lets other threads run meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.monitoring.summary import Baseline, Summary

# Above that, sorting all columns takes more than the cache.
_MOST = 2_048
_NONE = np.zeros(1, np.int64)


class Together:
    """Summarises customers of one baseline with the same columns.

    Args:
        baseline: Whose bins are counted.
        columns: Names of the matrix's; those that the baseline lacks are left out.
    """

    def __init__(self, baseline: Baseline, columns: tuple[str, ...]) -> None:
        self._baseline, self._columns = baseline, columns
        bins = {name: baseline.bins[name] for name in columns if name in baseline.bins}
        self._names = [*bins]
        self._places = [columns.index(name) for name in bins]
        self._edges = [np.array(each.edges) for each in bins.values()]
        self._middle = np.array([each.middle for each in bins.values()])[:, None]

    def summarise(
        self, matrix: NDArray[np.float64], outputs: Mapping[str, NDArray[Any]]
    ) -> Summary:
        """As `Baseline.summarise`; sums may differ in their last digits."""
        if len(matrix) > _MOST:
            return self._baseline.summarise(self._columns, matrix, outputs)
        rest = self._baseline.summarise((), matrix, outputs)
        values = matrix.T[self._places]
        is_known = np.isfinite(values)
        values[~is_known] = np.nan
        known = is_known.sum(axis=1)
        above = np.where(is_known, values - self._middle, 0.0)
        # Those that are not known come last.
        values.sort(axis=1)
        counts = {}
        for name, row, edges, count in zip(
            self._names, values, self._edges, known.tolist(), strict=True
        ):
            below = row[:count].searchsorted(edges)
            ends = np.concatenate([_NONE, below, [count, len(row)]])
            counts[name] = ends[1:] - ends[:-1]
        with np.errstate(over="ignore"):
            sums = np.column_stack([known, above.sum(axis=1), (above * above).sum(axis=1)])
        return replace(rest, columns=counts, sums=dict(zip(self._names, sums, strict=True)))
