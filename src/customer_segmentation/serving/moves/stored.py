"""The last moves of customers between segments, as a stream records them in `gold_moves`.

The table is appended to each second or so: only what is new of it is read, from its newest end.
"""

from __future__ import annotations

from datetime import date
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

import fsspec
import msgspec

from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import AS_OF
from customer_segmentation.serving.bundle import file_state
from customer_segmentation.serving.commits import LOG, Commit, Commits
from customer_segmentation.serving.paced import Paced

# Moves that are kept in memory.
KEPT = 1_000
# Files of the newest end that are read at first.
_FILES = 50


class Move(msgspec.Struct, gc=False):
    """A customer who is in another segment than before.

    `cause`: `entered` of a first answer, which comes from no segment; `left` of who is no customer
    any more; else `data`, `model` or `both`: what made the difference. `as_of`: the day of the
    answer. `recorded_at` is UTC.
    """

    customer_id: str
    from_segment: str | None
    from_name: str | None
    to_segment: str | None
    to_name: str | None
    cause: str
    as_of: date
    artifact_version: str
    recorded_at: str


class StoredMoves:
    """Follows a table of moves that grows.

    Args:
        path: A folder of Parquet files or a Delta table's folder, as a path or a URL; it may not
            exist yet.
    """

    def __init__(self, path: str) -> None:
        self._path = path.rstrip("/")
        self._files, self._root = fsspec.core.url_to_fs(self._path)
        self._look = Paced(self._follow)
        self._seen: dict[str, str] = {}
        self._commits = Commits(self._files, self._root)
        # Of a Delta table: the commit that was read last.
        self._commit: Commit | None = None
        self._moves: tuple[Move, ...] = ()

    def latest(self) -> tuple[Move, ...]:
        """The last thousand moves, the newest first.

        Raises:
            FileNotFoundError: Nobody has moved yet, or nothing tells of it.
            UserError: The table cannot be read.
        """
        return self._look()

    def _follow(self) -> tuple[Move, ...]:
        self._files.invalidate_cache()
        before = self._seen, self._commit, self._moves
        try:
            new = self._new_of_delta() if self._is_delta() else self._new_parts()
            if new:
                known = [*_read([f"{self._path}/{name}" for name in new]), *self._moves]
                known.sort(key=lambda move: (move.recorded_at, move.customer_id), reverse=True)
                self._moves = tuple(known[:KEPT])
        except BaseException:
            # What could not be read is new the next time too.
            self._seen, self._commit, self._moves = before
            raise
        if not self._moves:
            raise FileNotFoundError(self._path)
        return self._moves

    def _is_delta(self) -> bool:
        return self._commit is not None or bool(self._files.exists(f"{self._root}/{LOG}"))

    def _new_parts(self) -> list[str]:
        files = self._files.ls(self._root, detail=True)
        states = {PurePosixPath(file["name"]).name: file_state(file) for file in files}
        found = {name: state for name, state in states.items() if name.endswith(".parquet")}
        if not self._seen.items() <= found.items():
            # Somebody was forgotten, or the table was made anew.
            self._seen, self._moves = {}, ()
        new = sorted(found.keys() - self._seen.keys())[-_FILES:]
        self._seen = found
        return new

    def _new_of_delta(self) -> list[str]:
        last, before = self._commits.last(), self._commit
        self._commit = last
        if before is None or before.era != last.era:
            return self._newest_of_delta()
        new: list[str] = []
        for version in range(before.version + 1, last.version + 1):
            actions = self._commits.actions(version)
            if len(new) > _FILES or any(_is_change(each.get("remove")) for each in actions):
                # Far behind; or somebody was forgotten, and must not be told of from memory.
                return self._newest_of_delta()
            new += [unquote(each["add"]["path"]) for each in actions if _is_change(each.get("add"))]
        return new

    def _newest_of_delta(self) -> list[str]:
        """The newest files of the table as of its last commit, in place of all that is known."""
        from deltalake import DeltaTable  # noqa: PLC0415 - 50 MB that only streams need

        self._moves = ()
        version = self._commit.version if self._commit else None
        table = DeltaTable(self._path, version=version)
        import pyarrow as pa  # noqa: PLC0415 - only where there is a Delta table

        files = pa.table(table.get_add_actions(flatten=True)).to_pydict()
        pairs = zip(files["modification_time"], files["path"], strict=True)
        return [path for _, path in sorted(pairs)[-_FILES:]]


def _is_change(action: dict[str, Any] | None) -> bool:
    """Whether an action of a commit changes rows: one that only puts files together does not."""
    return action is not None and bool(action.get("dataChange", True))


def _read(files: list[str]) -> list[Move]:
    import polars as pl  # noqa: PLC0415 - 40 MB that few requests need

    names = Move.__struct_fields__
    try:
        rows = (
            pl.scan_parquet(files, glob=False, missing_columns="raise", extra_columns="ignore")
            .select(*(pl.col(name) for name in names))
            .with_columns(pl.col(AS_OF).cast(pl.Date))
            .collect()
        )
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        # Its message could tell of customers in the log.
        message = f"{files[-1]}: the moves cannot be read ({type(error).__name__})"
        raise UserError(message) from None
    return [Move(**row) for row in rows.to_dicts()]
