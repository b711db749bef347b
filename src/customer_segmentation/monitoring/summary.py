"""What many customers look like, in counts alone: summaries add up, and nobody is found in one.

Batch, API and stream summarise the same matrix: canonical columns as numbers, as the artifacts take
them (`customers.matrix`), null as NaN. Bins are those of the champion's training data, so that any
two summaries of one baseline can be added or compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
# Margins in twentieths; probabilities of an answer in hundredths.
MARGINS, CHANCES = 20, 100


@dataclass(frozen=True)
class Bins:
    """The bins of one numeric column of the matrix.

    Attributes:
        edges: Ascending; bin i holds edges[i - 1] <= value < edges[i], the first all below, the
            last all from the last edge on. A category's codes have an edge before each but the
            first.
        labels: Of a category's codes; empty for numbers and parts of dates.
    """

    edges: tuple[float, ...]
    labels: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many bins there are."""
        return len(self.edges) + 1


@dataclass(frozen=True)
class Summary:
    """Counts of the customers of a window.

    Attributes:
        baseline: Version of the artifact whose training data made the bins.
        customers: How many were answered.
        columns: Of each column, (bins + 1,) customers by bin; the last are those without a value.
        sums: Of each column, (3,) number, sum and sum of squares of the values that are known.
        segments: (segments + 1,) by segment's code; the last are those without one.
        margins: (20,) by margin.
        chances: (segments + 1, 101) by segment and probability of an answer in hundredths; the last
            column are those without one.
        rejected: Customers, or fields of them, that were refused: why -> how many.
    """

    baseline: str
    customers: int
    columns: Mapping[str, Counts]
    sums: Mapping[str, NDArray[np.float64]]
    segments: Counts
    margins: Counts
    chances: Counts
    rejected: Mapping[str, int]

    def merged(self, other: Summary) -> Summary:
        """The counts of both.

        Raises:
            ValueError: They are of two baselines.
        """
        raise NotImplementedError

    def stated(self) -> dict[str, Any]:
        """As JSON."""
        raise NotImplementedError

    @classmethod
    def of(cls, stated: Mapping[str, Any]) -> Summary:
        """From JSON.

        Raises:
            ValueError: It is no summary.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Baseline:
    """What the champion learned from: `baseline.json` of its bundle.

    Attributes:
        version: Of its artifact.
        as_of: Day of its customers, in ISO format.
        segments: The keys of its segments, in the order of their codes.
        bins: Of each column.
        summary: Of the customers that it learned from.
    """

    version: str
    as_of: str
    segments: tuple[str, ...]
    bins: Mapping[str, Bins]
    summary: Summary

    def empty(self) -> Summary:
        """The summary of nobody."""
        raise NotImplementedError

    def summarise(
        self,
        columns: tuple[str, ...],
        matrix: NDArray[np.float64],
        outputs: Mapping[str, NDArray[Any]],
    ) -> Summary:
        """The summary of some customers.

        Args:
            columns: Names of the matrix's; those that the baseline lacks are left out.
            matrix: (customers x columns), null as NaN.
            outputs: Of the artifacts, (customers,) each: `segment`, `margin` and, where it is known,
                `p_response`.
        """
        raise NotImplementedError
