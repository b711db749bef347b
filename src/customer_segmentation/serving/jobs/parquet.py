"""Parquet as text cells: what a file of some kB may unfold to is measured before it is unfolded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from customer_segmentation.datasets.limits import LONGEST_CELL, MOST_BATCH, MOST_ROWS
from customer_segmentation.errors import UserError

_MAGIC = b"PAR1"
# Of the description of the file, which is read at once.
_LONGEST_FOOTER = 1 << 24
# Of a column in a group of rows, not compressed: its pages may be as large.
_LARGEST_CHUNK = 1 << 28


class ParquetRows:
    """A Parquet file of flat columns.

    Args:
        path: The file.

    Attributes:
        headers: The names of its columns.
        rows: How many it says to have.

    Raises:
        UserError: It is no Parquet file, or describes itself at too great a length.
    """

    def __init__(self, path: Path) -> None:
        """Only its description is read."""
        self._path = path
        self._refuse_long_footer()
        file = self._open(())
        self._groups = file.metadata
        self._schema: pa.Schema = file.schema_arrow
        self.headers = tuple(self._schema.names)
        self.rows: int = file.metadata.num_rows

    def chunks(self, headers: Sequence[str]) -> Iterator[pl.DataFrame]:
        """These columns as text, some rows at a time.

        Raises:
            UserError: A column is of another type or too large, a cell too long, or the data
                cannot be read.
        """
        texts = [self._as_text(self._schema.field(name)) for name in headers]
        self._refuse_large_chunks(headers)
        # As long as it stays a dictionary, a long cell that many rows have is there once.
        file = self._open([name for name in headers if _is_text(self._schema.field(name).type)])
        try:
            for batch in file.iter_batches(MOST_ROWS, columns=list(headers), use_threads=False):
                step = max(
                    1, min(MOST_ROWS, MOST_BATCH * len(batch) // (self._measured(batch) + 1))
                )
                for start in range(0, len(batch), step):
                    yield pl.DataFrame(pl.from_arrow(batch.slice(start, step))).select(texts)
        except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
            message = f"{self._path}: its data cannot be read ({error}). Write the file again."
            raise UserError(message) from error

    def _open(self, texts: Sequence[str]) -> parquet.ParquetFile:
        try:
            # Pages are read as they are needed, however large their group.
            return parquet.ParquetFile(
                self._path, pre_buffer=False, buffer_size=1 << 20, read_dictionary=list(texts)
            )
        except (pa.ArrowException, OSError) as error:
            message = (
                f"{self._path}: it is no Parquet file ({error}). Send Parquet, or another media "
                "type."
            )
            raise UserError(message) from error

    def _refuse_long_footer(self) -> None:
        with self._path.open("rb") as file:
            file.seek(-min(8, self._path.stat().st_size), 2)
            end = file.read()
        if end[4:] == _MAGIC and int.from_bytes(end[:4], "little") > _LONGEST_FOOTER:
            message = (
                f"{self._path}: its description has more than {_LONGEST_FOOTER} bytes. Write it in "
                "fewer groups of rows, with the contract's columns alone."
            )
            raise UserError(message)

    def _refuse_large_chunks(self, headers: Sequence[str]) -> None:
        # A nested column has several parts there, so that those behind it are not in their places.
        paths = [self._groups.schema.column(i).path for i in range(self._groups.num_columns)]
        wanted = [index for index, path in enumerate(paths) if path in set(headers)]
        for number in range(self._groups.num_row_groups):
            group = self._groups.row_group(number)
            for index in wanted:
                chunk = group.column(index)
                if chunk.total_uncompressed_size > _LARGEST_CHUNK:
                    message = (
                        f"{self._path}: column {chunk.path_in_schema!r} takes "
                        f"{chunk.total_uncompressed_size} bytes in a group of {group.num_rows} "
                        f"rows, and may take {_LARGEST_CHUNK}. Shorten its cells, or write smaller "
                        "groups."
                    )
                    raise UserError(message)

    def _measured(self, batch: pa.RecordBatch) -> int:
        """The bytes of all cells of text, each counted as often as it stands there."""
        total = 0
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if not pa.types.is_dictionary(column.type):
                continue
            lengths = pc.binary_length(column.dictionary)
            if (pc.max(lengths).as_py() or 0) > LONGEST_CELL:
                message = (
                    f"{self._path}: a cell of column {name!r} has more than {LONGEST_CELL} bytes. "
                    "Shorten it."
                )
                raise UserError(message)
            total += pc.sum(lengths.take(column.indices)).as_py() or 0
        return total

    def _as_text(self, field: pa.Field) -> pl.Expr:
        """A cell as it would be written in a text file; null is ''."""
        kind = pl.DataFrame(pl.from_arrow(pa.schema([field]).empty_table())).dtypes[0]
        column = pl.col(field.name)
        is_nested = kind.is_nested() or pa.types.is_fixed_size_binary(field.type)
        if is_nested or kind in (pl.Object, pl.Duration, pl.Time):
            message = (
                f"{self._path}: column {field.name!r} holds {field.type}. Give text, numbers or "
                "dates."
            )
            raise UserError(message)
        if kind == pl.Boolean:
            # As the contract writes flags.
            column = column.cast(pl.Int8)
        if kind == pl.Datetime:
            # A day, unless there is a time of day, which is no day.
            is_day = column.dt.time() == pl.time(0, 0, 0)
            day = column.dt.strftime("%Y-%m-%d")
            column = pl.when(is_day).then(day).otherwise(column.cast(pl.String))
        return column.cast(pl.String).fill_null("").alias(field.name)


def _is_text(kind: pa.DataType) -> bool:
    tests = pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view
    binary = pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view
    return any(test(kind) for test in (*tests, *binary))
