"""Rewrite files and objects without one customer; all else in them stays as it is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow.compute as pc
from pyarrow import parquet

from customer_segmentation.datasets.pending import filesystem_of
from customer_segmentation.retention.places import WRITING
from customer_segmentation.retention.search import Holder, records
from customer_segmentation.retention.sought import Sought


def erase_rows(holder: Holder, sought: Sought) -> None:
    """Write a table anew without their rows: Parquet, CSV or JSON lines."""
    files, path = filesystem_of(holder.place)
    with files.open(path, "rb") as opened:
        is_parquet = opened.read(4) == b"PAR1"
        opened.seek(0)
        _replace(
            files, path, lambda half: (_parquet if is_parquet else _text)(opened, half, sought)
        )


def erase_names(holder: Holder, sought: Sought) -> None:
    """Write a text anew with `[erased]` in place of the id."""
    files, path = filesystem_of(holder.place)
    content = sought.redacted(files.cat_file(path))
    _replace(files, path, lambda target: target.write(content))


def has_rows(place: str) -> bool:
    """Whether a Parquet file has any."""
    files, path = filesystem_of(place)
    with files.open(path, "rb") as opened:
        return int(parquet.read_metadata(opened).num_rows) > 0


def erase_all_rows(place: str) -> None:
    """Write a Parquet file anew without any row; what its schema says stays."""
    files, path = filesystem_of(place)
    with files.open(path, "rb") as opened:
        nothing = parquet.read_schema(opened).empty_table()
    _replace(files, path, lambda target: parquet.write_table(nothing, target))


def erase_version(holder: Holder) -> None:
    """Delete an old version of an object."""
    files, path = filesystem_of(holder.place)
    bucket, _, key = path.partition("/")
    files.call_s3("delete_object", Bucket=bucket, Key=key, VersionId=holder.version)


def _text(opened: BinaryIO, target: BinaryIO, sought: Sought) -> None:
    target.writelines(raw for raw, theirs in records(opened, sought) if not theirs)


def _parquet(opened: BinaryIO, target: BinaryIO, sought: Sought) -> None:
    file = parquet.ParquetFile(opened)
    columns = [file.metadata.row_group(0).column(n) for n in range(file.metadata.num_columns)]
    compression = {column.compression.lower() for column in columns} - {"uncompressed"}
    writer = parquet.ParquetWriter(
        target,
        file.schema_arrow,
        compression=next(iter(compression), "none"),
        # As Spark writes them, and would not read others.
        use_deprecated_int96_timestamps=any(c.physical_type == "INT96" for c in columns),
    )
    with writer:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            theirs = sought.rows(table)
            kept = table if theirs is None else table.filter(pc.invert(theirs))
            writer.write_table(kept, row_group_size=max(len(kept), 1))


def _replace(files: Any, path: str, write: Any) -> None:  # noqa: ANN401 - fsspec's; a writer
    """Write a file under another name, then give it its own: readers see the old or the new one."""
    folder, _, name = path.rpartition("/")
    half = f"{folder}/{WRITING}{name}"
    if "file" not in files.protocol:
        with files.open(f"{half}/{name}", "wb") as target:
            write(target)
        # Copied by the store, in one part, as a run publishes it.
        files.cp_file(f"{half}/{name}", path)
        files.rm_file(f"{half}/{name}")
        return
    written = Path(half) / name
    written.parent.mkdir(exist_ok=True)
    with written.open("wb") as target:
        write(target)
        target.flush()
        os.fsync(target.fileno())
    # Hadoop's own checksum of the content.
    (Path(folder) / f".{name}.crc").unlink(missing_ok=True)
    written.replace(path)
    written.parent.rmdir()
