"""The lock on a local folder."""

from __future__ import annotations

import atexit
import errno
import json
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO

from customer_segmentation.errors import UserError
from customer_segmentation.run_lock.base import RunLock

LOCK = ".run.lock"
# How often to try again when another run wins a race.
_ATTEMPTS = 10
# Errors of file systems without locks, such as some network drives and mounted object stores.
_NO_LOCKS = {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}

_log = logging.getLogger(__name__)


class FolderLock(RunLock):
    """A lock on a file in the folder, which the kernel frees however the process ends."""

    def __init__(self, root: Path, holder: str) -> None:
        super().__init__(str(root), holder)
        self._path = root / LOCK
        self._file: IO[bytes] | None = None

    def acquire(self) -> None:
        """Take the lock without waiting.

        Raises:
            UserError: Another run holds it, or the folder cannot be written to.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._locked_file()
            if self._file is None:
                raise self.refusal(_read(self._path))
            # Held as long as the process lives, even if nobody keeps this object.
            atexit.register(self.release)
            self._file.truncate(0)
            self._file.write(json.dumps(self.holder).encode())
        except OSError as error:
            self.release()
            raise UserError(
                f"{self._path}: {error.strerror}: a run must be able to write there"
            ) from error

    def _locked_file(self) -> IO[bytes] | None:
        """The open, locked file; None if another process holds the lock."""
        for _ in range(_ATTEMPTS):
            file = self._path.open("ab", buffering=0)
            if not _locks(file):
                file.close()
                return None
            # The holder may have removed the file meanwhile: then the lock means nothing.
            if _is_there(file, self._path):
                return file
            file.close()
        return None

    def require_held(self) -> None:
        """Check that the locked file is still the one that others would lock.

        Raises:
            UserError: It was removed.
        """
        if self._file is None or not _is_there(self._file, self._path):
            raise UserError(
                f"{self._path} was removed while the run was on, so another may have begun: run"
                " again, alone"
            )

    def release(self) -> None:
        """Free the lock, if it is held."""
        if self._file is None:
            return
        atexit.unregister(self.release)
        if _is_there(self._file, self._path):
            # Windows cannot remove an open file; it stays and does no harm.
            with suppress(OSError):
                self._path.unlink()
        self._file.close()
        self._file = None


def _locks(file: IO[bytes]) -> bool:
    """Try to lock a file; False if another process has locked it."""
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - Windows alone has it

            # On Windows locked bytes cannot be read: lock one far behind the content.
            file.seek(1 << 30)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - Windows does not have it

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        _log.warning("%s is on a disk without locks: start no second run on it", file.name)
    return True


def _is_there(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
