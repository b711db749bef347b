"""Order lines of a posted file, kept until its end and then aggregated as a batch run does."""

from __future__ import annotations

from datetime import datetime, time

import narwhals as nw
import polars as pl

from customer_segmentation.customers.orders import aggregate_lines
from customer_segmentation.customers.quarantine import IS_BROKEN
from customer_segmentation.customers.rules import Rules, canonical_name
from customer_segmentation.schema.parts import AS_OF, SAMPLE_KEY
from customer_segmentation.schema.schema import Schema

# What two lines that repeat each other share: together as good as all their cells.
_SAME = ("checked__first_hash", "checked__second_hash")
_OUTSIDE = "checked__is_outside"


class OrderLines:
    """The lines of a file.

    Args:
        schema: Of the customers.
        rules: Of a line.
    """

    def __init__(self, schema: Schema, rules: Rules) -> None:
        self._schema = schema
        self._outside = rules.problems()[schema.window]
        self._names = {canonical_name(column.name): column.name for column in rules.columns}
        self._kept: list[pl.DataFrame] = []
        self._left_out = self._outside_window = 0

    @property
    def marks(self) -> dict[str, nw.Expr]:
        """What tells repeats, and lines outside the window, from other lines."""
        return {name: nw.col(name) for name in _SAME} | {_OUTSIDE: self._outside}

    @staticmethod
    def hashed(rows: pl.LazyFrame, headers: list[str]) -> pl.LazyFrame:
        """The rows with what repeats share, from all their cells."""
        cells = pl.struct(headers)
        return rows.with_columns(cells.hash(seed).alias(n) for seed, n in enumerate(_SAME))

    def keep(self, checked: pl.DataFrame) -> None:
        """Keep the valid lines of a batch."""
        valid = checked.filter(~pl.col(IS_BROKEN))
        self._kept.append(valid.select(*self._names, *_SAME))
        self._left_out += len(checked) - len(valid)
        self._outside_window += int(checked[_OUTSIDE].sum())

    def customers(self) -> tuple[pl.DataFrame, str]:
        """One row a customer, and what became of the lines in words."""
        every = pl.concat(self._kept)
        once = every.unique(_SAME)
        as_of = pl.lit(datetime.combine(self._schema.as_of, time.min)).alias(AS_OF)
        # No sample is drawn.
        lines = (
            once.rename(self._names).drop(_SAME).with_columns(as_of, pl.lit(0).alias(SAMPLE_KEY))
        )
        made: pl.DataFrame = (
            aggregate_lines(nw.from_native(lines.lazy()), self._schema).collect().to_native()
        )
        told = (
            f"{len(once):,} lines used for {len(made):,} customers, {self._left_out:,} left out "
            f"({self._outside_window:,} of them outside the window), "
            f"{len(every) - len(once):,} repeats removed."
        )
        return made, told
