"""The interface of all locks, and the messages about the run that holds one."""

from __future__ import annotations

import json
import os
import socket
from abc import ABC, abstractmethod
from datetime import UTC, datetime
from typing import Self


class RunLock(ABC):
    """Keeps other runs out; also a context manager."""

    @abstractmethod
    def acquire(self) -> None:
        """Take the lock without waiting.

        Raises:
            UserError: Another run holds it, or the root cannot be written to.
        """

    @abstractmethod
    def require_held(self) -> None:
        """Check, before something is saved, that no other run has taken over.

        Raises:
            UserError: The lock is lost.
        """

    @abstractmethod
    def release(self) -> None:
        """Free the lock, if it is held."""

    def __enter__(self) -> Self:
        """Acquire it."""
        self.acquire()
        return self

    def __exit__(self, *error: object) -> None:
        """Release it."""
        self.release()


def description(holder: str) -> dict[str, str]:
    """What a lock stores about the run that holds it."""
    return {
        "run": holder,
        "host": socket.gethostname(),
        "pid": str(os.getpid()),
        "since": datetime.now(UTC).isoformat(sep=" ", timespec="seconds"),
    }


def named(content: bytes) -> str:
    """The run that the content of a lock describes, in words."""
    try:
        return "run {run} (host {host}, process {pid}, since {since})".format(**json.loads(content))
    except (ValueError, KeyError, TypeError):
        return "another run"


def refusal(root: str, content: bytes, hint: str = "") -> str:
    """The message to the second of two runs."""
    return (
        f"{root} is in use by {named(content)}: wait until it has ended, or end it, and run"
        f" again{hint}"
    )
