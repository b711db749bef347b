"""Customers of a file as a matrix, and summaries of windows drawn from them with replacement."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.monitoring.bins import Bins
from customer_segmentation.monitoring.learned_from import make_bins
from customer_segmentation.monitoring.summary import Baseline, Summary, nobody
from tests.marketing import SCHEMA, numeric_expressions
from tools.engines import run_on

SEGMENTS = ("high", "low", "moderate")


@dataclass(frozen=True)
class _Counted:
    """Of each single customer: segments, margins and chances; bins; sums."""

    parts: dict[str, NDArray[np.int64]]
    columns: dict[str, NDArray[np.int64]]
    sums: dict[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Population:
    """Customers that windows are drawn from.

    Attributes:
        columns: Of the matrix.
        matrix: (customers x columns), missing as NaN.
        outputs: Answers of models, (customers,) each.
    """

    columns: tuple[str, ...]
    matrix: NDArray[np.float64]
    outputs: dict[str, NDArray[Any]]

    @cached_property
    def bins(self) -> dict[str, Bins]:
        numbers = dict(zip(self.columns, self.matrix.T, strict=True))
        return make_bins(SCHEMA, numbers)

    @cached_property
    def _empty(self) -> Baseline:
        return Baseline("v1", "2014-06-30", SEGMENTS, self.bins, nobody("v1", len(SEGMENTS)))

    @cached_property
    def _counted(self) -> _Counted:
        each = [self.summary(self._empty, np.array([row])) for row in range(len(self.matrix))]
        parts = {
            "segments": np.array([one.segments for one in each]),
            "margins": np.array([one.margins for one in each]),
            "chances": np.array([one.chances.ravel() for one in each]),
        }
        return _Counted(
            parts,
            {n: np.array([one.columns[n] for one in each]) for n in self.columns},
            {n: np.array([one.sums[n] for one in each]) for n in self.columns},
        )

    def baseline(self, customers: int, draw: np.random.Generator) -> Baseline:
        """What a champion learned from so many of them."""
        return replace(self._empty, summary=next(self.windows(self._empty, customers, 1, draw)))

    def summary(self, baseline: Baseline, rows: NDArray[np.int64] | slice) -> Summary:
        """Of some of them."""
        outputs = {name: values[rows] for name, values in self.outputs.items()}
        return baseline.summarise(self.columns, self.matrix[rows], outputs)

    def windows(
        self, baseline: Baseline, customers: int, number: int, draw: np.random.Generator
    ) -> Iterator[Summary]:
        """Summaries of so many windows, each of customers drawn with replacement.

        How often each customer is drawn says all, so that a large window takes no longer.
        """
        counted = self._counted
        shares = np.full(len(self.matrix), 1.0 / len(self.matrix))
        drawn = draw.multinomial(customers, shares, size=number).astype(np.float64)

        def added(values: NDArray[Any]) -> NDArray[np.int64]:
            return np.rint(drawn @ values.astype(np.float64)).astype(np.int64)

        whole = {name: added(values) for name, values in counted.parts.items()}
        inside = {name: added(values) for name, values in counted.columns.items()}
        summed = {name: drawn @ values for name, values in counted.sums.items()}
        for window in range(number):
            yield Summary(
                baseline.version,
                customers,
                {name: values[window] for name, values in inside.items()},
                {name: values[window] for name, values in summed.items()},
                whole["segments"][window],
                whole["margins"][window],
                whole["chances"][window].reshape(baseline.summary.chances.shape),
                {},
            )


def population_of(file: Path) -> Population:
    """The customers of a file, with made-up answers of models."""
    silver = nw.from_native(
        run_on("pandas", file, SCHEMA, ["silver_customers"])["silver_customers"]
    )
    present = [name for name in silver.columns if name in SCHEMA.columns]
    expressions = numeric_expressions(present)
    numbers = silver.select(**expressions)
    matrix = np.asarray(numbers.to_numpy(), dtype=np.float64)
    spend = matrix[:, [n for n, name in enumerate(expressions) if name.startswith("spend")]].sum(1)
    rank = spend.argsort().argsort() / len(spend)
    outputs = {
        "segment": (rank * len(SEGMENTS)).astype(np.int64),
        "margin": np.abs(rank * len(SEGMENTS) % 1.0 - 0.5),
        "p_response": rank**4,
    }
    return Population(tuple(expressions), matrix, outputs)
