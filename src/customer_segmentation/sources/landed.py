"""The text Parquet file that every source becomes.

It has the headers as sent, every cell as text, `source_name`, `source_sha256`, `row_number` from 1
across all files, and `source_file` if there are several.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from customer_segmentation.customers.account import listed, printable
from customer_segmentation.customers.quarantine import (
    PROVENANCE,
    ROW_NUMBER,
    SOURCE_HASH,
    SOURCE_NAME,
)
from customer_segmentation.sources.cells import Cells
from customer_segmentation.sources.header import SOURCE_FILE

# In the Parquet's own metadata, as JSON.
METADATA = "customer_segmentation.landed"


@dataclass(frozen=True)
class Landed:
    """What was landed; also kept in the metadata of the Parquet file.

    Attributes:
        name: Of the file or folder.
        sha256: Of the bytes of all files as sent, in the order of their names.
        headers: As sent.
        files: Name and rows of each table that was read.
        skipped: Name of each file that was not read, and why.
        notes: Assumptions made while reading, in sentences.
        added: What stands beside the provenance of every row.
    """

    name: str
    sha256: str
    headers: tuple[str, ...]
    files: tuple[tuple[str, int], ...]
    skipped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    added: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """The number of rows in all files."""
        return sum(rows for _, rows in self.files)

    @property
    def columns(self) -> list[str]:
        """The columns that every engine gives: the headers, and where each row came from."""
        return [*self.headers, *PROVENANCE, *self.added]

    def lines(self) -> list[str]:
        """What a person should know: the rows per file, and what was not read."""
        lines = []
        if len(self.files) > 1:
            files = (f"{name} ({rows:,} rows)" for name, rows in self.files)
            lines.append(f"Files read: {listed(files)}")
        lines += [f"Warning: {printable(name)} was not read: {why}" for name, why in self.skipped]
        return [*lines, *(f"Warning: {note}" for note in self.notes)]


def write(  # noqa: PLR0913 - what is told of a source
    tables: dict[str, Cells],
    target: Path,
    *,
    name: str,
    sha256: str,
    skipped: Mapping[str, str] | None = None,
    notes: Callable[[], Iterable[str]] = tuple,
) -> Landed:
    """Write tables with the same headers as one Parquet file.

    Args:
        tables: By name, in order.
        target: The file to write.
        name: Of the source.
        sha256: Of its bytes as sent.
        skipped: Files that were not read, and why.
        notes: Gives more notes, once all rows were read.
    """
    headers = next(iter(tables.values())).headers
    fields = [(each, pa.string()) for each in (*headers, SOURCE_NAME, SOURCE_HASH)]
    fields.append((ROW_NUMBER, pa.int64()))
    if len(tables) > 1:
        fields.append((SOURCE_FILE, pa.string()))
    schema = pa.schema(fields)
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
        of_tables = [note for cells in tables.values() for note in cells.notes]
        left = tuple((skipped or {}).items())
        landed = Landed(name, sha256, headers, tuple(rows.items()), left, (*of_tables, *notes()))
        writer.add_key_value_metadata({METADATA: json.dumps(asdict(landed))})
    return landed
