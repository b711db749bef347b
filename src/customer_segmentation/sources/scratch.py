"""Folders of this machine for what is held only while a source is read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from time import time

# Unchanged for a day, a folder is of a run that was killed.
_LEFT_SECONDS = 86_400.0


@contextmanager
def scratch_folder(kind: str) -> Iterator[Path]:
    """A temporary folder until the block ends; what killed runs left of its kind is removed.

    It may hold customers, and much of them: nobody else would find it.

    Args:
        kind: What it is for, as part of its name.
    """
    prefix = f"customer-segmentation-{kind}-"
    remove_left(Path(gettempdir()), f"{prefix}*", _LEFT_SECONDS)
    with TemporaryDirectory(prefix=prefix) as folder:
        yield Path(folder)


def remove_left(place: Path, pattern: str, seconds: float) -> None:
    """Remove folders in which nothing changed for so long: killed runs left them.

    Args:
        place: Where they are.
        pattern: Of their names.
        seconds: After which nobody can be writing there.
    """
    for folder in place.glob(pattern):
        # Gone meanwhile, or another user's.
        with suppress(OSError):
            changed = max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
            if time() - changed > seconds:
                shutil.rmtree(folder, ignore_errors=True)
