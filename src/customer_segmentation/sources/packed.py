"""The files inside gzip and zip archives; what unpacks to too much is refused."""

from __future__ import annotations

import gzip
import io
import lzma
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any, BinaryIO, cast

from customer_segmentation.errors import UserError
from customer_segmentation.sources.content import Content
from customer_segmentation.sources.files import HIDDEN, unsure_of, why_skipped
from customer_segmentation.sources.limits import MAX_MEMBERS, MAX_TIMES, MAX_UNFOLDED

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
PARQUET = b"PAR1"
_WORKBOOK = "xl/workbook.xml"
# Documents that are zip files, by a part that each contains.
_DOCUMENTS = {
    "xl/workbook.bin": "a binary Excel workbook (.xlsb). Save it as .xlsx or CSV.",
    "word/document.xml": "a Word document. Export the table as CSV or .xlsx.",
    "ppt/presentation.xml": "a PowerPoint file. Export the table as CSV or .xlsx.",
    "content.xml": "an OpenDocument file. Save it as .xlsx or CSV.",
    "Index/Document.iwa": "a file of Numbers or Pages. Export it as CSV or .xlsx.",
}
# A zip of packed files is common; nobody packs a table three times.
_DEEPEST = 2
_AT_ONCE = 1 << 20
_DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError)


def unpacked(content: Content, depth: int = 0) -> tuple[list[Content], dict[str, str]]:
    """The files in an archive, or the file itself; and the files that are skipped, and why.

    Raises:
        UserError: It is damaged, encrypted, packed too often, or unpacks to too much.
    """
    with content.open() as file:
        start = file.read(len(ZIP))
    is_zip = start == ZIP and not is_workbook(content)
    if not (is_zip or start.startswith(GZIP)):
        return [content], {}
    if depth == _DEEPEST:
        raise UserError(f"{content.name}: it is packed more than {_DEEPEST} times. Unpack it.")
    if not depth:
        with content.open() as file:
            content = replace(content, packed=file.seek(0, 2))
    if is_zip:
        members, skipped = _members(content)
    else:
        unzipped = _guarded(content, content.name, lambda file: gzip.GzipFile(fileobj=file))
        members, skipped = [unzipped], {}
    found: list[Content] = []
    for packed in members:
        inner, more = unpacked(_seekable(packed), depth + 1)
        found += inner
        skipped |= more
    return found, skipped


def is_workbook(content: Content) -> bool:
    """Whether a zip is an Excel workbook.

    Raises:
        UserError: It is damaged.
    """
    with content.open() as file, opened(content, file) as archive:
        return _WORKBOOK in archive.namelist()


def opened(content: Content, file: BinaryIO) -> zipfile.ZipFile:
    """A zip file within the limits.

    Raises:
        UserError: It is damaged or encrypted, has too many files, or unpacks to too much.
    """
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGED as error:
        raise _damaged(content.name, error) from error
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise UserError(
            f"{content.name}: the archive holds {len(infos)} files and folders; at most "
            f"{MAX_MEMBERS} are allowed. Put the tables together, or pack them in several archives."
        )
    if any(info.flag_bits & 1 for info in infos):
        raise UserError(f"{content.name}: it is encrypted. Save it without a password.")
    size = content.packed or file.seek(0, 2)
    if sum(info.file_size for info in infos) > _max(size):
        raise _too_much(content.name, size)
    return archive


def member(content: Content, name: str) -> Content:
    """A file in a zip."""
    path = f"{content.name}/{name}"
    return _guarded(content, path, lambda file: opened(content, file).open(name))


def _members(content: Content) -> tuple[list[Content], dict[str, str]]:
    with content.open() as file, opened(content, file) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
    what = next((what for part, what in _DOCUMENTS.items() if part in names), None)
    if what:
        raise UserError(f"{content.name}: it is {what}")
    whys = {name: why_skipped(name) for name in names}
    read = [name for name, why in whys.items() if not why]
    if not read:
        # The ending of a single file does not matter.
        read = [name for name, why in whys.items() if why != HIDDEN]
    if len(whys) < len(names) or (len(read) != 1 and all(whys[name] for name in read)):
        raise UserError(
            f"{content.name}: the archive holds no table, or two files of one name. Pack the "
            "customers' files alone."
        )
    unsure = unsure_of(read)
    members = [replace(member(content, n), is_sure=n not in unsure) for n in sorted(read)]
    return members, {f"{content.name}/{n}": why for n, why in whys.items() if n not in read}


def _guarded(content: Content, name: str, unpack: Callable[[BinaryIO], Any]) -> Content:
    """A file that `unpack` opens from the bytes of its archive."""
    return replace(
        content, name=name, open=lambda: cast("BinaryIO", _Guarded(content, name, unpack))
    )


class _Guarded(io.RawIOBase):
    """The bytes of a packed file; errors name the file, and its size is limited.

    Args:
        content: The archive.
        name: For messages.
        unpack: Opens the file from the bytes of the archive.
    """

    def __init__(self, content: Content, name: str, unpack: Callable[[BinaryIO], Any]) -> None:
        self._name = name
        self._read = 0
        self._packed = content.open()
        try:
            self._size = content.packed or self._packed.seek(0, 2)
            self._packed.seek(0)
            self._bytes = unpack(self._packed)
        except BaseException as error:
            self._packed.close()
            if isinstance(error, (*_DAMAGED, NotImplementedError)):
                raise _damaged(name, error) from error
            raise

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        try:
            block = self._bytes.read(size)
        except _DAMAGED as error:
            raise _damaged(self._name, error) from error
        self._read += len(block)
        if self._read > _max(self._size):
            raise _too_much(self._name, self._size)
        return block

    def close(self) -> None:
        self._bytes.close()
        self._packed.close()
        super().close()


def _seekable(packed: Content) -> Content:
    """The same content; a kind of file that needs seeking is unpacked to disk."""
    with packed.open() as file:
        start = file.read(len(ZIP))
    if start not in {ZIP, PARQUET} and not start.startswith(GZIP):
        return packed

    def spooled() -> BinaryIO:
        copy = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - its reader closes it
        with packed.open() as file:
            shutil.copyfileobj(file, copy, _AT_ONCE)
        copy.seek(0)
        return copy

    return replace(packed, open=spooled)


def _max(size: int) -> int:
    return max(MAX_UNFOLDED, MAX_TIMES * size)


def _too_much(name: str, size: int) -> UserError:
    return UserError(
        f"{name}: it has {size} bytes and unfolds to more than {_max(size)}. Unpack it, see what "
        "it holds, and give the files as they are."
    )


def _damaged(name: str, error: Exception) -> UserError:
    return UserError(f"{name}: it cannot be unpacked ({error}). Pack or download it again.")
