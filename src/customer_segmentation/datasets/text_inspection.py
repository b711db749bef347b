"""Read the bytes of a delimited source once: what engines must know before they read its cells."""

from __future__ import annotations

import codecs
import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from fsspec import AbstractFileSystem
from fsspec.core import has_magic, url_to_fs

from customer_segmentation.datasets.limits import LONGEST_ROW
from customer_segmentation.datasets.text_header import TextHeader, read_header
from customer_segmentation.datasets.text_rows import csv_rows, fitted, too_many_cells
from customer_segmentation.errors import UserError

if TYPE_CHECKING:
    from customer_segmentation.datasets.text_blocks import RecordCounter

# The first holds the header.
_BLOCK = LONGEST_ROW


@dataclass(frozen=True)
class TextFile:
    """One file of a source: where it is, and how messages name it."""

    filesystem: AbstractFileSystem
    path: str
    name: str

    def open(self) -> BinaryIO:
        """Its bytes, in sequence."""
        return cast("BinaryIO", self.filesystem.open(self.path, "rb"))


@dataclass(frozen=True)
class TextPart:
    """What one file of a source holds; `rows_before` counts the rows of the files before it."""

    file: TextFile
    header_lines: int
    rows: int
    rows_before: int


@dataclass(frozen=True)
class TextInspection:
    """What the bytes of a source say.

    Attributes:
        name: Of the file, or of the folder that holds several.
        parts: Its files by name.
        delimiter: Tab, comma or semicolon.
        headers: As sent, the same in all files.
        sha256: Of the bytes of all files.
        longest: Bytes of the longest row.
        has_quoted_cells: Quotes open cells. If not, a quote is a character like others.
        has_line_ends_in_cells: A row may be several lines.
        has_blank_lines_between: A row follows a blank line.
        is_irregular: Some lines end in CR alone, or some quotes do not keep RFC 4180 where others
            open cells: only `csv_rows` reads such text as it is meant.
    """

    name: str
    parts: tuple[TextPart, ...]
    delimiter: str
    headers: tuple[str, ...]
    sha256: str
    longest: int
    has_quoted_cells: bool
    has_line_ends_in_cells: bool
    has_blank_lines_between: bool
    is_irregular: bool

    @property
    def rows(self) -> int:
        """In all files."""
        return sum(part.rows for part in self.parts)


def inspect_text(filepath: str) -> TextInspection:
    """Read all bytes of a file, of a folder's `*.csv` files or of those a pattern names.

    Args:
        filepath: A path, or a URL of a file system that fsspec knows.

    Raises:
        UserError: A file is missing, empty, not UTF-8, not delimited, ragged, or beyond the
            limits of what is read; the files' headers differ; or there is no row.
    """
    digest = hashlib.sha256()
    parts: list[TextPart] = []
    counters: list[RecordCounter | None] = []
    first: TextHeader | None = None
    rows = longest = 0
    for file in find_files(filepath):
        header, counter, found, longest_of_file = _inspect_file(file, digest)
        longest = max(longest, longest_of_file)
        first = first or header
        if (header.names, header.delimiter) != (first.names, first.delimiter):
            message = (
                f"{file.name}: its header is not that of {parts[0].file.name}. Give all files of "
                "a source the same columns in the same order, and the same delimiter."
            )
            raise UserError(message)
        parts.append(TextPart(file, header.lines, found, rows))
        counters.append(counter)
        rows += found
    if first is None or not rows:
        message = f"{filepath}: there is a header but no row below it. Export it with rows."
        raise UserError(message)
    regular = [counter for counter in counters if counter]
    has_quoted_cells = any(counter.has_quoted_cells for counter in regular)
    has_bare_quotes = any(counter.has_bare_quotes for counter in regular)
    return TextInspection(
        name=PurePosixPath(filepath).name,
        parts=tuple(parts),
        delimiter=first.delimiter,
        headers=first.names,
        sha256=digest.hexdigest(),
        longest=longest,
        has_quoted_cells=has_quoted_cells,
        has_line_ends_in_cells=any(counter.has_line_ends_in_cells for counter in regular),
        has_blank_lines_between=any(counter.has_blank_lines_between for counter in regular),
        is_irregular=None in counters or (has_quoted_cells and has_bare_quotes),
    )


