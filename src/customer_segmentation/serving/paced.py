"""A value that costs time to make, and that many ask for while it changes each second."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

_Made = TypeVar("_Made")

# So that making it takes at most a tenth of the time, and is seconds old at most.
_REST, _LONGEST = 9.0, 10.0


class Paced(Generic[_Made]):
    """Makes a value again only after a rest of nine times as long as making it took.

    The first making is not counted: it imports libraries.

    Args:
        make: Makes it; what it raises is raised to who asked, and tried again when next asked.
    """

    def __init__(self, make: Callable[[], _Made]) -> None:
        self._make = make
        # Of many who ask at once, one makes it; the others have the last one meanwhile.
        self._making = Lock()
        self._made: _Made | None = None
        self._next = 0.0

    def __call__(self) -> _Made:
        """The value as it was made last, or made now."""
        last = self._made
        if last is None:
            self._making.acquire()
        elif not self._making.acquire(blocking=False):
            # Threads that wait for a slow store would be missing to other routes.
            return last
        try:
            return self._made_or_last()
        finally:
            self._making.release()

    def _made_or_last(self) -> _Made:
        started = monotonic()
        if self._made is None:
            self._made = self._make()
        elif started >= self._next:
            self._made = self._make()
            ended = monotonic()
            self._next = ended + min(_REST * (ended - started), _LONGEST)
        return self._made
