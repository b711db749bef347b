"""Work that is done beside a process's own: whoever answers hands it over, and never waits for it.

What is handed over lies in a bounded buffer, by reference. One thread works on small portions of
it, within a share of a processor; another writes what comes of it, so that a store that hangs keeps
nobody from working.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from threading import Event, Lock, Thread
from time import monotonic, thread_time
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

_log = logging.getLogger(__name__)

# A portion of so many takes about a millisecond, for which whoever answers may have to wait.
_PORTION = 512
# Few customers are worked on together after a pause: a portion costs hardly more than one of them.
_PAUSE_SECONDS = 0.05
# Of one processor; what comes faster waits, and is refused once the buffer is full.
_SHARE = 0.25
# Of a customer, who takes one place; those with more take several.
_COLUMNS = 32

_Item = TypeVar("_Item")


def room_of(matrix: NDArray[np.float64]) -> int:
    """The places that customers take in a buffer, so that wide ones are fewer.

    Args:
        matrix: (customers x columns).
    """
    return max(len(matrix), matrix.size // _COLUMNS)


class Beside(Generic[_Item]):
    """Works and writes in threads that end with the process, whatever they wait for.

    Args:
        work: Is given what waited, in order, and now and then nothing.
        write: Writes what came of it.
        most: The sizes that may wait, together.
        seconds: Between two writings.
    """

    def __init__(
        self,
        work: Callable[[list[_Item]], None],
        write: Callable[[], object],
        most: int,
        seconds: float,
    ) -> None:
        self._do, self._write, self._most, self._seconds = work, write, most, seconds
        self._waiting: deque[tuple[_Item, int]] = deque()
        self._size, self._has_failed = 0, False
        self._handing = Lock()
        self._stopping, self._worked = Event(), Event()
        self._threads = [Thread(target=each, daemon=True) for each in (self._work, self._keep)]

    def start(self) -> None:
        """Begin to work and to write."""
        for thread in self._threads:
            thread.start()

    def put(self, item: _Item, size: int) -> bool:
        """Hand something over; False if there is no room for it, and it is lost.

        Where nothing waits there is room for anything.
        """
        with self._handing:
            if self._size and self._size + size > self._most:
                return False
            self._size += size
            self._waiting.append((item, size))
            return True

    def stop(self) -> None:
        """Have it come to an end: what waits is done and written."""
        self._stopping.set()

    def end(self, seconds: float) -> bool:
        """Stop, and wait for so many seconds at most; whether it has come to its end."""
        self.stop()
        until = monotonic() + seconds
        for thread in self._threads:
            if thread.ident:
                thread.join(max(0.0, until - monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _take(self) -> list[_Item]:
        """What has waited longest: a portion, and at least one if any waits."""
        taken: list[_Item] = []
        with self._handing:
            # Large items take less time together; many small ones would hold up who hands over.
            left = max(_PORTION, self._size // 4)
            while len(taken) < _PORTION and self._waiting:
                if taken and self._waiting[0][1] > left:
                    break
                item, size = self._waiting.popleft()
                taken.append(item)
                left -= size
                self._size -= size
        return taken

    def _work(self) -> None:
        try:
            while True:
                # Looked at first, so that what was handed over until then is done.
                is_last = self._stopping.is_set()
                begun = thread_time()
                taken = self._take()
                self._safely(self._do, taken)
                if is_last:
                    if not taken:
                        return
                    continue
                used = thread_time() - begun
                rest = used / _SHARE - used
                are_few = self._size < _PORTION
                self._stopping.wait(max(rest, _PAUSE_SECONDS) if are_few else rest)
        finally:
            self._worked.set()

    def _keep(self) -> None:
        while not self._stopping.wait(self._seconds):
            self._safely(self._write)
        self._worked.wait()
        self._safely(self._write)

    def _safely(self, act: Callable[..., object], *given: object) -> None:
        """Do something; a mistake in it must not end all that comes after."""
        try:
            act(*given)
        except Exception as error:  # noqa: BLE001 - whatever it is
            if not self._has_failed:
                # What a library says may hold what a customer sent.
                _log.error("monitoring goes on after a mistake (%s)", type(error).__name__)
            self._has_failed = True
