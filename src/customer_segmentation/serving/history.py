"""Where a customer was on each day that the history tells of.

Each statement is sorted by customer, so that Polars reads one small group of rows of each file.
"""

from __future__ import annotations

import hashlib
from datetime import date
from functools import lru_cache
from pathlib import PurePosixPath

import fsspec
import msgspec

from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.serving.bundle import file_state
from customer_segmentation.serving.validation import LONGEST_KEY
from customer_segmentation.tables.history import (
    RECORDED_AT,
    Statement,
    changes_in_force,
    in_force,
    statement_of,
    statements_in,
)

_KEPT = 1_000
_LOG = "_delta_log"


class Snapshot(msgspec.Struct, gc=False):
    """Where a customer was on a day, and which run said so.

    `margin` has four digits; it is null for whom no segment could be told. `recorded_at` is UTC.
    """

    as_of: date
    segment: str
    segment_name: str
    runner_up: str
    margin: float | None
    artifact_version: str
    run_id: str
    recorded_at: str


class StoredHistory:
    """Looks customers up in `gold_history`, with a cache of a thousand.

    Args:
        path: A folder of Parquet files or a Delta table's folder, as a path or a URL; it may not
            exist yet.
    """

    def __init__(self, path: str) -> None:
        self._path = path.rstrip("/")
        self._files, self._root = fsspec.core.url_to_fs(self._path)
        self._find = lru_cache(maxsize=_KEPT)(self._read)
        self._last: tuple[str, tuple[Statement, ...] | None] = ("", None)
        self._of_delta = lru_cache(maxsize=1)(self._read_statements)

    def find(self, customer_id: str, known_on: date | None = None) -> tuple[list[Snapshot], str]:
        """A customer's snapshots, the newest first, and the state of the history.

        A snapshot that a later run of the same day replaced is not told.

        Args:
            customer_id: The key.
            known_on: Only what had been recorded by the end of that day, in UTC.

        Raises:
            FileNotFoundError: There is no history yet.
            UserError: It cannot be read.
        """
        state, parts = self._state()
        last = self._last
        if state != last[0]:
            # A stream changes the history all the time, and thousands of statements are no small
            # key: one list of them is kept, and none of what was found by earlier ones.
            self._find.cache_clear()
            self._last = last = state, parts
        until = f"{known_on}T24" if known_on else None
        # A cache of long ids would take hundreds of MB.
        find = self._find if len(customer_id) <= LONGEST_KEY else self._read
        return find(customer_id, until, state, last[1]), state

    def _state(self) -> tuple[str, tuple[Statement, ...] | None]:
        """A text that changes when the history does; its statements, or None of a Delta table."""
        self._files.invalidate_cache()
        files = self._files.ls(self._root, detail=True)
        found = {PurePosixPath(file["name"]).name: file for file in files}
        if _LOG in found:
            commits = self._files.ls(f"{self._root}/{_LOG}", detail=False)
            return max(PurePosixPath(name).name for name in commits if name.endswith(".json")), None
        parts = {name: told for name in found if (told := statement_of(name))}
        if not parts:
            raise FileNotFoundError(self._path)
        states = "\n".join(f"{name} {file_state(found[name])}" for name in sorted(parts))
        return hashlib.sha256(states.encode()).hexdigest()[:16], tuple(parts.values())

    def _read(
        self,
        customer_id: str,
        until: str | None,
        state: str,
        parts: tuple[Statement, ...] | None,
    ) -> list[Snapshot]:
        """The snapshots of a customer; the state is part of the cache key."""
        import polars as pl  # noqa: PLC0415 - 40 MB that only this needs

        try:
            said = self._of_delta(state) if parts is None else parts
            told = [*in_force(said, until), *changes_in_force(said, until)]
            if not told:
                return []
            if parts is None:
                table = pl.scan_delta(self._path)
            else:
                names = [f"{self._path}/{statement.part}" for statement in told]
                table = pl.scan_parquet(names, glob=False)
            rows = (
                table.filter(pl.col(KEY) == customer_id)
                .select(pl.col(AS_OF).cast(pl.Date), *Snapshot.__struct_fields__[1:])
                .collect()
                .to_dicts()
            )
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            # Its message would repeat the customer's id in the log.
            message = f"{self._path}: the history cannot be read ({type(error).__name__})"
            raise UserError(message) from None
        shown = {one.recorded_at for one in told}
        rows = [row for row in rows if row[RECORDED_AT] in shown]
        # Of a day, what was recorded last.
        by_day = {row[AS_OF]: row for row in sorted(rows, key=lambda row: row[RECORDED_AT])}
        return [Snapshot(**by_day[day]) for day in sorted(by_day, reverse=True)]

    def _read_statements(self, _state: str) -> tuple[Statement, ...]:
        import narwhals as nw  # noqa: PLC0415 - with Polars
        import polars as pl  # noqa: PLC0415 - as above

        return tuple(statements_in(nw.from_native(pl.scan_delta(self._path))))
