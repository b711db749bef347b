"""A stream and batch runs of an environment write in turn."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep

from customer_segmentation.run_lock import STREAM, HeldError, run_lock

_log = logging.getLogger(__name__)
# How long a stream waits for a batch run, and after how long it says so.
_SECONDS, _TOLD_SECONDS = 3_600.0, 10.0
_EACH = 0.05


@contextmanager
def in_turn(tables: str, waiting: Callable[[], object] = bool) -> Iterator[None]:
    """Hold the environment's lock, once no batch run has it.

    Args:
        tables: The root of its tables.
        waiting: Called now and then until it is held.

    Raises:
        UserError: A run has held it for an hour, or it cannot be taken at all.
    """
    begun, is_told = monotonic(), False
    while True:
        lock = run_lock(tables, STREAM)
        try:
            lock.acquire()
            break
        except HeldError as error:
            waited = monotonic() - begun
            if waited > _SECONDS:
                raise
            if waited > _TOLD_SECONDS and not is_told:
                _log.warning("waiting for an hour at most: %s", error.message)
                is_told = True
            waiting()
            sleep(_EACH)
    try:
        yield
    finally:
        lock.release()
