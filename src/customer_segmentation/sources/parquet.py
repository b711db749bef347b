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
from customer_segmentation.sources.typed import TextColumn

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
    reader = _Reader(content)
    headers = tuple(reader.schema.names)
    refuse_names(content.name, headers)

    def rows() -> Iterator[list[str]]:
        for batch in reader.batches(headers):
            yield from map(list, zip(*batch.to_pydict().values(), strict=True))

    return Cells(headers, reader.batches, rows)


class _Reader:
    def __init__(self, content: Content) -> None:
        self._content = content
        with self._open(()) as file:
            self._groups = file.metadata
            self.schema: pa.Schema = file.schema_arrow

    def batches(self, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """These columns as text, in batches."""
        texts = {name: self._column(name) for name in wanted}
        self._refuse_large_chunks(wanted)
        schema = pa.schema([(name, pa.string()) for name in wanted])
        maximum = max(1, min(MAX_ROWS, MAX_BATCH // (_CELL_BYTES * max(1, len(wanted)))))
        try:
            self._look({name: text for name, text in texts.items() if text.must_look})
            # In a dictionary, a long cell that many rows share is held once.
            with self._open([name for name, text in texts.items() if text.is_text]) as file:
                for batch in file.iter_batches(maximum, columns=list(wanted), use_threads=False):
                    # Nothing else checks that text is UTF-8, and some code would read past its end.
                    batch.validate(full=True)
                    step = max(
                        1, min(maximum, MAX_BATCH * len(batch) // (self._measured(batch) + 1))
                    )
                    for start in range(0, len(batch), step):
                        part = batch.slice(start, step)
                        columns = [texts[name].text(part.column(name)) for name in wanted]
                        yield pa.RecordBatch.from_arrays(columns, schema=schema)
        except (pa.ArrowException, OSError) as error:
            raise UserError(
                f"{self._content.name}: its data cannot be read ({error}). Write the file again."
            ) from error

    def _look(self, texts: dict[str, TextColumn]) -> None:
        if not texts:
            return
        with self._open(()) as file:
            for batch in file.iter_batches(MAX_ROWS, columns=list(texts), use_threads=False):
                for name, text in texts.items():
                    text.look(batch.column(name))

    @contextmanager
    def _open(self, texts: Sequence[str]) -> Iterator[parquet.ParquetFile]:
        with self._content.open() as content:
            try:
                # Pages are read as needed, however large their row group.
                file = parquet.ParquetFile(
                    content, pre_buffer=False, buffer_size=1 << 20, read_dictionary=list(texts)
                )
            except (pa.ArrowException, OSError) as error:
                raise UserError(
                    f"{self._content.name}: it is no Parquet file ({error}). Write it again."
                ) from error
            yield file

    def _column(self, name: str) -> TextColumn:
        try:
            return TextColumn(self.schema.field(name).type)
        except TypeError as error:
            raise UserError(
                f"{self._content.name}: column {name!r} holds {error}. Give text, numbers or dates."
            ) from error

    def _refuse_large_chunks(self, wanted: Sequence[str]) -> None:
        # A nested column has several entries, so positions differ from those of the schema.
        paths = [self._groups.schema.column(i).path for i in range(self._groups.num_columns)]
        places = [place for place, path in enumerate(paths) if path in set(wanted)]
        for number in range(self._groups.num_row_groups):
            group = self._groups.row_group(number)
            for place in places:
                chunk = group.column(place)
                if chunk.total_uncompressed_size > _LARGEST_CHUNK:
                    raise UserError(
                        f"{self._content.name}: column {chunk.path_in_schema!r} takes "
                        f"{chunk.total_uncompressed_size} bytes in a group of {group.num_rows} "
                        f"rows, and may take {_LARGEST_CHUNK}. Shorten its cells, or write smaller "
                        "groups."
                    )

    def _measured(self, batch: pa.RecordBatch) -> int:
        """The bytes of all text cells, repeated cells included."""
        total = 0
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if not pa.types.is_dictionary(column.type):
                continue
            lengths = pc.binary_length(column.dictionary)
            if (pc.max(lengths).as_py() or 0) > LONGEST_CELL:
                raise UserError(
                    f"{self._content.name}: a cell of column {name!r} has more than "
                    f"{LONGEST_CELL} bytes. Shorten it."
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
