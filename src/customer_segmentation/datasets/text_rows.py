"""Rows of delimited text as Python's csv module reads them, and the errors for what is no row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from customer_segmentation.errors import UserError

# No cell holds it: a source with a NUL is refused before its cells are read.
_AFTER_LAST = "\0"


def malformed(name: str, problem: str) -> UserError:
    """The error for a file whose lines are no rows."""
    return UserError(
        f"{name}: {problem}. Mend the file; put a cell that holds the delimiter "
        "or a line end in quotes."
    )


def too_many_cells(name: str, line: int, columns: int) -> UserError:
    """The error for a row with something in a cell that has no header."""
    return malformed(name, f"line {line} has more cells than the header, which has {columns}")


def unclosed_quote(name: str, row: int) -> UserError:
    """The error for a quote that runs to the end of the file; `row` counts from 1."""
    return malformed(name, f'a quote (") that opens in row {row} is never closed')


def blank_characters(delimiter: str) -> str:
    """What a blank line may hold, line ends aside."""
    return " " if delimiter == "\t" else " \t"


def csv_rows(
    content: BinaryIO, name: str, delimiter: str, skip: int = 0
) -> Iterator[tuple[int, list[str]]]:
    """The number of the line it ends in, from 1, and the cells of each row that is not blank.

    Lines end in LF, CRLF or CR. A quote that does not open a cell is a character like others.

    Args:
        content: The file; this closes it.
        name: The file, for messages.
        delimiter: One character.
        skip: Lines to leave out at the start, such as the header's.

    Raises:
        UserError: A quote is never closed.
    """
    line = ""

    def lines() -> Iterator[str]:
        nonlocal line
        for line in text:
            yield line
        line = last
        yield line

    rows = 0
    # Two cells, unless a quote is open: one could be what follows the quote.
    last = _AFTER_LAST + delimiter + _AFTER_LAST
    blank = blank_characters(delimiter) + "\r\n"
    with io.TextIOWrapper(content, "utf-8-sig", newline="") as text:
        skipped = sum(1 for _ in islice(text, skip))
        reader = csv.reader(lines(), delimiter=delimiter)
        try:
            for cells in reader:
                if line == last:
                    break
                # The last line of a row of several holds the quote that closes it.
                if line.strip(blank):
                    rows += 1
                    yield skipped + reader.line_num, cells
        except csv.Error as error:
            # A cell of more than 131,072 characters: most often all that follows such a quote.
            raise unclosed_quote(name, rows + 1) from error
    if cells != [_AFTER_LAST, _AFTER_LAST]:
        raise unclosed_quote(name, rows + 1)


def fitted(cells: list[str], columns: int) -> list[str]:
    """As many cells as columns: a row that ends early has nothing in its last ones."""
    return (cells + [""] * (columns - len(cells)))[:columns]
