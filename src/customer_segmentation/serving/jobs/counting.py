"""What a job's customers look like, in counts: they are kept once its results are published."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from customer_segmentation.customers.rules import REASONS
from customer_segmentation.monitoring.hourly import HourlySummary, count_by_reason
from customer_segmentation.scoring.metadata import P_RESPONSE
from customer_segmentation.serving.bundle import Bundle

_SEGMENT, _MARGIN = "segment", "margin"


class JobCounts:
    """Counts the customers of one attempt at a job.

    Args:
        bundle: What answers.

    Attributes:
        counts: So far; None where the bundle has no baseline.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._baseline = bundle.baseline
        self._columns, schema = bundle.columns, bundle.contract.schema
        # Those of an order line, and of a customer.
        self._named = frozenset({*schema.rows.columns, *schema.columns})
        self.counts = HourlySummary(self._baseline.empty()) if self._baseline else None

    def answered(
        self,
        numbers: nw.DataFrame[Any],
        scored: nw.DataFrame[Any],
        chances: NDArray[np.float64] | None,
    ) -> None:
        """Count customers whom the segmenter has answered.

        Args:
            numbers: Their numeric columns.
            scored: The segmenter's outputs.
            chances: Of an answer to a campaign, NaN where it is not known.
        """
        if self._baseline is None or self.counts is None:
            return
        columns = tuple(name for name in self._columns if name in numbers.columns)
        outputs = {name: scored[name].to_numpy() for name in (_SEGMENT, _MARGIN)}
        if chances is not None:
            outputs[P_RESPONSE] = chances
        matrix = numbers.select(*columns).to_numpy().astype(np.float64, copy=False)
        summary = self._baseline.summarise(columns, matrix, outputs)
        self.counts = self.counts.merged(HourlySummary(summary))

    def answered_cold(self, customers: int) -> None:
        """Count customers whom the cold-start model has answered."""
        if self._baseline and self.counts:
            more = HourlySummary(self._baseline.empty(), cold_start=customers)
            self.counts = self.counts.merged(more)

    def rejected(self, reasons: pl.DataFrame) -> None:
        """Count the reasons of rows that were refused."""
        if self._baseline is None or self.counts is None or not len(reasons):
            return
        told = count_by_reason(dict(reasons[REASONS].value_counts().iter_rows()), self._named)
        self.counts = self.counts.merged(HourlySummary(self._baseline.empty().with_rejected(told)))
