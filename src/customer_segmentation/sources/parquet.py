"""Parquet: what a small file may unpack to is measured before it is unpacked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from customer_segmentation.errors import UserError
from customer_segmentation.sources.cells import Cells
from customer_segmentation.sources.content import Content
from customer_segmentation.sources.header import refuse_names
from customer_segmentation.sources.limits import LONGEST_CELL, MAX_BATCH, MAX_ROWS
from customer_segmentation.sources.packed import PARQUET
from customer_segmentation.sources.typed import as_text, can_be_text, is_text

# Bytes of the footer, which is read at once.
_LONGEST_FOOTER = 1 << 24
# Uncompressed bytes of a column in one row group: a page may be as large.
_LARGEST_CHUNK = 1 << 28
# Bytes of a number or date as text.
_CELL_BYTES = 32


def parquet_cells(content: Content) -> Cells:
    """The table of a Parquet file with flat columns; at first only the footer is read.

    Raises:
        UserError: It is not a Parquet file, its footer is too long, or its headers cannot be
            used; while reading: a column has an unsupported type or is too large, a cell is too
            long, or the data cannot be read.
    """
    _refuse_long_footer(content)
    with _opened(content) as file:
        footer, schema = file.metadata, file.schema_arrow
    refuse_names(content.name, schema.names)

    def batches(wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        kinds = {name: schema.field(name).type for name in wanted}
        _refuse_kinds(content.name, kinds)
        _refuse_large_chunks(content.name, footer, wanted)
        return _batches(content, kinds)

    return Cells(tuple(schema.names), batches)


def _batches(content: Content, kinds: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """Columns of these names and types as text."""
    schema = pa.schema([(name, pa.string()) for name in kinds])
    # In a dictionary, a long cell that many rows share is held once.
    texts = [name for name, kind in kinds.items() if is_text(kind)]
    maximum = max(1, min(MAX_ROWS, MAX_BATCH // (_CELL_BYTES * max(1, len(kinds)))))
    try:
        with _opened(content, texts) as file:
            for batch in file.iter_batches(maximum, columns=list(kinds), use_threads=False):
                # Nothing else checks that text is UTF-8, and some code would read past its end.
                batch.validate(full=True)
                size = _measured(content.name, batch)
                step = max(1, min(maximum, MAX_BATCH * len(batch) // (size + 1)))
                for start in range(0, len(batch), step):
                    part = batch.slice(start, step)
                    columns = [as_text(part.column(name)) for name in kinds]
                    yield pa.RecordBatch.from_arrays(columns, schema=schema)
    except (pa.ArrowException, OSError) as error:
        raise UserError(
            f"{content.name}: its data cannot be read ({error}). Write the file again."
        ) from error


@contextmanager
def _opened(content: Content, texts: Sequence[str] = ()) -> Iterator[parquet.ParquetFile]:
    with content.open() as stream:
        try:
            # Pages are read as needed, however large their row group.
            file = parquet.ParquetFile(
                stream, pre_buffer=False, buffer_size=1 << 20, read_dictionary=list(texts)
            )
        except (pa.ArrowException, OSError) as error:
            raise UserError(
                f"{content.name}: it is no Parquet file ({error}). Write it again."
            ) from error
        yield file


def _refuse_kinds(name: str, kinds: dict[str, pa.DataType]) -> None:
    for column, kind in kinds.items():
        if not can_be_text(kind):
            raise UserError(f"{name}: column {column!r} holds {kind}. Give text, numbers or dates.")


def _refuse_large_chunks(name: str, footer: parquet.FileMetaData, wanted: Sequence[str]) -> None:
    names = set(wanted)
    groups = (footer.row_group(number) for number in range(footer.num_row_groups))
    for chunk in (group.column(place) for group in groups for place in range(group.num_columns)):
        size = chunk.total_uncompressed_size
        if chunk.path_in_schema in names and size > _LARGEST_CHUNK:
            raise UserError(
                f"{name}: column {chunk.path_in_schema!r} takes {size} bytes in a group of "
                f"{chunk.num_values} rows, and may take {_LARGEST_CHUNK}. Shorten its cells, or "
                "write smaller groups."
            )


def _measured(name: str, batch: pa.RecordBatch) -> int:
    """The bytes of all text cells, repeated cells included."""
    total = 0
    for header, column in zip(batch.schema.names, batch.columns, strict=True):
        if not pa.types.is_dictionary(column.type):
            continue
        lengths = pc.binary_length(column.dictionary)
        if (pc.max(lengths).as_py() or 0) > LONGEST_CELL:
            raise UserError(
                f"{name}: a cell of column {header!r} has more than {LONGEST_CELL} bytes. "
                "Shorten it."
            )
        total += pc.sum(lengths.take(column.indices)).as_py() or 0
    return total


def _refuse_long_footer(content: Content) -> None:
    with content.open() as file:
        size = file.seek(0, 2)
        file.seek(-min(8, size), 2)
        end = file.read()
    if end[4:] == PARQUET and int.from_bytes(end[:4], "little") > _LONGEST_FOOTER:
        raise UserError(
            f"{content.name}: its footer has more than {_LONGEST_FOOTER} bytes. Write it in "
            "fewer groups of rows, with the contract's columns alone."
        )
