"""What a process of the stream tells of itself: a file for people, Prometheus for machines."""

from __future__ import annotations

import json
import logging
import os
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from time import monotonic, time
from typing import Any

from customer_segmentation.errors import UserError

_log = logging.getLogger(__name__)
_WINDOW, _EACH = 60.0, 1.0


class Progress:
    """Counts of one process since it began.

    Args:
        file: Where the file is kept.
        role: Of the process, such as `answers`.
        port: Of Prometheus on loopback; 0 is none.

    Raises:
        UserError: The port is taken.
    """

    def __init__(self, file: Path, role: str, port: int = 0) -> None:
        from prometheus_client import (  # noqa: PLC0415 - only who streams has it
            CollectorRegistry,
            Counter,
            Gauge,
            Histogram,
            start_http_server,
        )

        self._file, self._role = file, role
        registry = CollectorRegistry()
        name = f"segmentation_stream_{role}"
        self._events = Counter(f"{name}_events", "Messages taken", registry=registry)
        self._rejected = Counter(f"{name}_rejected", "Dead letters", registry=registry)
        self._batches = Counter(f"{name}_batches", "Commits", registry=registry)
        self._seconds = Histogram(f"{name}_batch_seconds", "Of one commit", registry=registry)
        self._lag = Gauge(f"{name}_lag", "Offsets to read", ["partition"], registry=registry)
        self._committed = Gauge(f"{name}_commit_timestamp_seconds", "Last", registry=registry)
        if port:
            try:
                start_http_server(port, "127.0.0.1", registry)
            except OSError as error:
                message = f"metrics_port {port} is taken: set another in stream.yml, or 0"
                raise UserError(message) from error
        self._told: dict[str, Any] = {
            "role": role,
            "pid": os.getpid(),
            "events": 0,
            "rejected": 0,
            "apart": {},
            "batches": 0,
            "committed_at": None,
            "positions": {},
        }
        self._recent: deque[tuple[float, int]] = deque()
        self._next = 0.0
        self.last_moment = 0.0

    def batch(
        self,
        events: int,
        seconds: float,
        *,
        rejected: int = 0,
        positions: Mapping[str, int] | None = None,
        apart: Mapping[str, int] | None = None,
    ) -> None:
        """Count a commit; `apart` says how many of the events changed nothing, by why."""
        self.last_moment = monotonic()
        self._events.inc(events)
        self._rejected.inc(rejected)
        self._batches.inc()
        self._seconds.observe(seconds)
        self._committed.set(time())
        told = self._told
        told["events"] += events
        told["rejected"] += rejected
        for why, count in (apart or {}).items():
            told["apart"][why] = told["apart"].get(why, 0) + count
        told["batches"] += 1
        told["committed_at"] = time()
        told["positions"] = dict(positions or {})
        self._recent.append((self.last_moment, events))

    def lag(self, partitions: Mapping[str, int]) -> None:
        """Tell how many offsets are to be read, by partition."""
        self._told["lag"] = dict(partitions)
        for partition, offsets in partitions.items():
            self._lag.labels(partition).set(offsets)

    def tell(self, *, at_once: bool = False) -> bool:
        """Write the file, about once a second; returns whether it was time."""
        now = monotonic()
        if now < self._next and not at_once:
            return False
        self._next = now + _EACH
        while self._recent and self._recent[0][0] < now - _WINDOW:
            self._recent.popleft()
        rate = sum(events for _, events in self._recent) / _WINDOW
        told = {**self._told, "at": time(), "events_a_second": rate}
        written = self._file.with_name(f".writing-{self._file.name}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            written.write_text(json.dumps(told))
            written.replace(self._file)
        except OSError as error:
            # What is told of a stream must not end it, nor hide why it ends.
            _log.warning("%s is not written: %s", self._file, error.strerror)
        return True


def told_by(file: Path) -> dict[str, Any] | None:
    """What a process said of itself last; None if it never ran."""
    try:
        found: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        return None
    return found
