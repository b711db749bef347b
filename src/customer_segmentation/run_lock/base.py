"""What all locks share: how they are taken, and the words about the run that holds one."""

from __future__ import annotations

import json
import logging
import os
import socket
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Self

from customer_segmentation.errors import UserError

# The name by which a stream holds the lock: for the length of one write of its tables, or of one
# landing of its events.
STREAM = "kedro stream"
_STREAM_SECONDS, _BETWEEN_WRITES = 60.0, 0.02
# Who has just taken the lock, or just let go of it, cannot be told for a moment.
_UNKNOWN, _UNKNOWN_SECONDS = "another run", 1.0

_log = logging.getLogger(__name__)


class HeldError(UserError):
    """Another run holds the lock.

    Args:
        message: For people.
        holder: That run, in words.
    """

    def __init__(self, message: str, holder: str) -> None:
        super().__init__(message)
        self.holder = holder


class RunLock:
    """Keeps other runs out; also a context manager. This one, for stores without locks, warns.

    Args:
        root: What it locks, for messages.
        holder: Name of the run, as others are told it.
    """

    def __init__(self, root: str, holder: str) -> None:
        self.root = root
        self.holder = {
            "run": holder,
            "host": socket.gethostname(),
            "pid": str(os.getpid()),
            "since": datetime.now(UTC).isoformat(sep=" ", timespec="seconds"),
        }

    def acquire(self) -> None:
        """Take the lock without waiting.

        Raises:
            HeldError: Another run holds it.
            UserError: The root cannot be written to.
        """
        _log.warning("%s has no lock: start no second run on it", self.root)

    def acquire_soon(self) -> None:
        """Take the lock; a stream, which holds it for a moment, is waited for.

        Raises:
            UserError: Another run holds it, or the root cannot be written to.
        """
        begun = monotonic()
        while True:
            try:
                self.acquire()
            except HeldError as error:
                if monotonic() - begun > _patience(error.holder):
                    raise
                sleep(_BETWEEN_WRITES)
            else:
                return

    def require_held(self) -> None:
        """Check, before something is saved, that no other run has taken over.

        Raises:
            UserError: The lock is lost.
        """

    def release(self) -> None:
        """Free the lock, if it is held."""

    def refusal(self, content: bytes, hint: str = "") -> HeldError:
        """The error for the second of two runs, told who holds the lock by its content."""
        holder = named(content)
        return HeldError(
            f"{self.root} is in use by {holder}: wait until it has ended, or end it, and"
            f" run again{hint}",
            holder,
        )

    def __enter__(self) -> Self:
        """Acquire it."""
        self.acquire_soon()
        return self

    def __exit__(self, *error: object) -> None:
        """Release it."""
        self.release()


def _patience(holder: str) -> float:
    """How many seconds a run waits for another one."""
    if holder.startswith(f"run {STREAM} ("):
        return _STREAM_SECONDS
    return _UNKNOWN_SECONDS if holder == _UNKNOWN else 0.0


def named(content: bytes) -> str:
    """The run that the content of a lock describes, in words."""
    try:
        return "run {run} (host {host}, process {pid}, since {since})".format(**json.loads(content))
    except (ValueError, KeyError, TypeError):
        return _UNKNOWN
