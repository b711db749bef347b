"""Rows of delimited text as Python's csv module reads them, and errors for malformed rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO

from customer_segmentation.errors import UserError
from customer_segmentation.sources.limits import LONGEST_CELL, LONGEST_ROW, is_longer

# No cell contains it: text with a NUL is refused before its cells are read.
_AFTER_LAST = "\0"


def malformed(name: str, problem: str) -> UserError:
    """The error for a malformed file."""
    return UserError(
        f"{name}: {problem}. Mend the file; put a cell that holds the delimiter "
        "or a line end in quotes."
    )


def unclosed_quote(name: str, row: int) -> UserError:
    """The error for a quote that is open at the end of the file; `row` counts from 1."""
    return malformed(name, f'a quote (") that opens in row {row} is never closed')


def too_long_cell(name: str, row: int) -> UserError:
    """The error for a cell that is too long; `row` counts from 1."""
    return UserError(f"{name}: row {row} has a cell of more than {LONGEST_CELL} bytes. Shorten it.")


def refuse_long_cells(name: str, row: int, cells: Iterable[str]) -> None:
    """Refuse a row with a cell that is too long; `row` counts from 1.

    Raises:
        UserError: There is one.
    """
    if any(is_longer(cell, LONGEST_CELL) for cell in cells):
        raise too_long_cell(name, row)


def blank_characters(delimiter: str) -> str:
    """The characters that a blank line may consist of."""
    return " \r\n" if delimiter == "\t" else " \t\r\n"


def csv_rows(
    content: BinaryIO, name: str, delimiter: str, skip: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """The last line number, from 1, and the cells of each row that is not blank.

    Lines end in LF, CRLF or CR. A quote inside an unquoted cell is an ordinary character.

    Args:
        content: The file in UTF-8; this closes it.
        name: The file, for messages.
        delimiter: One character.
        skip: Number of lines to skip at the start, such as the header.

    Raises:
        UserError: A quote is never closed, or a row or a cell is too long.
    """
    line = ""
    # Bytes of the current row so far, so that an endless line is not read to its end.
    held = rows = 0

    def lines() -> Iterator[str]:
        nonlocal line, held
        while line := text.readline(LONGEST_ROW + 1):
            held += len(line) if line.isascii() else len(line.encode())
            if held > LONGEST_ROW:
                raise UserError(
                    f"{name}: row {rows + 1} has more than {LONGEST_ROW} bytes. Shorten it; see "
                    "that it has a line end, and that its quotes are closed."
                )
            yield line
        line = last
        yield line

    # Two cells, unless a quote is open: then it is the rest of the quoted cell.
    last = _AFTER_LAST + delimiter + _AFTER_LAST
    blank = blank_characters(delimiter)
    with io.TextIOWrapper(content, "utf-8", newline="") as text:
        skipped = sum(1 for _ in islice(text, skip))
        reader = csv.reader(lines(), delimiter=delimiter)
        try:
            for cells in reader:
                if line == last:
                    break
                # A row of several lines ends in a line with the closing quote.
                if line.strip(blank):
                    rows += 1
                    if held > LONGEST_CELL:
                        refuse_long_cells(name, rows, cells)
                    yield skipped + reader.line_num, cells
                held = 0
        except csv.Error as error:
            # A cell of more than 131,072 characters: usually everything after an open quote.
            is_open = held > len(line.encode()) or line.count('"') % 2
            told = unclosed_quote if is_open else too_long_cell
            raise told(name, rows + 1) from error
    if cells != [_AFTER_LAST, _AFTER_LAST]:
        raise unclosed_quote(name, rows + 1)
