"""The one text Parquet that every source becomes.

It has the headers as sent, every cell as text, `source_name`, `source_sha256`, `row_number` from 1
through all files, and `source_file` where there are several.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from fsspec.core import url_to_fs

from customer_segmentation.customers.account import printable
from customer_segmentation.customers.quarantine import PROVENANCE, ROW_NUMBER
from customer_segmentation.sources.cells import Cells
from customer_segmentation.sources.header import SOURCE_FILE

_MAX_NAMED = 12
# In the Parquet's own metadata, as JSON.
METADATA = "customer_segmentation.landed"


@dataclass(frozen=True)
class Landed:
    """What was landed, as the Parquet's own metadata says it too.

    Attributes:
        name: Of the file, or of the folder that holds several.
        sha256: Of the bytes of all files as sent, in the order of their names.
        headers: As sent.
        files: Name and rows of each table that was read.
        skipped: Name of each file that was not, and why.
        notes: What was taken for granted, in sentences.
    """

    name: str
    sha256: str
    headers: tuple[str, ...]
    files: tuple[tuple[str, int], ...]
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """In all files."""
        return sum(rows for _, rows in self.files)

    @property
    def columns(self) -> list[str]:
        """What every engine gives: the headers and where each row came from."""
        return [*self.headers, *PROVENANCE]


def landed_lines(landed: Landed) -> list[str]:
    """What a person should know of a landing: of several files each, and what was not read."""
    lines = []
    if len(landed.files) > 1:
        files = [f"{printable(name)} ({rows:,} rows)" for name, rows in landed.files[:_MAX_NAMED]]
        more = len(landed.files) - len(files)
        lines.append(f"Files read: {', '.join(files)}" + (f" and {more} more" if more else ""))
    lines += [f"Warning: {printable(name)} was not read: {why}" for name, why in landed.skipped]
    return [*lines, *(f"Warning: {note}" for note in landed.notes)]


def read_landed(path: str) -> Landed:
    """What was landed in a Parquet, by its own word.

    Args:
        path: A path, or a URL of a file system that fsspec knows.
    """
    from pyarrow import parquet  # noqa: PLC0415 - commands that read no data need not load it

    filesystem, place = url_to_fs(path)
    with filesystem.open(place, "rb") as file:
        found = json.loads(parquet.read_metadata(file).metadata[METADATA.encode()])
    pairs = {name: tuple(map(tuple, found.pop(name))) for name in ("files", "skipped")}
    return Landed(**{**found, **{n: tuple(found[n]) for n in ("headers", "notes")}, **pairs})


def write(
    tables: dict[str, Cells],
    target: Path,
    *,
    name: str,
    sha256: str,
    skipped: tuple[tuple[str, str], ...] = (),
) -> Landed:
    """Write tables with the same headers as one Parquet.

    Args:
        tables: By name, in order.
        target: Where to.
        name: Of the source.
        sha256: Of its bytes as sent.
        skipped: What was not read, and why.
    """
    import pyarrow as pa  # noqa: PLC0415 - commands that read no data need not load it
    from pyarrow import parquet  # noqa: PLC0415 - as above

    headers = next(iter(tables.values())).headers
    schema = pa.schema([(each, pa.string()) for each in (*headers, *PROVENANCE)])
    schema = schema.set(len(headers) + 2, pa.field(ROW_NUMBER, pa.int64()))
    if len(tables) > 1:
        schema = schema.append(pa.field(SOURCE_FILE, pa.string()))
    rows = dict.fromkeys(tables, 0)
    with parquet.ParquetWriter(target, schema, compression="zstd") as writer:
        for file, cells in tables.items():
            for batch in cells.batches(headers):
                count, before = len(batch), sum(rows.values())
                added = [
                    pa.repeat(name, count),
                    pa.repeat(sha256, count),
                    pa.arange(before + 1, before + 1 + count),
                    pa.repeat(file, count),
                ]
                columns = [*batch.columns, *added][: len(schema)]
                writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
                rows[file] += count
        notes = tuple(note for cells in tables.values() for note in cells.notes)
        landed = Landed(name, sha256, headers, tuple(rows.items()), skipped, notes)
        writer.add_key_value_metadata({METADATA: json.dumps(asdict(landed))})
    return landed