def first_rows(filepath: str, count: int) -> tuple[tuple[str, ...], list[list[str]]]:
    """The headers and the first rows' cells, from no more than the start of the first file.

    Raises:
        UserError: There is no file, or its start is no delimited text.
    """
    file = find_files(filepath)[0]
    header = read_header(file.name, next(_checked_blocks(file, hashlib.sha256()), b""))
    columns = len(header.names)
    rows = csv_rows(file.open(), file.name, header.delimiter, header.lines)
    return header.names, [fitted(cells, columns) for _, cells in islice(rows, count)]


def find_files(filepath: str) -> tuple[TextFile, ...]:
    """The files of a source by name.

    Raises:
        UserError: There is none.
    """
    # A listing kept from an earlier load would hide files that came since.
    filesystem, path = url_to_fs(filepath, use_listings_cache=False)
    try:
        # `isfile` would say no to whatever goes wrong, such as a refused login.
        found_type = filesystem.info(path)["type"]
    except (FileNotFoundError, NotADirectoryError):
        found_type = None
    if found_type == "file":
        return (TextFile(filesystem, path, filepath),)
    if found_type == "directory":
        entries = filesystem.ls(path, detail=True)
        found = [entry["name"] for entry in entries if entry["type"] == "file"]
        found = [name for name in found if name.endswith(".csv")]
        where = "the folder holds no *.csv file"
    else:
        found = filesystem.glob(path) if has_magic(path) else []
        where = "there is no such file"
    # Engines that write folders keep their own notes under such names.
    found = [name for name in found if PurePosixPath(name).name[0] not in "._"]
    if not found:
        message = (
            f"{filepath}: {where}. Set SEGMENTATION_SOURCE to the customers' file, or unset it "
            "to use the shipped sample."
        )
        raise UserError(message)
    is_remote = "://" in filepath
    return tuple(
        TextFile(filesystem, name, filesystem.unstrip_protocol(name) if is_remote else name)
        for name in sorted(found)
    )


def _inspect_file(
    file: TextFile,
    digest: Any,  # noqa: ANN401 - hashlib's type has no public name
) -> tuple[TextHeader, RecordCounter | None, int, int]:
    """The header, what else was found (nothing if irregular), the rows, and the longest's bytes."""
    from customer_segmentation.datasets.text_blocks import (  # noqa: PLC0415 - numpy takes 0.1 s, which commands that read no data need not pay
        IrregularTextError,
        RecordCounter,
    )

    blocks = _checked_blocks(file, digest)
    head = next(blocks, b"")
    header = read_header(file.name, head)
    columns = len(header.names)
    counter = RecordCounter(file.name, header.delimiter, columns, header.lines - 1)
    if header.is_regular:
        try:
            for block in chain([head[header.start :]], blocks):
                counter.feed(block)
            counter.finish()
        except IrregularTextError:
            pass
        else:
            # The header is a record too.
            return header, counter, counter.records - 1, counter.longest
    # Every byte is hashed and checked all the same.
    deque(blocks, maxlen=0)
    rows = longest = 0
    for line, cells in csv_rows(file.open(), file.name, header.delimiter, header.lines):
        if any(cells[columns:]):
            raise too_many_cells(file.name, line, columns)
        rows += 1
        longest = max(longest, len(header.delimiter.join(cells).encode()))
    return header, None, rows, longest


def _checked_blocks(file: TextFile, digest: Any) -> Iterator[bytes]:  # noqa: ANN401 - as above
    """The bytes after a byte-order mark, hashed with it, and known to be text."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    before = 0
    with file.open() as content:
        block = content.read(_BLOCK)
        while block:
            following = content.read(_BLOCK)
            digest.update(block)
            # pandas would end a cell at a NUL; UTF-16 without its mark is full of them.
            wrong = before + block.find(b"\0") if b"\0" in block else None
            begun = decoder.getstate()[0]
            try:
                if begun or not block.isascii():
                    decoder.decode(block, final=not following)
            except UnicodeDecodeError as error:
                wrong = before - len(begun) + error.start
            if wrong is not None:
                raise _not_text(file, wrong)
            yield block if before else block.removeprefix(codecs.BOM_UTF8)
            before += len(block)
            block = following


def _not_text(file: TextFile, position: int) -> UserError:
    line = 1
    with file.open() as content:
        while position > 0 and (block := content.read(min(position, _BLOCK))):
            line += block.count(b"\n")
            position -= len(block)
    return UserError(f"{file.name}: line {line} is not UTF-8 text. Save the file as UTF-8.")
