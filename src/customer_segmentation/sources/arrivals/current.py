"""What the parts of a source come to now, as one landed file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from customer_segmentation.customers.quarantine import (
    LANDED_AT,
    ROW_NUMBER,
    SOURCE_HASH,
    SOURCE_NAME,
)
from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import CHANGE, REMOVED, Part, Parts
from customer_segmentation.sources.landed import METADATA, Landed
from customer_segmentation.sources.limits import MAX_ROWS

_PLACE, _REMOVED = "landed__place", "landed__removed"


def write_current(parts: Parts, target: Path, key: Sequence[str], name: str) -> Landed:
    """Write the rows that stand as one Parquet of text, in the order of their arrival.

    Of the rows, one part is in memory at a time; of all parts, only the key.

    Args:
        parts: Of a source.
        target: A local file to write.
        key: The headers of which a later row takes the place of an earlier one; without any, all
            rows stand.
        name: Of the source, for people.

    Raises:
        UserError: Nothing has arrived yet, a part lacks the key, or it removes rows and there is
            no key to find them by.
    """
    ended = parts.complete()
    complete = [part for part in ended if part.rows]
    if not complete:
        raise UserError(f"{name}: nothing has arrived from it yet, or all was removed again")
    headers = tuple(dict.fromkeys(name for part in complete for name in part.headers))
    stands = _which_stand(parts, complete, key)
    rows = sum(int(each.sum()) for each in stands)
    if not rows:
        raise UserError(f"{name}: all that arrived from it was removed again: there is no row")
    sha256 = hashlib.sha256("\n".join(part.sha256 for part in complete).encode()).hexdigest()
    notes = [*_changed_headers(complete, headers), *(n for part in ended for n in part.notes)]
    landed = Landed(
        name, sha256, headers, ((name, rows),), (), tuple(dict.fromkeys(notes)), (LANDED_AT,)
    )
    schema = pa.schema(
        [
            *((header, pa.string()) for header in (*headers, SOURCE_NAME, SOURCE_HASH)),
            (ROW_NUMBER, pa.int64()),
            (LANDED_AT, pa.string()),
        ]
    )
    before = 0
    # Nobody looks for rows by their cells, and statistics take an eighth of the time.
    options = {"compression": "zstd", "write_statistics": False}
    with parquet.ParquetWriter(target, schema, **options) as writer:
        for part, standing in zip(complete, stands, strict=True):
            if not (count := int(standing.sum())):
                continue
            table = parts.rows(part, headers)
            kept = table if count == len(table) else table.filter(pa.array(standing))
            told = {
                SOURCE_NAME: pa.repeat(name, count),
                SOURCE_HASH: pa.repeat(sha256, count),
                ROW_NUMBER: pa.array(np.arange(before + 1, before + 1 + count)),
                LANDED_AT: pa.repeat(part.landed_at, count),
            }
            columns = [_column(kept, told, header) for header in schema.names]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema), MAX_ROWS)
            before += count
        writer.add_key_value_metadata({METADATA: json.dumps(asdict(landed))})
    return landed


def _column(rows: pa.Table, told: dict[str, pa.Array], header: str) -> pa.Array:
    """The cells of a header, '' where the part was sent without it."""
    if header in told:
        return told[header]
    if header in rows.column_names:
        return rows[header].cast(pa.string())
    return pa.repeat("", len(rows))


def _which_stand(
    parts: Parts, complete: list[Part], key: Sequence[str]
) -> list[npt.NDArray[np.bool_]]:
    """Of the rows of each part, which are the last of their key and not removed."""
    import polars as pl  # noqa: PLC0415 - only sources that grow need it

    frames, counts, before = list[pl.DataFrame](), list[int](), 0
    for part in complete:
        if missing := [column for column in key if column not in part.headers]:
            raise UserError(f"{parts.url(part)}: it has no column {missing[0]!r}, the key")
        # Counted here: rows of customers who were forgotten are gone since it was landed.
        rows = parts.rows(part, (*key, CHANGE) if key else (*part.headers[:1], CHANGE))
        removed = (
            pc.equal(rows[CHANGE], REMOVED)
            if CHANGE in rows.column_names
            else pa.repeat(False, len(rows))  # noqa: FBT003 - the value
        )
        counts.append(len(rows))
        if not key and pc.any(removed).as_py():
            raise UserError(
                f"{parts.url(part)}: it removes rows, and without a key nobody can tell which: "
                "set `key` in the catalog entry"
            )
        frame = pl.DataFrame(rows.select(list(key)))
        places = pl.int_range(before, before + len(rows), dtype=pl.Int64, eager=True)
        frames.append(
            frame.with_columns(places.alias(_PLACE), pl.Series(_REMOVED, removed).cast(pl.Boolean))
            if key
            else frame
        )
        before += len(rows)
    stands = np.ones(before, np.bool_)
    if key:
        last = pl.concat(frames).unique(list(key), keep="last", maintain_order=False)
        stands[:] = False
        stands[last.filter(~pl.col(_REMOVED))[_PLACE].to_numpy()] = True
        # Without any key they are not versions of one row: the contract tells of each.
        for frame in frames:
            nobody = pl.all_horizontal(pl.col(name) == "" for name in key)
            stands[frame.filter(nobody & ~pl.col(_REMOVED))[_PLACE].to_numpy()] = True
    return np.split(stands, np.cumsum(counts)[:-1])


def _changed_headers(complete: list[Part], headers: tuple[str, ...]) -> list[str]:
    """Which columns not all parts have."""
    notes = []
    for header in headers:
        without = [part for part in complete if header not in part.headers]
        if without:
            rows = sum(part.rows for part in without)
            notes.append(f"column {header!r} is empty in {rows:,} rows that were sent without it")
    return notes
