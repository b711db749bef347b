"""Recognise the kind of a file by its first bytes; refuse unsupported kinds by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from customer_segmentation.errors import UserError
from customer_segmentation.sources.cells import Cells
from customer_segmentation.sources.content import Content
from customer_segmentation.sources.delimited import delimited_cells
from customer_segmentation.sources.excel import excel_cells
from customer_segmentation.sources.json_lines import json_lines_cells
from customer_segmentation.sources.packed import PARQUET, ZIP, is_workbook
from customer_segmentation.sources.parquet import parquet_cells

Kind = Literal["csv", "parquet", "ndjson", "xlsx"]

# How messages name each kind, and what reads it.
_KINDS: dict[Kind, tuple[str, Callable[[Content], Cells]]] = {
    "csv": ("delimited text", delimited_cells),
    "parquet": ("a Parquet file", parquet_cells),
    "ndjson": ("a file of JSON lines", json_lines_cells),
    "xlsx": ("an Excel workbook", excel_cells),
}
_START = 1 << 10
_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_ENCRYPTED_BOOK = "encrypted by Excel. Save it without a password."
_OLD_OFFICE = "an old Excel workbook (.xls) or another file of old Office. Save it as .xlsx or CSV."
# How far into a file old Office formats keep the names of their parts.
_LARGEST_DIRECTORY = 1 << 24
_EXPORT = "Export the table as CSV, .xlsx or Parquet."
_UNPACK = "Unpack it, or pack it as .gz or .zip."
_REFUSED: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", f"a PDF. {_EXPORT}"),
    (b"SQLite format 3\0", f"an SQLite database. {_EXPORT}"),
    (b"PARE", "an encrypted Parquet file. Write it without encryption."),
    (b"ARROW1", "an Arrow (Feather) file. Write it as Parquet."),
    (b"ORC", "an ORC file. Write it as Parquet."),
    (b"Obj\x01", "an Avro file. Write it as Parquet."),
    (b"\x89HDF", f"an HDF5 file. {_EXPORT}"),
    (b"{\\rtf", f"a rich text document. {_EXPORT}"),
    (b"BZh", f"packed by bzip2. {_UNPACK}"),
    (b"\xfd7zXZ\0", f"packed by xz. {_UNPACK}"),
    (b"\x28\xb5\x2f\xfd", f"packed by zstd. {_UNPACK}"),
    (b"7z\xbc\xaf\x27\x1c", f"a 7z archive. {_UNPACK}"),
    (b"Rar!", f"a RAR archive. {_UNPACK}"),
    (b"\x80\x04\x95", f"a pickle, which is never read. {_EXPORT}"),
    (b"\x80\x05\x95", f"a pickle, which is never read. {_EXPORT}"),
)
_TAR, _TAR_AT = b"ustar", 257
_REFUSED_TEXT = (
    (
        re.compile(rb"\s*<(!doctype|html|head|body|table|meta|div|style|script)\b", re.IGNORECASE),
        f"an HTML page, whatever its name says. {_EXPORT}",
    ),
    (re.compile(rb"\s*<\?xml"), f"XML. {_EXPORT}"),
    (
        re.compile(rb"\s*\[\s*[\[{\]]"),
        "one JSON list. Write one object a line: jq -c '.[]' FILE.",
    ),
)
_JSON_OBJECT = re.compile(rb'\s*\{\s*["}]')


def open_cells(content: Content, declared: Kind | None = None) -> Cells:
    """The table that a file holds.

    Args:
        content: The file, unpacked.
        declared: The kind it is said to be.

    Raises:
        UserError: It is not a table, of an unsupported kind, or of another kind than declared.
    """
    kind = _kind_of(content)
    name, reader = _KINDS[kind]
    if declared not in {None, kind}:
        wanted, _ = _KINDS[declared]
        raise UserError(
            f"{content.name}: it was sent as {wanted}, but looks like {name}. Send {wanted}, or "
            "say what it is."
        )
    return reader(content)


def _kind_of(content: Content) -> Kind:
    """The kind of a file that is not packed.

    Raises:
        UserError: The kind is not supported.
    """
    with content.open() as file:
        start = file.read(_START)
    if start.startswith(PARQUET):
        return "parquet"
    if start.startswith(ZIP) and is_workbook(content):
        return "xlsx"
    what = next((what for magic, what in _REFUSED if start.startswith(magic)), "")
    if start.startswith(_OFFICE):
        with content.open() as file:
            is_encrypted = _ENCRYPTED in file.read(_LARGEST_DIRECTORY)
        what = _ENCRYPTED_BOOK if is_encrypted else _OLD_OFFICE
    if start[_TAR_AT:].startswith(_TAR):
        what = f"a tar archive. {_UNPACK}"
    if not what:
        with content.text() as text:
            start = text.read(_START)
        what = next((what for pattern, what in _REFUSED_TEXT if pattern.match(start)), "")
    if what:
        raise UserError(f"{content.name}: it is {what}")
    return "ndjson" if _JSON_OBJECT.match(start) else "csv"
