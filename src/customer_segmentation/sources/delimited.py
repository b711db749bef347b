"""Delimited text: every cell as it was sent, nothing trimmed, nothing guessed.

Arrow reads regular rows. From the first row that is short, too long or malformed on, Python's csv
module takes over: both split the same text into the same cells, and csv knows line numbers.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from customer_segmentation.sources.cells import Cells, batches_of
from customer_segmentation.sources.content import Content
from customer_segmentation.sources.header import TextHeader, read_header
from customer_segmentation.sources.limits import LONGEST_CELL, LONGEST_ROW, MAX_COLUMNS, MAX_ROWS
from customer_segmentation.sources.rows import blank_characters, csv_rows, malformed

logger = logging.getLogger(__name__)

_BLOCK = 1 << 22
# The cells of an extra last row. No other cell is equal, since text with a NUL is refused; if it
# does not come back, a quote is open.
_END = "\0"


class _NotForArrowError(Exception):
    """The remaining rows must be read one by one."""


def delimited_cells(content: Content) -> Cells:
    """The table of a delimited file.

    Raises:
        UserError: It is empty, no text or not delimited; later: a row or a cell is wrong.
    """
    with content.text() as text:
        header = read_header(content.name, text.read(LONGEST_ROW))
    reader = _Reader(content, header)
    return Cells(header.names, reader.batches, header.delimiter, reader.notes)


@dataclass(frozen=True)
class _Reader:
    content: Content
    header: TextHeader
    notes: list[str] = field(default_factory=list)

    def batches(self, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        read = 0
        try:
            for batch in self._by_arrow():
                yield batch.select(list(wanted))
                read += len(batch)
        except _NotForArrowError:
            rows = islice(self.rows(), read, None)
            yield from batches_of(rows, self.header.names, wanted)

    def rows(self) -> Iterator[list[str]]:
        """The rows, with one cell per header; missing cells at the end are ''."""
        name, columns = self.content.name, len(self.header.names)
        tail: int | None = None
        early = first_early = 0
        for line, cells in self._numbered_rows():
            more = len(cells) - columns
            if tail is None:
                tail = self._tail(cells)
            if more > 0 and (not tail or any(cells[columns:])):
                raise malformed(
                    name, f"line {line} has more cells than the header, which has {columns}"
                )
            if tail and more != tail:
                raise malformed(
                    name,
                    f"the rows are to end in {tail} empty cell{'s'[: tail > 1]} beyond the header,"
                    f" and line {line} does not",
                )
            if more < 0:
                early += 1
                first_early = first_early or line
            yield (cells + [""] * -more)[:columns]
        if early:
            note = (
                f"{name}: {early} row{'s'[: early > 1]} had fewer cells than the header, the "
                f"first in line {first_early}: the last ones were taken as empty."
            )
            logger.warning(note)
            self.notes[:] = [note]

    def _numbered_rows(self) -> Iterator[tuple[int, list[str]]]:
        header = self.header
        return csv_rows(self.content.text(), self.content.name, header.delimiter, header.lines)

    def _tail(self, first: list[str]) -> int:
        """The number of empty cells that each row must have beyond the header, as the first has."""
        if self.header.tail:
            return self.header.tail
        beyond = first[len(self.header.names) :]
        return 0 if any(beyond) or len(beyond) > MAX_COLUMNS else len(beyond)

    def _by_arrow(self) -> Iterator[pa.RecordBatch]:
        """All columns, some rows at a time.

        Raises:
            _NotForArrowError: One of the rows after those already given is irregular.
        """
        _, first = next(self._numbered_rows(), (0, []))
        columns, tail = len(self.header.names), self._tail(first)
        schema = pa.schema([(header, pa.string()) for header in self.header.names])
        unusual: list[str] = []
        try:
            for batch in self._parsed(columns + tail, unusual):
                is_end = len(batch) > 0 and batch.column(0)[-1].as_py() == _END
                cells = batch.slice(0, len(batch) - is_end)
                lengths = [pc.max(pc.binary_length(column)).as_py() or 0 for column in cells]
                is_long = max(lengths) > LONGEST_CELL or sum(lengths) > LONGEST_ROW
                if unusual or is_long or any(lengths[columns:]):
                    raise _NotForArrowError
                found = pa.RecordBatch.from_arrays(cells.columns[:columns], schema=schema)
                for start in range(0, len(found), MAX_ROWS):
                    yield found.slice(start, MAX_ROWS)
                if is_end:
                    return
        except pa.ArrowInvalid as error:
            raise _NotForArrowError from error
        raise _NotForArrowError

    def _parsed(self, cells: int, unusual: list[str]) -> Iterator[pa.RecordBatch]:
        delimiter = self.header.delimiter
        blank = blank_characters(delimiter)
        # Headers may be any text, even empty.
        names = [f"cell {place}" for place in range(cells)]

        def pass_over(row: csv.InvalidRow) -> str:
            if row.text.strip(blank):
                unusual.append(row.text)
            return "skip"

        with self.content.text() as text:
            text.read(self.header.end)
            end = "\n" + delimiter.join([_END] * cells) + "\n"
            yield from csv.open_csv(
                pa.PythonFile(_Ended(text, end.encode()), mode="r"),
                csv.ReadOptions(block_size=_BLOCK, column_names=names),
                csv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True, invalid_row_handler=pass_over
                ),
                csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    strings_can_be_null=False,
                    # `Content.text` has checked it.
                    check_utf8=False,
                ),
            )


class _Ended(io.RawIOBase):
    """Text with an extra last row; no block ends inside a CRLF, which Arrow would lose."""

    def __init__(self, text: BinaryIO, end: bytes) -> None:
        self._text = text
        self._end = end

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        block = self._text.read(size - 1)
        if block.endswith(b"\r"):
            block += self._text.read(1)
        if not block:
            block, self._end = self._end, b""
        return block
