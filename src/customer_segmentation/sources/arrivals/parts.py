"""The parts of a source: what has arrived so far, appended and never changed.

    00000001.parquet    cells as sent, as text; where from, when, and how far the source is read

A part appears whole, and only if there is none of its number: of two that read the same source at
the same time, one is refused. What a part says of the position is the only record of it, so that
whatever is landed is never read again, and whatever is read is landed.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from fsspec.core import url_to_fs
from pyarrow import parquet

from customer_segmentation.errors import UserError
from customer_segmentation.new_files import put_new
from customer_segmentation.sources.arrivals.arrival import (
    CHANGE,
    PUT,
    REMOVED,
    Arrival,
    Change,
    Part,
    Position,
    Reader,
    RememberingReader,
    Repeats,
    text_table,
)
from customer_segmentation.sources.arrivals.repeats import Standing
from customer_segmentation.sources.header import LANDED, SOURCE_FILE

__all__ = [
    "CHANGE",
    "PUT",
    "REMOVED",
    "Arrival",
    "Change",
    "Part",
    "Parts",
    "Position",
    "Reader",
    "RememberingReader",
    "Repeats",
    "land_arrivals",
    "text_table",
]

# In the Parquet's own metadata, as JSON.
_METADATA = b"customer_segmentation.part"
_NAME = re.compile(r"(\d{8})\.parquet")


class Parts:
    """The parts of one source.

    Args:
        place: Their folder, a path or a URL that fsspec reads; it need not be there yet.
    """

    def __init__(self, place: str) -> None:
        self.place = place.replace("s3a://", "s3://", 1).rstrip("/")
        # Cached listings would miss what other processes write.
        self._files, path = url_to_fs(self.place, use_listings_cache=False)
        self._path = path.rstrip("/")
        self._known: dict[int, Part] = {}

    def all(self) -> list[Part]:
        """Every part, the oldest first.

        Raises:
            UserError: One is missing or is not as this project writes it.
        """
        try:
            paths = self._files.ls(self._path, detail=False)
        except FileNotFoundError:
            self._known = {}
            return []
        names = (_NAME.fullmatch(path.rpartition("/")[2]) for path in paths)
        numbers = sorted(int(name[1]) for name in names if name)
        if numbers != [*range(1, len(numbers) + 1)]:
            gone = min({*range(1, numbers[-1])} - {*numbers})
            raise UserError(f"{self.place}/{gone:08}.parquet is gone: restore it")
        if len(numbers) < len(self._known):
            # Somebody began anew.
            self._known = {}
        for number in numbers:
            if number not in self._known:
                self._known[number] = self._read(number)
        return [self._known[number] for number in numbers]

    def complete(self) -> list[Part]:
        """The parts that stand: the last whole load that has ended, and what came after it."""
        found: list[Part] = []
        open_load: list[Part] = []
        for part in self.all():
            if open_load and (part.begins or part.is_whole != open_load[0].is_whole):
                open_load = []
            open_load.append(part)
            if part.is_last:
                found = [] if part.is_whole else found
                found += open_load
                open_load = []
        return found

    def position(self) -> Position | None:
        """How far the source is read: what is broken off of a whole load does not count."""
        parts = self.all()
        if parts and parts[-1].is_whole and not parts[-1].is_last:
            return None
        return parts[-1].position if parts else None

    def append(self, source: str, arrival: Arrival, *, begins: bool = False) -> Part:
        """Land an arrival; returns once it lasts.

        Args:
            source: Where from, without a secret.
            arrival: What.
            begins: As of `Part`.

        Raises:
            UserError: Another process lands the same source at the same time: nothing has changed.
        """
        number = len(self.all()) + 1
        rows = arrival.rows
        headers = tuple(
            name
            for name in rows.column_names
            if name != SOURCE_FILE and not name.startswith(LANDED)
        )
        part = Part(
            number=number,
            source=source,
            position=arrival.position,
            landed_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            rows=len(rows),
            sha256=arrival.sha256 or _sha256(rows),
            headers=headers,
            is_whole=arrival.is_whole,
            is_last=arrival.is_last,
            notes=arrival.notes,
            begins=begins,
        )
        written = io.BytesIO()
        told = {_METADATA: json.dumps(asdict(part)).encode()}
        parquet.write_table(rows.replace_schema_metadata(told), written, compression="zstd")
        if not put_new(self._files, self._file(number), written.getvalue()):
            raise UserError(
                f"{self.place}: another process lands {source} at the same time: run it once"
            )
        self._known[number] = part
        return part

    def rows(self, part: Part, columns: Sequence[str] | None = None) -> pa.Table:
        """The rows of a part: cells as text, with `CHANGE` where it has removed rows.

        Args:
            part: Of these.
            columns: To read only these, as far as the part has them.
        """
        with self._files.open(self._file(part.number), "rb") as file:
            read = parquet.ParquetFile(file)
            names = read.schema_arrow.names
            wanted = [name for name in columns if name in names] if columns is not None else names
            return read.read(wanted).replace_schema_metadata(None)

    def url(self, part: Part) -> str:
        """Where a part is, for readers of Parquet."""
        return f"{self.place}/{part.number:08}.parquet"

    def _file(self, number: int) -> str:
        return f"{self._path}/{number:08}.parquet"

    def _read(self, number: int) -> Part:
        try:
            with self._files.open(self._file(number), "rb") as file:
                told = json.loads((parquet.read_schema(file).metadata or {})[_METADATA])
            part = Part(**told)
        except (ValueError, TypeError, KeyError, pa.ArrowInvalid) as error:
            message = (
                f"{self.place}/{number:08}.parquet is not as this project wrote it: restore it"
            )
            raise UserError(message) from error
        return replace(part, headers=tuple(part.headers), notes=tuple(part.notes))


def land_arrivals(reader: Reader | RememberingReader, parts: Parts) -> list[Part]:
    """Land all that a source has beyond what is landed; returns the new parts.

    Raises:
        UserError: As of the reader and of `Parts.append`; what was landed before stays.
    """
    before, landed = parts.all(), list[Part]()
    standing: Standing | None = None
    begins = True
    if isinstance(reader, RememberingReader):
        arrivals = reader.read_after(before)
    else:
        arrivals = reader.read(parts.position())
    for arrival in arrivals:
        new = arrival
        if repeats := arrival.repeats:
            if standing is None:
                held = (part for part in before if part.rows and repeats.may_hold(part.position))
                standing = Standing(repeats.key, map(parts.rows, held))
            new = replace(arrival, rows=standing.without_repeats(arrival.rows))
            if not len(new.rows):
                continue
        landed.append(parts.append(reader.name, new, begins=begins and arrival.is_whole))
        begins = arrival.is_last
    return landed


def _sha256(rows: pa.Table) -> str:
    """The hash of the names, and of each column's lengths and bytes; null is ''."""
    digest = hashlib.sha256()
    for name in rows.column_names:
        digest.update(name.encode() + b"\0")
        if len(rows):
            cells = pc.fill_null(rows[name].cast(pa.large_string()), "").combine_chunks()
            _, places, text = cells.buffers()
            ends = np.frombuffer(places, np.int64)[cells.offset :][: len(cells) + 1]
            digest.update(np.diff(ends).tobytes())
            if text:
                digest.update(memoryview(text)[ends[0] : ends[-1]])
    return digest.hexdigest()
