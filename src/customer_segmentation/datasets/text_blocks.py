"""Count the records of delimited text block by block: 1 GB in seconds, in bounded memory."""

from __future__ import annotations

import csv
import io

import numpy as np
import numpy.typing as npt

from customer_segmentation.datasets.limits import LONGEST_CELL, LONGEST_ROW
from customer_segmentation.datasets.text_rows import (
    blank_characters,
    refuse_long_cells,
    too_long_cell,
    too_long_row,
    too_many_cells,
    unclosed_quote,
)

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.intp]

_LINE_FEED, _RETURN, _QUOTE = b'\n\r"'


class IrregularTextError(Exception):
    """Text that parsers read differently; `csv_rows` settles what it says."""


class RecordCounter:
    """Counts records (lines, where no quoted cell holds a line end) and notes what they hold.

    Feed it a file from its header on, then `finish`. It is exact for lines that end in LF or CRLF
    and quotes that keep RFC 4180 or open no cell at all; the rest is an `IrregularTextError`.

    Args:
        name: The file, for messages.
        delimiter: One character.
        columns: Number of cells in the header.
        lines: Lines above the header.
    """

    def __init__(self, name: str, delimiter: str, columns: int, lines: int) -> None:
        """Nothing is counted yet."""
        self._name = name
        self._delimiter = ord(delimiter)
        self._blank = (blank_characters(delimiter) + "\r").encode()
        self._columns = columns
        self._lines = lines
        self._pending = b""
        self._blank_above = False
        self.records = 0
        self.longest = 0
        self.has_quoted_cells = False
        self.has_bare_quotes = False
        self.has_line_ends_in_cells = False
        self.has_blank_lines_between = False

    def feed(self, block: bytes) -> None:
        """Count the records that end in this block.

        Raises:
            IrregularTextError: Only `csv_rows` can say what the records are.
            UserError: A row has something in a cell that has no header, or a cell is too long.
        """
        data = self._pending + block
        text = np.frombuffer(data, np.uint8)
        if b'"' in data and _opens_a_cell(text, self._delimiter):
            self.has_quoted_cells = True
            ends, delimiters, in_cells = _quoted_records(text, self._delimiter)
            self.has_line_ends_in_cells |= in_cells
        else:
            self.has_bare_quotes |= b'"' in data
            ends, delimiters = _unquoted_records(text, self._delimiter)
        length = int(ends[-1]) + 1 if len(ends) else 0
        self._pending = data[length:]
        is_mixed = self.has_quoted_cells and self.has_bare_quotes
        # What does not end by then is left to `csv_rows`, which can tell why.
        if is_mixed or len(self._pending) > LONGEST_ROW:
            raise IrregularTextError
        self._measure(data, ends)
        self._refuse_more_cells(data, ends, delimiters)
        self._count(data, ends, delimiters)
        self._lines += int(np.count_nonzero(text[:length] == _LINE_FEED))

    def finish(self) -> None:
        """Count the last record, which may lack its line end.

        Raises:
            IrregularTextError: As `feed`.
            UserError: As `feed`, or a quote is never closed.
        """
        if self._pending:
            self.feed(b"\n")
        if self._pending:
            # The header is a record and no row, so that this is the number of the next row.
            raise unclosed_quote(self._name, self.records)

    def _measure(self, data: bytes, ends: Numbers) -> None:
        lengths = np.diff(ends, prepend=-1)
        self.longest = max(self.longest, int(lengths.max(initial=0)))
        # The few whose length allows for such a cell; that of the header has limits of its own.
        for index in np.flatnonzero(lengths > LONGEST_CELL):
            row = self.records + int(index)
            if not row:
                continue
            if lengths[index] > LONGEST_ROW:
                raise too_long_row(self._name, row)
            try:
                cells = self._cells(_record(data, ends, int(index)).decode())
            except csv.Error as error:
                raise too_long_cell(self._name, row) from error
            refuse_long_cells(self._name, row, cells)

    def _refuse_more_cells(self, data: bytes, ends: Numbers, delimiters: Numbers) -> None:
        delimiter = chr(self._delimiter)
        for index in np.flatnonzero(delimiters >= self._columns):
            record = _record(data, ends, int(index)).decode().rstrip("\r")
            # Most such rows end in delimiters only.
            is_longer = record.rstrip(delimiter).count(delimiter) >= self._columns
            if is_longer and any(self._cells(record)[self._columns :]):
                line = self._lines + data.count(b"\n", 0, ends[index] + 1)
                raise too_many_cells(self._name, line, self._columns)

    def _cells(self, record: str) -> list[str]:
        return next(csv.reader(io.StringIO(record, newline=""), delimiter=chr(self._delimiter)))

    def _count(self, data: bytes, ends: Numbers, delimiters: Numbers) -> None:
        is_row = np.ones(len(ends), bool)
        for index in np.flatnonzero(delimiters == 0):
            is_row[index] = bool(_record(data, ends, int(index)).strip(self._blank))
        rows = np.flatnonzero(is_row)
        if len(rows):
            self.records += len(rows)
            self.has_blank_lines_between |= self._blank_above or bool(rows[-1] + 1 > len(rows))
        self._blank_above |= len(rows) < len(ends)


