"""Rows of a database in pieces of bounded size, and their cells as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.errors import UserError
from customer_segmentation.sources.arrivals.parts import CHANGE, PUT, REMOVED
from customer_segmentation.sources.limits import LONGEST_CELL, MAX_BATCH, MAX_ROWS
from customer_segmentation.sources.readers.databases.asked import Asked
from customer_segmentation.sources.readers.databases.cursors import Cursor
from customer_segmentation.sources.readers.databases.drivers import Way
from customer_segmentation.sources.typed import as_text

_NOT_DELETED = ["", "0", "false", "f", "no", "n"]


def pieces(
    way: Way, asked: Asked, kinds: Mapping[str, bool], start: Cursor | None = None
) -> Iterator[pa.Table]:
    """Typed rows of what is asked, as `Way.batches` gives them, some 50,000 or 64 MB at a time.

    Args:
        way: To the database.
        asked: What is read.
        kinds: Of `Way.kinds`.
        start: Where the cursor begins.
    """
    names = list(dict.fromkeys((*kinds, *asked.needed)))
    as_sent = {asked.cursor, asked.deleted}
    written = frozenset(name for name, is_text in kinds.items() if is_text) - as_sent
    since = way.literal(start.value) if start else None
    held, rows, size = list[pa.RecordBatch](), 0, 0
    for batch in way.batches(asked.rows(names, written, since)):
        held.append(batch)
        rows += len(batch)
        size += batch.nbytes
        if rows >= MAX_ROWS or size >= MAX_BATCH:
            yield _joined(held)
            held, rows, size = [], 0, 0
    if rows:
        yield _joined(held)


def whole_pieces(way: Way, asked: Asked, kinds: Mapping[str, bool]) -> Iterator[pa.Table]:
    """The same, with an empty piece if there is no row."""
    is_any = False
    for piece in pieces(way, asked, kinds):
        is_any = True
        yield piece
    if not is_any:
        names = dict.fromkeys((*kinds, *asked.needed))
        yield pa.table({name: pa.array([], pa.string()) for name in names})


def cells(table: pa.Table, kinds: Mapping[str, bool], asked: Asked, name: str) -> pa.Table:
    """The columns as text, and which rows are deleted if a column says so.

    Raises:
        UserError: A cell is too long.
    """
    found = {}
    for header in kinds:
        text = pa.chunked_array([as_text(each) for each in table[header].chunks], pa.string())
        found[header] = text
    refuse_long(found, name)
    if asked.deleted:
        found[CHANGE] = pc.if_else(_is_deleted(table[asked.deleted]), REMOVED, PUT)
    return pa.table(found)


def refuse_long(columns: Mapping[str, pa.Array], name: str) -> None:
    """Refuse texts that no file of customers may have.

    Raises:
        UserError: A cell is too long.
    """
    for header, text in columns.items():
        if (pc.max(pc.binary_length(text)).as_py() or 0) > LONGEST_CELL:
            raise UserError(
                f"{name}: {header} has a cell of more than {LONGEST_CELL} bytes. Leave the column "
                "out by `columns`"
            )


def _joined(batches: list[pa.RecordBatch]) -> pa.Table:
    """Batches as one table; a column of several types, as SQLite may have, as text."""
    columns = {}
    for name in batches[0].schema.names:
        chunks = [batch.column(name) for batch in batches]
        is_typed = len({chunk.type for chunk in chunks}) == 1
        columns[name] = pa.chunked_array(chunks if is_typed else list(map(as_text, chunks)))
    return pa.table(columns)


def _is_deleted(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_boolean(kind):
        return pc.fill_null(column, fill_value=False)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return pc.is_valid(column)
    text = pc.utf8_lower(pc.utf8_trim_whitespace(pc.fill_null(column.cast(pa.string()), "")))
    return pc.invert(pc.is_in(text, pa.array(_NOT_DELETED)))
