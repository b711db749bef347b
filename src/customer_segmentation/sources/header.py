"""The header of a delimited file: its delimiter and its names."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from customer_segmentation.customers.quarantine import ADDED
from customer_segmentation.errors import UserError
from customer_segmentation.sources.limits import LONGEST_NAME, LONGEST_ROW, MAX_COLUMNS, is_longer

DELIMITERS = {"\t": "tab", ",": "comma", ";": "semicolon", "|": "pipe"}
# Added to the rows of a landed folder, besides what ingestion adds.
SOURCE_FILE = "source_file"
# What begins so is added to the parts of what grows, and is no header.
LANDED = "landed__"
# Excel's own first line, such as `sep=;`.
_DECLARED = re.compile(r'\s*"?sep=(.?)"?[ \t]*', re.IGNORECASE)


@dataclass(frozen=True)
class TextHeader:
    """The first line of a file that is neither blank nor Excel's `sep=;`.

    Attributes:
        delimiter: As declared, else the most frequent one outside quotes.
        names: As sent.
        lines: Its line number, from 1.
        end: Byte position of the line after it.
        tail: Number of unnamed columns at its end, if more than one.
    """

    delimiter: str
    names: tuple[str, ...]
    lines: int
    end: int
    tail: int


def read_header(name: str, head: bytes) -> TextHeader:
    """The header of a file.

    Args:
        name: The file, for messages.
        head: The start of the file in UTF-8, up to the longest row allowed.

    Raises:
        UserError: There is none, it has one column, or its names cannot be used.
    """
    lines = enumerate(re.finditer(rb"([^\r\n]*)(\r\n|\r|\n|\Z)", head), 1)
    filled = ((number, line) for number, line in lines if line[1].strip())
    number, line = next(filled, (0, None))
    declared = line and _DECLARED.fullmatch(_text(line))
    if declared:
        number, line = next(filled, (0, None))
    if line is None:
        raise UserError(f"{name}: the file is empty. Export it again, with a header.")
    text = _text(line)
    unquoted = re.sub('"[^"]*"', "", text)
    delimiter = declared[1] if declared else max(DELIMITERS, key=unquoted.count)
    _refuse_delimiter(name, delimiter, unquoted, text)
    if unquoted.count(delimiter) >= MAX_COLUMNS:
        raise _too_many_columns(name)
    if not line[2] and len(head) >= LONGEST_ROW:
        raise UserError(f"{name}: the header has more than {LONGEST_ROW} bytes. Shorten its names.")
    names = _names(name, text, delimiter)
    # A single unnamed column may hold data.
    unnamed = next((place for place, each in enumerate(reversed(names)) if each.strip()), 0)
    tail = unnamed if unnamed > 1 else 0
    names = names[: len(names) - tail]
    refuse_names(name, names)
    return TextHeader(delimiter, tuple(names), number, line.end(), tail)


def _text(line: re.Match[bytes]) -> str:
    # Only a character cut at the end of `head` can be invalid.
    return line[1].decode(errors="ignore")


def _refuse_delimiter(name: str, delimiter: str, unquoted: str, text: str) -> None:
    known = ", ".join(DELIMITERS.values())
    if delimiter not in DELIMITERS:
        raise UserError(
            f"{name}: its first line declares the delimiter {delimiter!r}. Use {known}."
        )
    if delimiter not in unquoted:
        raise UserError(
            f"{name}: the header is one column ({text[:60]!r}). Separate the columns by {known}."
        )


def _names(name: str, text: str, delimiter: str) -> list[str]:
    reader = csv.reader([text, ""], delimiter=delimiter)
    try:
        names = next(reader)
    except csv.Error as error:
        raise _too_long_name(name) from error
    if reader.line_num > 1:
        raise UserError(
            f'{name}: a quote (") in the header is not closed on its line. Write the header '
            "in one line."
        )
    return names


def refuse_names(name: str, headers: Iterable[str]) -> None:
    """Refuse headers that cannot be columns.

    Args:
        name: The file, for messages.
        headers: As sent; white space around them does not count.

    Raises:
        UserError: There are too many, one is too long, several are empty, two are the same, or
            one is a name that ingestion adds.
    """
    names = [header.strip() for header in headers]
    # First, so that the lists of wrong names below stay short.
    if len(names) > MAX_COLUMNS:
        raise _too_many_columns(name)
    if any(is_longer(each, LONGEST_NAME) for each in names):
        raise _too_long_name(name)
    unnamed = [position for position, each in enumerate(names, start=1) if not each]
    if len(unnamed) > 1:
        raise UserError(f"{name}: columns {unnamed} have no name. Name or remove them.")
    repeated = sorted(each for each, count in Counter(names).items() if count > 1)
    if repeated:
        raise UserError(f"{name}: the header names {repeated} more than once. Rename one.")
    taken = sorted(set(names) & {*ADDED, SOURCE_FILE})
    if taken:
        raise UserError(f"{name}: {taken} are names that ingestion adds. Rename them.")


def _too_many_columns(name: str) -> UserError:
    return UserError(f"{name}: it has more than {MAX_COLUMNS} columns. Leave out those of no use.")


def _too_long_name(name: str) -> UserError:
    return UserError(
        f"{name}: the name of a column has more than {LONGEST_NAME} bytes. Shorten it."
    )
