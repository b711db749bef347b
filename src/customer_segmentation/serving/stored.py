"""The stored answers of the last batch run, by customer.

`gold_segments` is sorted by key, so that Polars reads only the part of the file that may hold the
customer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

import fsspec

from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.serving.bundle import file_state
from customer_segmentation.serving.commits import Commit, Commits
from customer_segmentation.serving.paced import Paced
from customer_segmentation.serving.validation import LONGEST_KEY
from customer_segmentation.tables.schemas import ARTIFACT_VERSION

if TYPE_CHECKING:
    import polars as pl
    from deltalake import DeltaTable

# Of a table without versions, which another program wrote.
UNKNOWN_VERSION = "unknown"
# Not part of an answer.
_ID = "segment_id"
_KEPT = 10_000


@dataclass(frozen=True)
class SegmentCounts:
    """The stored answers of a segment: their number, the most frequent offer and its share of 1."""

    customers: int
    offer: str | None
    offer_share: float | None


@dataclass(frozen=True, eq=False)
class Summary:
    """All stored answers: their number, their artifact (or artifacts), and segments by key.

    `state` changes when the table does.
    """

    state: str
    customers: int
    artifact_version: str
    segments: dict[str, SegmentCounts]


def with_champion_note(stored: dict[str, Any], champion: str) -> dict[str, Any]:
    """A stored answer, with a note if it is not the champion's.

    Args:
        stored: The stored answer.
        champion: The version of the artifact in use.
    """
    version = stored.get(ARTIFACT_VERSION) or UNKNOWN_VERSION
    if version == champion:
        return stored
    note = (
        f"artifact {version} gave this answer, and {champion} is the champion: the last batch run "
        "was a trial, or is older than the champion. A whole kedro run that promotes what it "
        "learned brings the two together"
    )
    return {**stored, "champion_version": champion, "note": note}


class StoredTable:
    """A table of a batch run, read by Polars.

    Args:
        path: A Parquet file or a Delta table's folder, as a path or a URL; it may not exist yet.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._files, self._root = fsspec.core.url_to_fs(path)
        self._is_file = path.endswith(".parquet")
        self._commits = Commits(self._files, self._root)
        self._opening = Lock()
        self._opened: tuple[Commit, DeltaTable] | None = None

    def state(self) -> str:
        """A text that changes when the table does.

        Raises:
            FileNotFoundError: There is no table yet.
        """
        if not self._is_file:
            return self._commits.last().state
        self._files.invalidate_cache()
        return file_state(self._files.info(self._root))

    def scan(self) -> pl.LazyFrame:
        """Its rows, none of which is read yet."""
        import polars as pl  # noqa: PLC0415 - 40 MB that few requests need

        return pl.scan_parquet(self.path) if self._is_file else pl.scan_delta(self._current())

    def _current(self) -> DeltaTable:
        """The table as of now: it is opened once, and then only its new commits are read."""
        from deltalake import DeltaTable  # noqa: PLC0415 - 50 MB that few requests need

        last = self._commits.last()
        with self._opening:
            if self._opened is None or self._opened[0].era != last.era:
                self._opened = last, DeltaTable(self.path)
            elif self._opened[0] != last:
                self._opened[1].update_incremental()
                self._opened = last, self._opened[1]
            return self._opened[1]


class StoredAnswers:
    """Looks customers up in `gold_segments`, with a cache of ten thousand.

    Args:
        path: A Parquet file or a Delta table's folder, as a path or a URL; it may not exist yet.
    """

    def __init__(self, path: str) -> None:
        self._table = StoredTable(path)
        self._find = lru_cache(maxsize=_KEPT)(self._read_row)
        self._summary = lru_cache(maxsize=1)(self._summarise)
        self._newest = lru_cache(maxsize=1)(self._newest_day)
        self._paced = Paced(lambda: self._newest(self._table.state()))

    def find(self, customer_id: str) -> tuple[dict[str, Any] | None, str]:
        """The answer for a customer, or None; and the state of the table.

        Raises:
            FileNotFoundError: No batch run has stored answers yet.
            UserError: The table cannot be read.
        """
        state = self._table.state()
        # A cache of long ids would take hundreds of MB.
        find = self._find if len(customer_id) <= LONGEST_KEY else self._read_row
        return find(customer_id, state), state

    def summary(self) -> Summary | None:
        """The summary of all answers, computed once per state; None for an empty table.

        Raises:
            FileNotFoundError: No batch run has stored answers yet.
        """
        return self._summary(self._table.state())

    def newest(self) -> date | None:
        """The newest day of the answers; None where there are none, or they cannot be read."""
        try:
            return self._paced()
        except Exception:  # noqa: BLE001 - a store may raise anything, and its reader says what
            return None

    def _newest_day(self, _state: str) -> date | None:
        import polars as pl  # noqa: PLC0415 - as above

        day = self._table.scan().select(pl.col(AS_OF).max().cast(pl.Date)).collect().item()
        return day if isinstance(day, date) else None

    def _summarise(self, state: str) -> Summary | None:
        import polars as pl  # noqa: PLC0415 - as above

        table = self._table.scan()
        names = table.collect_schema().names()
        # Without channels in the data there are no offers.
        absent = [name for name in ("offer", ARTIFACT_VERSION) if name not in names]
        table = table.with_columns(pl.lit(None, pl.String).alias(name) for name in absent)
        by = ["segment", "offer", pl.col(ARTIFACT_VERSION).fill_null(UNKNOWN_VERSION)]
        rows = table.group_by(by).len().sort("len", "offer", descending=True).collect().to_dicts()
        if not rows:
            return None
        segments = {}
        for key in {row["segment"] for row in rows}:
            own = [row for row in rows if row["segment"] == key]
            count = sum(row["len"] for row in own)
            share = own[0]["len"] / count if "offer" in names else None
            segments[key] = SegmentCounts(count, own[0]["offer"], share)
        versions = ", ".join(sorted({row[ARTIFACT_VERSION] for row in rows}))
        return Summary(state, sum(row["len"] for row in rows), versions, segments)

    def _read_row(self, customer_id: str, _state: str) -> dict[str, Any] | None:
        """The row of a customer; the state is part of the cache key."""
        import polars as pl  # noqa: PLC0415 - as above

        row = self._table.scan().filter(pl.col(KEY) == customer_id).drop(_ID)
        try:
            rows = row.with_columns(pl.col(AS_OF).cast(pl.Date)).collect().to_dicts()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            # Its message would repeat the customer's id in the log.
            path, kind = self._table.path, type(error).__name__
            message = f"{path}: the stored answers cannot be read ({kind}). Run kedro run."
            raise UserError(message) from None
        return rows[0] if rows else None
