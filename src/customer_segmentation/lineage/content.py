"""Identify the content of a dataset by a mark that no other content has."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ConfigDict, with_config

from customer_segmentation.datasets.pending import filesystem_of, place_of

# Operations in the log of a Delta table that do not change its rows.
_MAINTENANCE = {"OPTIMIZE", "VACUUM START", "VACUUM END", "FSCK"}
_LOG = "_delta_log"
SHA256 = "sha256:"


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True)
class Content:
    """The content of a table or file.

    Attributes:
        mark: SHA-256 of a local file; the ETag of an object; for a Delta table, the last version
            that changed rows and the hash of that commit; for a folder, a hash of the names and
            sizes of its parts; for a managed table, the run that saved it.
        size: In bytes; 0 for a Delta table.
        modified: Modification time of a local file in nanoseconds; else 0.
    """

    mark: str
    size: int = 0
    modified: int = 0


def is_kept(dataset: Any) -> bool:  # noqa: ANN401 - as above
    """Whether a dataset outlives its run: a file, or a managed table."""
    return place_of(dataset) is not None or hasattr(dataset, "_table")


def content_of(dataset: Any) -> Content | None:  # noqa: ANN401 - as above
    """The current content of a dataset; None if it has no path, or nothing is there."""
    place = place_of(dataset)
    if place is None:
        return None
    files, path = filesystem_of(place)
    try:
        if "file" in files.protocol and Path(path).is_file():
            return _local(Path(path))
        info = files.info(path)
        if info["type"] == "file":
            etag = str(info.get("ETag", "")).strip('"')
            return Content(f"etag:{etag}" if etag else f"size:{info['size']}", info["size"])
        if files.exists(f"{path}/{_LOG}"):
            return _delta(files, f"{path}/{_LOG}")
        return _folder(files, path)
    except FileNotFoundError:
        return None


def is_unchanged(dataset: Any, known: Content) -> bool:  # noqa: ANN401 - as above
    """Whether the content is still the same; a local file is read only if it was touched."""
    place = place_of(dataset)
    if place is None:
        return True
    if "://" not in place and known.modified:
        path = Path(place)
        if path.is_file() and _touched(path) == (known.size, known.modified):
            return True
    now = content_of(dataset)
    return now is not None and now.mark == known.mark


def _local(path: Path) -> Content:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Content(f"{SHA256}{digest}", *_touched(path))


def _touched(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _folder(files: Any, path: str) -> Content | None:  # noqa: ANN401 - fsspec ships no types
    parts = sorted(files.find(path, detail=True).items())
    if not parts:
        return None
    # Each save gives the parts other names.
    named = [(name.removeprefix(path), part["size"]) for name, part in parts]
    digest = hashlib.sha256(json.dumps(named).encode()).hexdigest()
    return Content(f"parts:{digest}", sum(size for _, size in named))


def _delta(files: Any, log: str) -> Content | None:  # noqa: ANN401 - as above
    commits = (name for name in files.ls(log, detail=False) if name.endswith(".json"))
    for name in sorted(commits, reverse=True):
        commit = files.cat_file(name)
        infos = (json.loads(line).get("commitInfo") for line in commit.splitlines())
        info: dict[str, Any] = next(filter(None, infos), {})
        if info.get("operation") not in _MAINTENANCE:
            version = int(PurePosixPath(name).stem)
            return Content(f"delta:{version}:{hashlib.sha256(commit).hexdigest()[:16]}")
    return None