def _record(data: bytes, ends: Numbers, index: int) -> bytes:
    return data[ends[index - 1] + 1 if index else 0 : ends[index]]


def _opens_a_cell(text: Bytes, delimiter: int) -> bool:
    """Whether any quote stands at the start of a cell."""
    quotes = np.flatnonzero(text == _QUOTE)
    before = text[quotes[quotes > 0] - 1]
    return quotes[0] == 0 or bool(((before == delimiter) | (before == _LINE_FEED)).any())


def _unquoted_records(text: Bytes, delimiter: int) -> tuple[Numbers, Numbers]:
    """Where each complete record ends, and how many delimiters it has."""
    ends = np.flatnonzero(text == _LINE_FEED)
    if not len(ends):
        return ends, ends
    text = text[: ends[-1] + 1]
    returns = np.count_nonzero(text == _RETURN)
    if returns != np.count_nonzero(text[ends[ends > 0] - 1] == _RETURN):
        raise IrregularTextError
    starts = np.append(0, ends[:-1] + 1)
    return ends, np.add.reduceat((text == delimiter).view(np.uint8), starts, dtype=np.intp)


def _quoted_records(text: Bytes, delimiter: int) -> tuple[Numbers, Numbers, bool]:
    """As `_unquoted_records`, and whether a cell holds a line end."""
    marks = np.flatnonzero((text == delimiter) | (text == _LINE_FEED) | (text == _QUOTE))
    kinds = text[marks]
    _require_standard_quotes(text, marks[kinds == _QUOTE], delimiter)
    # Of the text from each mark to the next.
    is_quoted = np.cumsum(kinds == _QUOTE) % 2 == 1
    is_end = (kinds == _LINE_FEED) & ~is_quoted
    ends = marks[is_end]
    if not len(ends):
        return ends, ends, False
    delimiters = np.diff(np.cumsum((kinds == delimiter) & ~is_quoted)[is_end], prepend=0)
    returns = np.flatnonzero(text[: ends[-1]] == _RETURN)
    mark_before = np.searchsorted(marks, returns) - 1
    in_cell = is_quoted[mark_before] & (mark_before >= 0)
    if (text[returns[~in_cell] + 1] != _LINE_FEED).any():
        raise IrregularTextError
    line_feeds = np.count_nonzero(text[: ends[-1] + 1] == _LINE_FEED)
    return ends, delimiters, bool(in_cell.any() or line_feeds > len(ends))


def _require_standard_quotes(text: Bytes, quotes: Numbers, delimiter: int) -> None:
    """Each quote opens a cell, closes one, or is one of two that stand for one."""
    opening, closing = quotes[::2], quotes[1::2]
    is_neighbour = np.zeros(256, bool)
    is_neighbour[[delimiter, _LINE_FEED, _QUOTE]] = True
    before = is_neighbour[text[opening[opening > 0] - 1]]
    # Whether a line feed follows a return, is asked of all returns.
    is_neighbour[_RETURN] = True
    # Of what follows the last byte, the next block tells.
    after = is_neighbour[text[closing[closing < len(text) - 1] + 1]]
    if not (before.all() and after.all()):
        raise IrregularTextError
