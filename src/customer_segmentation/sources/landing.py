"""Land a source: hash and check its bytes, and write one text Parquet file, or nothing."""

from __future__ import annotations

import glob
import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import BinaryIO

from fsspec.core import url_to_fs

from customer_segmentation.errors import UserError
from customer_segmentation.sources.cells import Cells
from customer_segmentation.sources.content import UTF8, Content
from customer_segmentation.sources.customers import CustomerFile
from customer_segmentation.sources.files import HIDDEN, SourceFile, find_files
from customer_segmentation.sources.landed import Landed, write
from customer_segmentation.sources.packed import unpacked
from customer_segmentation.sources.recognise import Kind, open_cells
from customer_segmentation.sources.scratch import remove_left

logger = logging.getLogger(__name__)

_WRITTEN = "landed.parquet"
# Unchanged for so long, a folder is a leftover: landing writes all the time.
_LEFT_SECONDS = 600.0
_SET_CUSTOMERS = (
    "Set SEGMENTATION_CUSTOMERS to the file of customers beside order lines, or unset it."
)


@dataclass(frozen=True)
class _Opened:
    """A source whose files are on this machine.

    Attributes:
        filepath: As configured.
        tables: By name.
        skipped: Name of each file that is not read, and why.
        paths: Of all files, by name.
        states: Of all files, before they were read.
    """

    filepath: str
    tables: dict[str, Cells]
    skipped: dict[str, str]
    paths: dict[str, Path]
    states: list[tuple[int, int]]

    @property
    def name(self) -> str:
        """Of the file, folder or pattern."""
        return PurePosixPath(self.filepath).name

    @property
    def read(self) -> list[Path]:
        """The files that are read."""
        return [path for name, path in self.paths.items() if name not in self.skipped]


def land(  # noqa: PLR0913 - of two sources
    filepath: str,
    target: str,
    *,
    encoding: str = UTF8,
    sheet: str | None = None,
    customers: str | None = None,
    customers_sheet: str | None = None,
) -> Landed:
    """Read a file, a folder's files or those a pattern names, and write them as one Parquet.

    Args:
        filepath: A path, or a URL of a file system that fsspec knows.
        target: Path or URL of the Parquet file; the old one stays until the new one is complete.
        encoding: Of text that has no byte-order mark.
        sheet: The sheet to read from workbooks.
        customers: The same of a second source: each row gets the cells of its customer's row
            there, found by the one header that both have.
        customers_sheet: The sheet to read from workbooks of that source.

    Raises:
        UserError: A file is missing, empty, malformed or too large, the headers of the files
            differ, there is no row, or lines and customers cannot be joined.
    """
    found = find_files(filepath)
    beside = find_files(customers, _SET_CUSTOMERS) if customers else None
    with _scratch_for(target) as scratch:
        opened = [_open(filepath, *found, scratch, encoding, sheet)]
        name, tables = opened[0].name, opened[0].tables
        notes: Callable[[], Iterable[str]] = tuple
        if customers and beside:
            other = _open(customers, *beside, scratch, encoding, customers_sheet)
            opened.append(other)
            headers = next(iter(tables.values())).headers
            file = CustomerFile(other.name, other.tables, name, headers)
            tables = {part: file.joined(cells) for part, cells in tables.items()}
            name, notes = f"{name} with {other.name}", file.notes
        landed = write(
            tables,
            scratch / _WRITTEN,
            name=name,
            sha256=_sha256(path for each in opened for path in each.read),
            skipped={path: why for each in opened for path, why in each.skipped.items()},
            notes=notes,
        )
        if not landed.rows:
            raise UserError(
                f"{filepath}: there is a header but no row below it. Export it with rows."
            )
        for each in opened:
            if _states(each.paths.values()) != each.states:
                raise UserError(f"{each.filepath}: it was changed while it was read. Run again.")
    told = [f"{each} ({why})" for each, why in landed.skipped if why != HIDDEN]
    if told:
        logger.warning("%s: not read: %s", filepath, "; ".join(told))
    return landed


