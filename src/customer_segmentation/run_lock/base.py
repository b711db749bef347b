"""What all locks share: how they are taken, and the words about the run that holds one."""

from __future__ import annotations

import json
import logging
import os
import socket
from datetime import UTC, datetime
from typing import Self

from customer_segmentation.errors import UserError

_log = logging.getLogger(__name__)


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
            UserError: Another run holds it, or the root cannot be written to.
        """
        _log.warning("%s has no lock: start no second run on it", self.root)

    def require_held(self) -> None:
        """Check, before something is saved, that no other run has taken over.

        Raises:
            UserError: The lock is lost.
        """

    def release(self) -> None:
        """Free the lock, if it is held."""

    def refusal(self, content: bytes, hint: str = "") -> UserError:
        """The error for the second of two runs, told who holds the lock by its content."""
        return UserError(
            f"{self.root} is in use by {named(content)}: wait until it has ended, or end it, and"
            f" run again{hint}"
        )

    def __enter__(self) -> Self:
        """Acquire it."""
        self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        """Release it."""
        self.release()


def named(content: bytes) -> str:
    """The run that the content of a lock describes, in words."""
    try:
        return "run {run} (host {host}, process {pid}, since {since})".format(**json.loads(content))
    except (ValueError, KeyError, TypeError):
        return "another run"
