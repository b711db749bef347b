"""What lines come to on one day."""

from __future__ import annotations

from datetime import date, timedelta

import narwhals as nw
import polars as pl

from customer_segmentation.customers.orders import aggregate_lines
from customer_segmentation.schema.parts import AS_OF, KEY, SAMPLE_KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.streaming.packing import IS_APART, Packing
from customer_segmentation.streaming.plans import Plan
from customer_segmentation.streaming.reading import day_reasons, on_day

# A line is kept for so many days after the window, for what corrects its day.
GRACE_DAYS = 31
# A day further than that ahead is taken for a clock that is wrong.
MAX_AHEAD_DAYS = 31


class Day:
    """A day, and what counts on it.

    Args:
        schema: Of the customers.
        as_of: The day.
        packing: How their lines are kept.
    """

    def __init__(self, schema: Schema, as_of: date, packing: Packing) -> None:
        self.as_of = as_of
        self._schema = schema.on(as_of)
        self._dates = packing.dates
        self._names = [*schema.rows.columns]
        columns = packing.unpacked([]).schema
        self._counting = Plan(columns, self._counted)
        self._telling = Plan(pl.Schema({name: columns[name] for name in self._names}), self._told)

    @property
    def is_coming(self) -> pl.Expr:
        """Whether an event is of a later day."""
        dates = [pl.col(name) > self.as_of for name in self._dates]
        return pl.any_horizontal(*dates).fill_null(value=False) if dates else pl.lit(value=False)

    @property
    def lasts(self) -> pl.Expr:
        """Whether a line counts, or may change what counts."""
        if not self._schema.orders:
            return pl.lit(value=True)
        grace = GRACE_DAYS if self._schema.events.id else 0
        return pl.col(self._schema.time) >= self._schema.first_day - timedelta(days=grace)

    def added_up(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Customers as in `silver_customers`, as a batch makes them of these lines."""
        return self._counting(lines)

    def with_reasons(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows with the reasons why they do not count on the day, '' of the others."""
        return rows.hstack(self._telling(rows.select(self._names)))

    def _counted(self, lines: pl.LazyFrame) -> pl.LazyFrame:
        counted = lines.filter(~pl.col(IS_APART))
        if removed := self._schema.events.removed:
            counted = counted.filter(pl.col(removed).fill_null(0.0) != 1.0)
        rows = on_day(nw.from_native(counted.select(self._names)), self._schema)
        if self._schema.orders:
            made = aggregate_lines(rows, self._schema)
        else:
            made = rows.select(*self._names, AS_OF, SAMPLE_KEY).sort(KEY)
        found: pl.LazyFrame = made.to_native()
        return found

    def _told(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        found: pl.LazyFrame = nw.from_native(rows).select(day_reasons(self._schema)).to_native()
        return found
