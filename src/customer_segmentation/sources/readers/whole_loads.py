"""Whole loads of documents: kept aside until all is read, landed unless they are as before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import CHANGE, PUT, Arrival, Position
from customer_segmentation.sources.header import refuse_names
from customer_segmentation.sources.readers.documents import Cells, Flattening, named, tables
from customer_segmentation.sources.scratch import scratch_folder

# In the position: what the load holds.
DIGEST = "digest"
# Two hashes of 64 bits: chance does not make loads equal.
_SEEDS = (1, 2)


@dataclass
class _Load:
    """The pieces of a load in a folder.

    Attributes:
        folder: Where they are.
        rows: How many.
        columns: Of any row, in the order of their appearance.
        filled: Those with a cell that is not ''.
        files: One a piece.
    """

    folder: Path
    rows: int = 0
    columns: dict[str, None] = field(default_factory=dict)
    filled: set[str] = field(default_factory=set)
    files: list[Path] = field(default_factory=list)

    def keep(self, rows: Iterable[Cells], columns: Sequence[str]) -> None:
        """Write all rows to the folder.

        Raises:
            UserError: It has no room for them.
        """
        for _, piece in tables(self._noted(rows), columns):
            self.files.append(self.folder / f"{len(self.files)}.parquet")
            self.rows += len(piece)
            for name in piece.column_names:
                if name not in self.filled and pc.any(pc.not_equal(piece[name], "")).as_py():
                    self.filled.add(name)
            try:
                parquet.write_table(piece, self.files[-1], compression="lz4")
            except OSError as error:
                raise UserError(
                    f"{self.folder.parent}: the rows of a whole load cannot be kept there until "
                    f"all are read ({error}). Make room, or set TMPDIR to a folder that has it."
                ) from error

    def _noted(self, rows: Iterable[Cells]) -> Iterator[tuple[None, Cells]]:
        for cells in rows:
            if not cells.keys() <= self.columns.keys():
                self.columns |= dict.fromkeys(cells)
            yield None, cells

    def pieces(self, headers: Sequence[str]) -> Iterator[tuple[pa.Table, bool]]:
        """Each piece with all headers, and whether it is the last."""
        for file in self.files:
            piece = parquet.read_table(file)
            empty = pa.array([""] * len(piece), pa.string())
            has = piece.column_names
            made = {name: piece[name] if name in has else empty for name in headers}
            if CHANGE in has:
                made[CHANGE] = piece[CHANGE]
            yield pa.table(made), file == self.files[-1]

    def digest(self, headers: Sequence[str]) -> str:
        """Of the headers and the rows, in whatever order they came."""
        import polars as pl  # noqa: PLC0415 - only where a database is a source

        sums = [0 for _ in _SEEDS]
        for piece, _ in self.pieces(headers):
            frame = pl.DataFrame(piece)
            if CHANGE not in frame.columns:
                frame = frame.with_columns(pl.lit(PUT).alias(CHANGE))
            for place, seed in enumerate(_SEEDS):
                # Sums of 64 bits would run over.
                sums[place] += int(frame.hash_rows(seed).cast(pl.Int128).sum())
        told = "\0".join([f"{self.rows}", *(f"{each % (1 << 64):x}" for each in sums), *headers])
        return hashlib.sha256(told.encode()).hexdigest()


def whole_load(
    name: str,
    rows: Iterable[Cells],
    flattening: Flattening,
    since: Position | None,
    position: Mapping[str, Any] | None = None,
) -> Iterator[Arrival]:
    """All rows of a source as one whole load, or nothing if they are those of the last load.

    They are kept in a temporary folder of this machine until all are read, so that a source that
    breaks off half way lands nothing.

    Args:
        name: Of the source, for people.
        rows: All that it holds.
        flattening: Of its documents.
        since: Of the last arrival.
        position: What else is to be recorded.

    Raises:
        UserError: There is no row, or no row has a column that is asked for.
    """
    with scratch_folder("whole-load") as folder:
        load = _Load(folder)
        load.keep(rows, flattening.headers)
        headers = tuple(flattening.headers or named(load.columns, load.filled))
        _check(name, load, headers)
        digest = load.digest(headers)
        if since and since.get(DIGEST) == digest:
            return
        told = {DIGEST: digest, **(position or {})}
        for piece, is_last in load.pieces(headers):
            yield Arrival(piece, told, is_whole=True, is_last=is_last)


def _check(name: str, load: _Load, headers: tuple[str, ...]) -> None:
    if not load.rows:
        raise UserError(f"{name}: it holds no row. Nothing is landed.")
    refuse_names(name, headers)
    if missing := [header for header in headers if header not in load.columns]:
        raise UserError(f"{name}: no row has {missing}. Leave them out of the columns.")
