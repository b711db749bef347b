"""The cells of an unknown file, by the readers that runs and jobs use."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from customer_segmentation.errors import UserError
from customer_segmentation.sources.cells import Cells
from customer_segmentation.sources.content import Content
from customer_segmentation.sources.landing import open_tables
from customer_segmentation.sources.recognise import Kind


def read_cells(
    contents: Iterable[Content], most_rows: int | None = None, kind: Kind | None = None
) -> pa.Table:
    """The cells of files with the same header, as text.

    Args:
        contents: The files.
        most_rows: Later rows are not read; None reads all.
        kind: What the files are said to be.

    Raises:
        UserError: A file is no table or of another kind, the headers differ, or there is no row.
    """
    tables, _ = open_tables(contents, kind)
    return rows_of(tables.values(), most_rows)


def rows_of(tables: Iterable[Cells], most_rows: int | None = None) -> pa.Table:
    """The rows of tables with the same header.

    Raises:
        UserError: A row cannot be read, or there is none.
    """
    batches: list[pa.RecordBatch] = []
    left = most_rows
    for cells in tables:
        for batch in cells.batches(cells.headers):
            batches.append(batch if left is None else batch.slice(0, left))
            left = None if left is None else left - len(batches[-1])
            if left == 0:
                return pa.Table.from_batches(batches)
    if not sum(map(len, batches)):
        raise UserError("there is a header but no row below it. Export it with rows.")
    return pa.Table.from_batches(batches)
