"""The files of a source: one, those of a folder, or those that a pattern names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from fsspec import AbstractFileSystem
from fsspec.core import has_magic, url_to_fs

from customer_segmentation.errors import UserError

# Endings of the files that are read from a folder, in either case.
ENDINGS = (
    *(".csv", ".tsv", ".tab", ".psv", ".txt"),
    *(".json", ".jsonl", ".ndjson", ".parquet", ".pq", ".xlsx", ".xlsm", ".gz", ".zip"),
)
# Engines keep their own notes in such files.
HIDDEN = "it is a hidden file"
_IS_FOLDER = "it is a folder"
# It may be a table, or a note about the tables beside it.
_UNSURE = ".txt"
_SET_SOURCE = (
    "Set SEGMENTATION_SOURCE to the customers' file, or unset it to use the shipped sample."
)


@dataclass(frozen=True)
class SourceFile:
    """One file of a source: where it is, and how messages name it.

    `is_sure` is false for a file of a folder that may not be a table: it is read if it has the
    same header as the others, and listed as skipped otherwise.
    """

    filesystem: AbstractFileSystem
    path: str
    name: str
    is_sure: bool = True


def find_files(filepath: str, advice: str = _SET_SOURCE) -> tuple[list[SourceFile], dict[str, str]]:
    """The files of a source, and why each of the others beside them is skipped.

    Args:
        filepath: A path, or a URL of a file system that fsspec knows.
        advice: What to do if there is none.

    Raises:
        UserError: There is none.
    """
    # A cached listing would hide files that were added since.
    filesystem, path = url_to_fs(filepath, use_listings_cache=False)
    try:
        # `isfile` would hide errors such as a refused login.
        kind = filesystem.info(path)["type"]
    except (FileNotFoundError, NotADirectoryError):
        kind = None
    if kind == "file":
        return [SourceFile(filesystem, path, filepath)], {}
    if kind == "directory":
        reasons = {
            each["name"]: why_skipped(each["name"]) if each["type"] == "file" else _IS_FOLDER
            for each in filesystem.ls(path, detail=True)
        }
        where = "the folder holds no file with a name that ends in " + ", ".join(ENDINGS)
    else:
        entries = filesystem.glob(path, detail=True) if has_magic(path) else {}
        # A pattern may name hidden files and any ending.
        reasons = {n: "" if e["type"] == "file" else _IS_FOLDER for n, e in entries.items()}
        where = "there is no such file"
    names = sorted(name for name, why in reasons.items() if not why)
    if not names:
        raise UserError(f"{filepath}: {where}. {advice}")

    def named(name: str) -> str:
        return filesystem.unstrip_protocol(name) if "://" in filepath else name

    unsure = unsure_of(names)
    files = [SourceFile(filesystem, n, named(n), is_sure=n not in unsure) for n in names]
    return files, {named(name): why for name, why in sorted(reasons.items()) if why}


def why_skipped(name: str) -> str:
    """Why a file of a folder or archive is not read; '' if it is."""
    path = PurePosixPath(name)
    if path.name[0] in "._":
        return HIDDEN
    return "" if path.suffix.lower() in ENDINGS else "its file extension is not one that is read"


def unsure_of(names: list[str]) -> set[str]:
    """The files of a folder that may not be tables, if there are others."""
    unsure = {name for name in names if PurePosixPath(name).suffix.lower() == _UNSURE}
    return unsure if len(unsure) < len(names) else set()
