"""Files that are written once: each appears whole or not at all, and never replaces another."""

from __future__ import annotations

import os
from glob import escape
from pathlib import Path
from typing import Any
from uuid import uuid4

from customer_segmentation.s3_errors import IN_CONFLICT, THERE, code_of

# What a name begins with until the file is whole.
WRITING = ".writing-"
_ATTEMPTS = 3


def put_new(files: Any, path: str, content: bytes) -> bool:  # noqa: ANN401 - fsspec ships no types
    """Write a file whole, if there is none of its name; returns whether it was written.

    Args:
        files: The file system of fsspec's.
        path: In it.
        content: What to write.
    """
    if "file" in files.protocol:
        return _write_new(Path(path), content)
    return _create(files, path, content, _ATTEMPTS)


def _create(files: Any, path: str, content: bytes, attempts: int) -> bool:  # noqa: ANN401 - as above
    try:
        # Only S3's conditional write keeps two writers apart; elsewhere the run lock must.
        exclusive = {"mode": "create"} if "s3" in files.protocol else {}
        files.pipe_file(path, content, **exclusive)
    except OSError as error:
        code = code_of(error.__cause__)
        # Another write of the name was on its way, and may have failed.
        if code == IN_CONFLICT and attempts > 1:
            return _create(files, path, content, attempts - 1)
        # Only some stores say which condition failed: else s3fs gives no FileExistsError.
        if not isinstance(error, FileExistsError) and code not in THERE:
            raise
        # Ours, if the answer to a first attempt was lost and botocore tried again.
        return bool(files.cat_file(path) == content)
    return True


def remove_halves(files: Any, path: str) -> None:  # noqa: ANN401 - as above
    """Remove what killed writers of a file left beside it; nobody else may be writing it."""
    if "file" in files.protocol:
        target = Path(path)
        for half in target.parent.glob(f"{WRITING}{escape(target.name)}.*"):
            half.unlink(missing_ok=True)


def write_through(path: Path, content: bytes) -> None:
    """Write a local file, and wait until it is on the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        # If the power fails, the content must be on the disk before the name.
        os.fsync(file.fileno())


def _write_new(target: Path, content: bytes) -> bool:
    target.parent.mkdir(parents=True, exist_ok=True)
    written = target.with_name(f"{WRITING}{target.name}.{uuid4().hex}")
    try:
        write_through(written, content)
        try:
            # Unlike a rename, a link is refused where there is a file.
            os.link(written, target)
        except FileExistsError:
            return False
        except OSError:
            # A file system without links; the run lock keeps others away.
            if target.exists():
                return False
            written.replace(target)
    finally:
        written.unlink(missing_ok=True)
    return True
