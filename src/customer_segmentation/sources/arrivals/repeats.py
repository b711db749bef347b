"""Which rows of an arrival stand already as they came."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from customer_segmentation.sources.arrivals.arrival import CHANGE, PUT

if TYPE_CHECKING:
    import polars as pl

# Two hashes of 64 bits: chance does not make rows equal.
_SEEDS = {"landed__hash": 1, "landed__hash_too": 2}


class Standing:
    """The last landing of each row, by its key.

    Args:
        key: The headers by which a row is known.
        tables: What was landed, the oldest first.
    """

    def __init__(self, key: Sequence[str], tables: Iterable[pa.Table]) -> None:
        import polars as pl  # noqa: PLC0415 - only sources that grow need it

        self._key = list(key)
        frames = [self._hashes(rows) for rows in tables]
        self._last = pl.concat(frames).unique(self._key, keep="last") if frames else None

    def without_repeats(self, rows: pa.Table) -> pa.Table:
        """The rows whose last landing has other cells, or that were never landed, in order."""
        if self._last is None:
            return rows
        hashes = self._hashes(rows).with_row_index("landed__place")
        new = hashes.join(self._last, on=[*self._key, *_SEEDS], how="anti", maintain_order="left")
        return rows.take(new["landed__place"].to_arrow())

    def _hashes(self, rows: pa.Table) -> pl.DataFrame:
        import polars as pl  # noqa: PLC0415 - as above

        if CHANGE not in rows.column_names:
            rows = rows.append_column(CHANGE, pa.repeat(PUT, len(rows)))
        frame = pl.DataFrame(rows)
        cells = frame.select(sorted(frame.columns))
        hashes = [cells.hash_rows(seed).alias(name) for name, seed in _SEEDS.items()]
        return frame.select(self._key).with_columns(hashes)
