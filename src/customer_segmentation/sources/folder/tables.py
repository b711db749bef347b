"""One file of a landing folder as a table of text, read to its end before any row is used."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import ipc

from customer_segmentation.sources.content import Content
from customer_segmentation.sources.landing import open_tables
from customer_segmentation.sources.limits import MAX_BATCH
from customer_segmentation.sources.packed import GZIP, PARQUET, ZIP

_AT_ONCE = 1 << 20
_LINE_ENDS = (b"\n", b"\r", b"\n\0", b"\r\0", b"\n\0\0\0")


@dataclass(frozen=True)
class FileTable:
    """What a file holds.

    Attributes:
        headers: As sent.
        rows: How many.
        size: In bytes, as Arrow holds them.
        notes: Assumptions made while reading, in sentences.
        held: The cells of a small file.
        spilled: Where those of a large one lie until they are landed.
    """

    headers: tuple[str, ...]
    rows: int
    size: int
    notes: tuple[str, ...]
    held: tuple[pa.RecordBatch, ...]
    spilled: Path | None

    def batches(self) -> Iterator[pa.Table]:
        """The cells in order, in pieces of bounded size."""
        if self.spilled is None:
            yield from (pa.Table.from_batches([batch]) for batch in self.held)
            return
        # Not mapped: the next file is read into the same place.
        with pa.OSFile(str(self.spilled)) as file, ipc.open_stream(file) as stream:
            for batch in stream:
                yield pa.Table.from_batches([batch])


def copied(files: Any, path: str, copy: Path) -> str:  # noqa: ANN401 - fsspec ships no types
    """Copy a file to this machine, since it may change while it is read; gives its SHA-256."""
    with files.open(path, "rb") as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target, _AT_ONCE)
    with copy.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def ends_in_line(copy: Path) -> bool:
    """Whether a file of text ends in a line end; other kinds tell by themselves if they are cut."""
    with copy.open("rb") as file:
        if file.read(len(ZIP)) in {ZIP, PARQUET} or _is_gzip(file):
            return True
        file.seek(max(0, file.seek(0, 2) - len(_LINE_ENDS[-1])))
        return file.read().endswith(_LINE_ENDS)


def read_table(copy: Path, name: str, encoding: str, sheet: str | None) -> FileTable:
    """Read all cells of a file.

    Args:
        copy: Of the file, on this machine; the cells are written beside it.
        name: Of the file, for messages.
        encoding: Of text without a byte-order mark.
        sheet: The sheet to read of a workbook.

    Raises:
        UserError: It is no table, is damaged, or exceeds a limit.
    """
    tables, skipped = open_tables([Content(name, partial(_opened, copy), encoding, sheet)])
    headers = next(iter(tables.values())).headers
    batches = (batch for table in tables.values() for batch in table.batches(headers))
    held, size = list[pa.RecordBatch](), 0
    for batch in batches:
        held.append(batch)
        size += batch.nbytes
        if len(held) > 1 and size > MAX_BATCH:
            break
    rows, spilled = sum(map(len, held)), None
    if (more := next(batches, None)) is not None:
        spilled = copy.with_name(f"{copy.name}.cells")
        with ipc.new_stream(str(spilled), more.schema) as stream:
            for batch in held:
                stream.write_batch(batch)
            for batch in chain([more], batches):
                stream.write_batch(batch)
                rows, size = rows + len(batch), size + batch.nbytes
        held = []
    notes = [note for table in tables.values() for note in table.notes]
    notes += [f"{each} was not read: {why}" for each, why in skipped.items()]
    return FileTable(headers, rows, size, tuple(notes), tuple(held), spilled)


def _opened(path: Path) -> BinaryIO:
    return path.open("rb")


def _is_gzip(file: BinaryIO) -> bool:
    file.seek(0)
    return file.read(len(GZIP)) == GZIP
