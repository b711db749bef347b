"""Where the new state of a table or file waits until the whole run is published."""

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
    """The path or URL of a dataset; None for one without files, such as a managed table."""
    path = getattr(dataset, attribute, None)
    if path is None:
        return None
    protocol = getattr(dataset, "_protocol", "") or "file"
    if "://" in str(path) or protocol == "file":
        return str(path).replace("s3a://", "s3://", 1)
    return f"{'s3' if protocol == 's3a' else protocol}://{path}"


def filesystem_of(place: str) -> Any:  # noqa: ANN401 - fsspec ships no types
    """The file system of a path or URL, and the path in it."""
    # Cached listings would miss what other libraries write.
    return url_to_fs(place, use_listings_cache=False)


def waiting_place(place: str) -> str:
    """The waiting path: same name, in a folder beside the final one, on the same disk."""
    folder, separator, name = place.rpartition("/")
    return f"{folder}{separator}{FOLDER}/{name}"


def remove(folder: str) -> None:
    """Remove a folder and unfinished uploads to it: leftovers, so failing to do so does no harm."""
    files, path = filesystem_of(folder)
    if "file" in files.protocol:
        shutil.rmtree(path, ignore_errors=True)
        return
    try:
        for name in files.find(path):
            files.rm_file(name)
        if "s3" in files.protocol:
            # Polars does not abort those of failed plans, and their parts are kept and billed.
            bucket, _, prefix = path.partition("/")
            for upload in files.list_multipart_uploads(bucket):
                if upload["Key"].startswith(f"{prefix}/"):
                    files.abort_mpu(bucket, upload["Key"], upload["UploadId"])
    except Exception as error:  # noqa: BLE001 - it must not hide an error of a save
        _log.warning("%s cannot be removed (%s): the next run tries again", folder, error)


def publish(waiting: str, place: str) -> None:
    """Move what waits to its final path; does nothing if nothing waits, so it can be repeated.

    Local files and folders are renamed. In a bucket the store copies, and the waiting objects stay
    until `clear`: after a kill half way they can be copied again.
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
    # Each save gives the parts of a folder other names.
    if not files.isfile(source) and (kept := _names(files, source)):
        for name in _names(files, target) - kept:
            files.rm_file(target + name)


def clear(places: Iterable[str]) -> None:
    """Remove everything that waits beside these paths, including what killed runs left."""
    for folder in {waiting_place(place).rpartition("/")[0] for place in places}:
        remove(folder)


def _names(files: Any, folder: str) -> set[str]:  # noqa: ANN401 - fsspec ships no types
    return {path.removeprefix(folder) for path in files.find(folder)}
