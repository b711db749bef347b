"""Request rates of clients, counted over all processes of a server."""

from __future__ import annotations

import hashlib
import mmap
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

# A bucket: hash of the client, requests left, and when, by the monotonic clock.
_BUCKET = struct.Struct("<8sdd")
_PLACES = 16_384
# Buckets that a client may use, from its hash on.
_TRIED = 8
_SIZE = _PLACES * _BUCKET.size
_BURST_SECONDS = 2.0


class RateLimit:
    """A token bucket per client, refilled at the rate, with room for two seconds.

    There are 16,384 buckets of 24 bytes. A client that finds none free takes the fullest of those
    it may use, whose owner loses least.

    Args:
        shared: The folder that the server's processes share; None for a single process.
    """

    def __init__(self, shared: Path | None = None) -> None:
        self._file = -1
        if shared:
            self._file = os.open(shared / "rate_limit", os.O_CREAT | os.O_RDWR, 0o600)
            os.truncate(self._file, _SIZE)
        self._places = mmap.mmap(self._file, _SIZE)

    def take(self, client: str, rate: float) -> float:
        """Count a request.

        Args:
            client: Its name; names of different kinds need different prefixes.
            rate: Requests per second, above 0.

        Returns:
            0 if admitted, else the seconds to wait.
        """
        capacity = max(_BURST_SECONDS * rate, 1.0)
        name = hashlib.blake2b(client.encode(), digest_size=8).digest()
        now = monotonic()
        with self._locked():
            place, left = self._bucket(name, capacity, rate, now)
            wait = 0.0 if left >= 1.0 else (1.0 - left) / rate
            _BUCKET.pack_into(self._places, place, name, left if wait else left - 1.0, now)
        return wait

    def _bucket(self, name: bytes, capacity: float, rate: float, now: float) -> tuple[int, float]:
        """The offset of the client's bucket, and the requests left in it."""
        start = int.from_bytes(name, "little")
        fullest = (-1.0, 0)
        for tried in range(_TRIED):
            place = (start + tried) % _PLACES * _BUCKET.size
            owner, left, last = _BUCKET.unpack_from(self._places, place)
            if owner == name:
                return place, min(capacity, left + (now - last) * rate)
            is_free = owner == bytes(8)
            fullest = max(fullest, (capacity if is_free else left + (now - last) * rate, place))
            if is_free:
                break
        return fullest[1], capacity

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if self._file < 0:
            yield
            return
        import fcntl  # noqa: PLC0415 - Windows does not have it

        fcntl.lockf(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN)