def first_rows(
    filepath: str, count: int, encoding: str, sheet: str | None
) -> tuple[tuple[str, ...], list[list[str]]]:
    """The headers and the first rows of the first file.

    Raises:
        UserError: There is no file, or it does not start as a table.
    """
    files, _ = find_files(filepath)
    file = next(each for each in files if each.is_sure)
    content = Content(file.name, partial(file.filesystem.open, file.path), encoding, sheet)
    members, _ = unpacked(content)
    cells = open_cells(members[0])
    rows = (
        row.values()
        for batch in cells.batches(cells.headers)
        for row in batch.slice(0, count).to_pylist()
    )
    return cells.headers, list(map(list, islice(rows, count)))


def open_tables(
    contents: Iterable[Content], kind: Kind | None = None
) -> tuple[dict[str, Cells], dict[str, str]]:
    """The tables of files with the same header, and why each of the others is skipped.

    Args:
        contents: The files.
        kind: The kind that all must have; any, if not given.

    Raises:
        UserError: A file that is sure to be a table is not one, or has another header.
    """
    tables: dict[str, Cells] = {}
    skipped: dict[str, str] = {}
    files: list[Content] = []
    for content in contents:
        members, not_read = unpacked(content)
        files += members
        skipped |= not_read
    # Sure tables first: the others must have their header.
    for file in sorted(files, key=lambda file: not file.is_sure):
        try:
            cells = open_cells(file, kind)
            _require_same_header(file.name, cells, tables)
        except UserError as error:
            if file.is_sure:
                raise
            skipped[file.name] = str(error).removeprefix(f"{file.name}: ")
        else:
            tables[file.name] = cells
    return dict(sorted(tables.items())), dict(sorted(skipped.items()))


def _require_same_header(name: str, cells: Cells, tables: dict[str, Cells]) -> None:
    other, first = next(iter(tables.items()), (name, cells))
    separators = {cells.separator, first.separator} - {None}
    if cells.headers != first.headers or len(separators) > 1:
        raise UserError(
            f"{name}: its header is not that of {other}. Give all files of a source the same "
            "columns in the same order, and the same delimiter."
        )


def _open(  # noqa: PLR0913, PLR0917 - the arguments of `land`
    filepath: str,
    files: list[SourceFile],
    left: dict[str, str],
    scratch: Path,
    encoding: str,
    sheet: str | None,
) -> _Opened:
    paths = {file.name: _local(file, scratch) for file in files}
    states = _states(paths.values())
    opens = {name: partial(_opened, path) for name, path in paths.items()}
    contents = [Content(f.name, opens[f.name], encoding, sheet, f.is_sure) for f in files]
    tables, skipped = open_tables(contents)
    return _Opened(filepath, tables, left | skipped, paths, states)


def _local(file: SourceFile, scratch: Path) -> Path:
    """The file, or a copy of it on this machine."""
    if "file" in file.filesystem.protocol:
        return Path(file.path)
    copy = scratch / f"{len(list(scratch.iterdir()))}-{PurePosixPath(file.path).name}"
    file.filesystem.get_file(file.path, str(copy))
    return copy


def _opened(path: Path) -> BinaryIO:
    return path.open("rb")


def _states(paths: Iterable[Path]) -> list[tuple[int, int]]:
    return [(stat.st_size, stat.st_mtime_ns) for stat in (path.stat() for path in paths)]


def _sha256(paths: Iterable[Path]) -> str:
    """The hash of the concatenated bytes of all files."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            hashlib.file_digest(file, lambda: digest)
    return digest.hexdigest()


@contextmanager
def whole_file(target: str) -> Iterator[Path]:
    """A file to write, which replaces the target if nothing fails."""
    with _scratch_for(target) as scratch:
        yield scratch / _WRITTEN


@contextmanager
def _scratch_for(target: str) -> Iterator[Path]:
    """A scratch folder; the file written in it replaces the target if nothing fails."""
    filesystem, path = url_to_fs(target)
    is_local = "file" in filesystem.protocol
    if is_local:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        # Another run may be landing right now.
        remove_left(Path(path).parent, f".landing-{glob.escape(Path(path).name)}-*", _LEFT_SECONDS)
    beside = Path(path).parent if is_local else None
    with TemporaryDirectory(prefix=f".landing-{PurePosixPath(path).name}-", dir=beside) as folder:
        yield Path(folder)
        written = Path(folder) / _WRITTEN
        if is_local:
            written.replace(path)
        else:
            filesystem.put_file(str(written), path)
