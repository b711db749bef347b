"""The bytes of one file, after unpacking, and as checked UTF-8 text."""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from customer_segmentation.errors import UserError

UTF8 = "utf-8"
_BLOCK = 1 << 20
# UTF-32 before UTF-16: its mark starts with the same bytes.
_MARKS = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class Content:
    """A file that can be opened any number of times.

    Attributes:
        name: For messages.
        open: Opens its bytes as a stream that can seek.
        encoding: Of its text, unless a byte-order mark says otherwise.
        sheet: The sheet to read, for a workbook.
        is_sure: False for one of several files that may be no table: it is then skipped.
        packed: Size in bytes of the archive it came in; 0 without one.
    """

    name: str
    open: Callable[[], BinaryIO]
    encoding: str = UTF8
    sheet: str | None = None
    is_sure: bool = True
    packed: int = 0

    def text(self) -> BinaryIO:
        """Its text in UTF-8, without a byte-order mark.

        Raises:
            UserError: While reading: it is not valid text in its encoding, or contains a NUL.
        """
        return io.BufferedReader(_Text(self), _BLOCK)


class EncodingError(UserError):
    """Text that is not UTF-8, and whose encoding nothing says."""


class _Text(io.RawIOBase):
    """A stream of valid UTF-8, converted from the encoding of the content."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._bytes = content.open()
        try:
            self._held = self._bytes.read(_BLOCK)
        except BaseException:
            self._bytes.close()
            raise
        marks = ((mark, name) for mark, name in _MARKS if self._held.startswith(mark))
        mark, self._encoding = next(marks, (b"", content.encoding))
        self._held = self._held[len(mark) :]
        # Bytes of the file before the held ones.
        self._before = len(mark)
        self._decoder = codecs.getincrementaldecoder(self._encoding)()
        self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._ready and self._held:
            block, self._held = self._held, self._bytes.read(_BLOCK)
            self._ready = self._checked(block, is_last=not self._held)
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def close(self) -> None:
        self._bytes.close()
        super().close()

    def _checked(self, block: bytes, *, is_last: bool) -> bytes:
        begun = self._decoder.getstate()[0]
        try:
            text = self._decoder.decode(block, final=is_last).encode()
        except UnicodeError as error:
            start = error.start if isinstance(error, UnicodeDecodeError) else 0
            raise self._no_text(self._before - len(begun) + start) from error
        # Other parsers would end a cell at a NUL; UTF-16 without its mark is full of them.
        if b"\0" in text:
            raise self._no_text(self._before + max(block.find(b"\0"), 0))
        self._before += len(block)
        return text

    def _no_text(self, position: int) -> UserError:
        if self._encoding != UTF8:
            return UserError(
                f"{self._content.name}: byte {position} is no text in {self._encoding}, the "
                "encoding that is declared or that its first bytes say. Save the file as UTF-8."
            )
        line = line_of(self._content, position)
        return EncodingError(
            f"{self._content.name}: line {line} is not UTF-8 text. Save the file as UTF-8, or "
            "declare the encoding that it has, such as cp1252 or utf-16-le: by "
            "SEGMENTATION_ENCODING for a run, by `text/csv; charset=cp1252` for a job of the API."
        )


def line_of(content: Content, position: int) -> int:
    """The line number, from 1, of a byte position; lines end in LF, CRLF or CR."""
    line = 1
    with io.TextIOWrapper(content.open(), "latin-1", newline="") as text:
        while position > 0 and (piece := text.readline(min(position, _BLOCK))):
            position -= len(piece)
            line += piece.endswith(("\r", "\n"))
    return line


def require_encoding(name: str) -> str:
    """The codec's own name for an encoding of text.

    Raises:
        UserError: Python knows no such encoding.
    """
    try:
        "a".encode(name)
        return codecs.lookup(name).name
    # Python's codec `undefined` refuses all text.
    except (LookupError, UnicodeError) as error:
        raise UserError(
            f"encoding: there is no {name!r}. Set one such as utf-8, cp1252 or latin-1."
        ) from error
