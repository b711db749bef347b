"""The files of jobs: `incoming/JOB` while it is sent, `JOB/upload`, and `JOB/ATTEMPT/...`."""

from __future__ import annotations

import os
import re
import shutil
import time
from pathlib import Path
from typing import Literal

from customer_segmentation.serving.jobs.schema import make_folder
from customer_segmentation.serving.jobs.table import UNFINISHED, JobTable

Table = Literal["results", "rejected"]
UPLOAD = "upload"
_NAME = re.compile("[0-9a-f]{32}")
# A job's folder exists before its row, for less than this time.
_LATEST_ROW = 300.0


class JobFiles:
    """Paths below one folder; no file name comes from a client.

    Args:
        root: The folder, which all processes share.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()

    def incoming(self, identity: str) -> Path:
        """The path of a file during its upload."""
        folder = self.root / "incoming"
        for each in (self.root, folder):
            make_folder(each)
        return folder / identity

    def upload(self, identity: str) -> Path:
        """The path of the uploaded file."""
        return self.root / identity / UPLOAD

    def accept(self, identity: str) -> None:
        """Keep a complete upload durably."""
        upload = self.upload(identity)
        upload.parent.mkdir(mode=0o700)
        self.incoming(identity).rename(upload)
        for folder in (upload.parent, self.root):
            sync(folder)

    def attempt(self, identity: str, attempt: str | None) -> Path:
        """The folder of one attempt's results."""
        return self.root / identity / (attempt or "none")

    def size(self, identity: str, attempt: str | None) -> int:
        """The bytes of one attempt's results so far."""
        return sum(path.stat().st_size for path in self.attempt(identity, attempt).glob("*"))

    def remove(self, identity: str) -> None:
        """Remove all files of a job; ignores invalid names, which only a damaged row has."""
        if _NAME.fullmatch(identity):
            shutil.rmtree(self.root / identity, ignore_errors=True)

    def keep_only(self, identity: str, name: str | None) -> None:
        """Remove all files of a job but the upload, or one attempt's results."""
        for path in list((self.root / identity).glob("*")):
            if path.name != name and path.is_file():
                path.unlink(missing_ok=True)
            elif path.name != name:
                shutil.rmtree(path, ignore_errors=True)

    def sweep(self, table: JobTable, quiet_seconds: float) -> None:
        """Remove expired files, and what a dead process left.

        Args:
            table: The jobs.
            quiet_seconds: Age after which an unfinished upload is abandoned.
        """
        for identity in table.remove_old():
            self.remove(identity)
        folders = [path for path in self.root.glob("*") if _NAME.fullmatch(path.name)]
        known = table.states([folder.name for folder in folders])
        for folder in folders:
            state, attempt = known.get(folder.name, (None, None))
            if state == "done":
                self.keep_only(folder.name, attempt)
            elif state not in UNFINISHED and (state or _is_older(folder, _LATEST_ROW)):
                self.remove(folder.name)
        for path in list((self.root / "incoming").glob("*")):
            if _is_older(path, quiet_seconds):
                path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Flush a file, or a folder's entries, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_older(path: Path, seconds: float) -> bool:
    try:
        return time.time() - path.stat().st_mtime > seconds
    except FileNotFoundError:
        return False
