"""The files of a landing folder as one listing tells of them; none is opened."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from customer_segmentation.customers.account import printable
from customer_segmentation.sources.files import ENDINGS

# What programs call a file that they still write, in either case.
TEMPORARY = (
    *(".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download"),
    *(".uploading", ".writing", ".inprogress", ".swp", "~"),
)
# A file that holds one message, as `serving.ingestion` writes them: its moment, and chance.
MESSAGE = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{16}\.jsonl")
# Names that a message lists.
_SHOWN = 5


@dataclass(frozen=True)
class Found:
    """A file of a folder.

    Attributes:
        name: Its path below the folder.
        path: In its file system.
        state: A text that changes when the file does.
        size: In bytes.
        modified: Seconds since 1970, as its writer may have set them.
        changed: The same as the file system has seen it, where that is known.
    """

    name: str
    path: str
    state: str
    size: int
    modified: float
    changed: float


@dataclass(frozen=True)
class Listing:
    """What is in a folder.

    Attributes:
        files: Those that may be tables, the oldest first; of one time by name.
        unfinished: Names of those that are still written, as their names say.
        others: Names of those that no reader knows.
    """

    files: tuple[Found, ...]
    unfinished: tuple[str, ...]
    others: tuple[str, ...]


def list_folder(files: Any, root: str, pattern: str = "") -> Listing:  # noqa: ANN401 - fsspec ships no types
    """All files of a folder and of the folders in it, by one listing.

    Args:
        files: The file system of fsspec's.
        root: The folder.
        pattern: Which files; without one, those with an ending that is known.
    """
    return _sorted(files.find(root, detail=True), root, pattern)


def find_named(files: Any, root: str, paths: Iterable[str], pattern: str = "") -> Listing:  # noqa: ANN401 - as above
    """Those files of a folder that somebody else has listed; what is gone is left out.

    Args:
        files: As of `list_folder`.
        root: As of `list_folder`.
        paths: Of the files.
        pattern: As of `list_folder`.
    """
    told = {}
    for path in paths:
        with suppress(FileNotFoundError):
            told[path] = files.info(path)
    return _sorted(told, root, pattern)


def _sorted(told: Mapping[str, Mapping[str, Any]], root: str, pattern: str) -> Listing:
    """The files by what their names say.

    Hidden ones, with a name or a folder that begins with `.` or `_`, are left out. Without a
    pattern as of `PurePath.match`, such as `orders/*.csv`, those with a known ending may be tables.
    """
    found, unfinished, others = [], [], []
    for path, info in told.items():
        name = path.removeprefix(root).lstrip("/")
        place = PurePosixPath(name)
        if info["type"] != "file" or not name or any(part[0] in "._" for part in place.parts):
            continue
        if name.lower().endswith(TEMPORARY):
            unfinished.append(name)
        elif place.match(pattern) if pattern else place.suffix.lower() in ENDINGS:
            found.append(_found(name, path, info))
        elif not pattern:
            others.append(name)
    in_order = sorted(found, key=lambda each: (each.modified, each.name))
    return Listing(tuple(in_order), tuple(sorted(unfinished)), tuple(sorted(others)))


def state_now(files: Any, path: str) -> str:  # noqa: ANN401 - as above
    """The state of a file now; '' if it is gone."""
    try:
        return _state(files.info(path))
    except FileNotFoundError:
        return ""


def named(names: Sequence[str]) -> str:
    """Some names, and how many more there are."""
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(map(printable, names[:_SHOWN])) + more


def _found(name: str, path: str, info: Mapping[str, Any]) -> Found:
    modified = _seconds(info.get("LastModified") or info.get("mtime") or info.get("created"))
    # On a disk nobody can set it, unlike the time of modification, which uploads may keep.
    changed = _seconds(info["created"]) if "ino" in info else modified
    return Found(name, path, _state(info), int(info["size"]), modified, changed)


def _state(info: Mapping[str, Any]) -> str:
    if tag := info.get("ETag"):
        return f"{info['size']}-{tag}".replace('"', "")
    keys = ("size", "mtime", "ino")
    return "-".join(str(info[key]) for key in keys if key in info)


def _seconds(time: object) -> float:
    if isinstance(time, datetime):
        return time.timestamp()
    return float(time) if isinstance(time, int | float) else 0.0
