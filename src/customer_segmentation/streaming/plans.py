"""A plan of Polars that is built once and run over one table after another.

For a few rows, building the expressions of the rules takes five times as long as running them.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl


class Plan:
    """What is made of any table with these columns.

    Args:
        columns: Of the tables.
        build: Makes the plan.
    """

    def __init__(self, columns: pl.Schema, build: Callable[[pl.LazyFrame], pl.LazyFrame]) -> None:
        self._table = pl.DataFrame(schema=columns)
        source = pl.defer(self._current, schema=columns, validate_schema=False)
        self._plan = build(source)

    def _current(self) -> pl.DataFrame:
        return self._table

    def __call__(self, table: pl.DataFrame) -> pl.DataFrame:
        """The same of this table."""
        self._table = table
        try:
            # Made for tables of a few rows up to some ten thousand: looking for a better plan takes
            # longer than it saves.
            return self._plan.collect(engine="in-memory", optimizations=pl.QueryOptFlags.none())
        finally:
            self._table = table.clear()
