"""What the customers of a stream look like, in counts by hour.

Those whom events change are counted, once their transaction lasts: a kill loses what was not yet
written, and nothing is counted twice. When another day or champion has all customers answered anew,
they are not counted: nobody has sent them.
"""

from __future__ import annotations

import logging

import narwhals as nw
import numpy as np
import polars as pl

from customer_segmentation.bundles.bundle import BASELINE, StoredBundle
from customer_segmentation.customers.matrix import numeric_expressions
from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.collecting import Answered, Collector
from customer_segmentation.monitoring.hourly import count_by_reason, hours_of
from customer_segmentation.monitoring.stored import baseline_of
from customer_segmentation.monitoring.summary import Baseline
from customer_segmentation.schema.schema import Schema

_log = logging.getLogger(__name__)
_END_SECONDS = 3.0
_OUTPUTS = {"segment_id": "segment", "margin": "margin"}


class StreamCounts:
    """Counts the customers whom a stream answers.

    Args:
        tables: The root of the environment's tables.
        schema: Of the customers.
    """

    def __init__(self, tables: str, schema: Schema) -> None:
        self._root, self._schema = f"{tables}/monitoring", schema
        # Those of an order line, and of a customer.
        self._named = frozenset({*schema.rows.columns, *schema.columns})
        self._baseline: Baseline | None = None
        # None until there is something to be compared with.
        self._collector: Collector | None = None
        self._last_error = ""

    def use(self, bundle: StoredBundle, version: str) -> None:
        """Compare with what this champion learned from."""
        self._baseline, why = baseline_of(bundle.files.get(BASELINE), version)
        if not why and self._collector is None:
            try:
                self._collector = Collector(self._root, "stream", hours_of())
                self._collector.start()
            except UserError as error:
                why = str(error)
        if why:
            _log.warning("answers are not counted: %s", why)

    def answered(self, customers: pl.DataFrame, answers: pl.DataFrame, refused: pl.Series) -> None:
        """Count the customers of a batch; what fails is said, and keeps nobody from going on.

        Args:
            customers: As in `silver_customers`.
            answers: As in `gold_segments`, of the same.
            refused: The reasons of each event that was refused.
        """
        if self._baseline is None or self._collector is None:
            return
        try:
            reasons = dict(refused.value_counts().iter_rows())
            if told := count_by_reason(reasons, self._named):
                self._collector.put(Answered(self._baseline, rejected=told))
            if len(customers):
                self._collector.put(self._answered(self._baseline, customers, answers))
        except Exception as error:  # noqa: BLE001 - no answer depends on it
            # What a library says may hold what a customer sent.
            if type(error).__name__ != self._last_error:
                _log.error("customers are not counted (%s)", type(error).__name__)
            self._last_error = type(error).__name__

    def _answered(
        self, baseline: Baseline, customers: pl.DataFrame, answers: pl.DataFrame
    ) -> Answered:
        known = [name for name in self._schema.columns if name in customers.columns]
        expressions = numeric_expressions(self._schema, known)
        columns = {name: each for name, each in expressions.items() if name in baseline.bins}
        matrix = nw.from_native(customers).select(**columns).to_numpy()
        outputs = {
            output: answers[name].to_numpy()
            for name, output in _OUTPUTS.items()
            if name in answers.columns
        }
        return Answered(baseline, (*columns,), matrix.astype(np.float64, copy=False), outputs)

    def end(self) -> None:
        """Write what is counted, for some seconds at most."""
        if self._collector and not self._collector.end(_END_SECONDS):
            _log.warning("the last counts of monitoring could not be written in time")
