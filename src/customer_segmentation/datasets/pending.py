"""Where the next state of a table or file waits until all of its run is published."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs

FOLDER = ".pending"

_log = logging.getLogger(__name__)


def place_of(dataset: Any, attribute: str = "_filepath") -> str | None:  # noqa: ANN401 - any kind
    """The path or URL of a dataset; nothing for one that is no file, such as a managed table."""
    path = getattr(dataset, attribute, None)
    if path is None:
        return None
    protocol = getattr(dataset, "_protocol", "") or "file"
    if "://" in str(path) or protocol == "file":
        return str(path).replace("s3a://", "s3://", 1)
    return f"{'s3' if protocol == 's3a' else protocol}://{path}"


def filesystem_of(place: str) -> Any:  # noqa: ANN401 - fsspec ships no types
    """The file system of a path or URL, and the path in it."""
    # Listings that are kept would miss what other libraries write.
    return url_to_fs(place, use_listings_cache=False) if "://" in place else url_to_fs(place)


def waiting_place(place: str) -> str:
    """Beside a place, under the same name, so that a rename stays on one disk."""
    folder, separator, name = place.rpartition("/")
    return f"{folder}{separator}{FOLDER}/{name}"


def publish(waiting: str, place: str) -> None:
    """Put what waits in its place; nothing happens where nothing waits, so it can be done again.

    A local file is renamed, a local folder replaces the other. In a bucket the store copies, and
    what waited stays until `clear`: after a kill half way all of it is still there to be copied.
    """
    files, source = filesystem_of(waiting)
    _, target = filesystem_of(place)
    if "file" in files.protocol:
        if Path(source).exists():
            if Path(source).is_dir():
                shutil.rmtree(target, ignore_errors=True)
            Path(source).replace(target)
        return
    for path in files.find(source):
        files.cp_file(path, target + path.removeprefix(source))
    # The parts of a folder have other names each time.
    if not files.isfile(source) and (kept := _names(files, source)):
        for name in _names(files, target) - kept:
            files.rm_file(target + name)


def clear(places: Iterable[str]) -> None:
    """Remove what waits beside any of these places, and what killed runs left there."""
    folders = {waiting_place(place).rpartition("/")[0] for place in places}
    for folder in folders:
        files, path = filesystem_of(folder)
        if "file" in files.protocol:
            shutil.rmtree(path, ignore_errors=True)
            continue
        try:
            for name in files.find(path):
                files.rm_file(name)
        except Exception as error:  # noqa: BLE001 - it is rubbish, and the next run tries again
            _log.warning("%s cannot be removed (%s): the next run tries again", folder, error)


def _names(files: Any, folder: str) -> set[str]:  # noqa: ANN401 - fsspec ships no types
    return {path.removeprefix(folder) for path in files.find(folder)}
