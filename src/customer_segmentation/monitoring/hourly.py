"""Counts by hour, in files: each process writes its own whole, again and again as the hour goes on.

Their names are random: no process replaces what another has counted, nor what it counted itself
before a clock went back.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Generic, Protocol, Self, TypeVar
from uuid import uuid4

from fsspec.core import url_to_fs

from customer_segmentation.customers.rules import SEPARATOR
from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.summary import Summary
from customer_segmentation.new_files import WRITING, write_through

_log = logging.getLogger(__name__)

# That cannot be written; those that began first are given up.
_MOST_HOURS = 200


class Counted(Protocol):
    """Counts that add up."""

    @property
    def customers(self) -> int:
        """Whom they are about."""

    @property
    def about(self) -> str:
        """What must be the same for counts to add up."""

    def merged(self, other: Self) -> Self:
        """The counts of both."""

    def stated(self) -> dict[str, Any]:
        """As JSON."""


@dataclass(frozen=True)
class HourlySummary:
    """What one process counted in an hour, of one champion.

    Attributes:
        summary: Of those whom the segmenter answered.
        cold_start: Customers whom the cold-start model answered.
        dropped: Customers who were answered and not counted: they came faster than they can be.
    """

    summary: Summary
    cold_start: int = 0
    dropped: int = 0

    @property
    def customers(self) -> int:
        """Whom it is about."""
        return self.summary.customers

    @property
    def about(self) -> str:
        """The versions of the models."""
        return self.summary.models

    def merged(self, other: HourlySummary) -> HourlySummary:
        """The counts of both."""
        return HourlySummary(
            self.summary.merged(other.summary),
            self.cold_start + other.cold_start,
            self.dropped + other.dropped,
        )

    def stated(self) -> dict[str, Any]:
        """As JSON: the summary's, with the other counts beside."""
        beside = {"cold_start": self.cold_start, "dropped": self.dropped}
        return self.summary.stated() | beside


def hours_of(fixed: str = "") -> Callable[[], str]:
    """What tells the hour that files are named by: the clock, UTC, or always a fixed one."""
    return lambda: fixed or datetime.now(UTC).strftime("%Y-%m-%dT%H")


_Counts = TypeVar("_Counts", bound=Counted)


@dataclass
class _Kept(Generic[_Counts]):
    """The counts of an hour, and whether the file says the same."""

    hour: str
    place: str
    counts: _Counts
    is_written: bool = False


class HourlyFiles(Generic[_Counts]):
    """The files of one process below a folder.

    Args:
        root: The folder `monitoring` of an environment, or a URL that fsspec writes.
        hour: Tells the hour that is counted now.
        place: Root, counts, hour and a name -> the file.

    Raises:
        UserError: Nothing here writes to such a URL.
    """

    def __init__(
        self,
        root: str,
        hour: Callable[[], str],
        place: Callable[[str, _Counts, str, str], str],
    ) -> None:
        try:
            self._files, path = url_to_fs(root.replace("s3a://", "s3://", 1))
        except (ImportError, ValueError) as error:
            message = f"counts cannot be kept in {root}: {error}. Give a folder, or s3://BUCKET/..."
            raise UserError(message) from error
        self._root = path.rstrip("/")
        self._hour, self._place = hour, place
        self._is_local = "file" in self._files.protocol
        self._kept: dict[tuple[str, str], _Kept[_Counts]] = {}
        # Who counts does not wait for who writes.
        self._counting = Lock()
        self._last_error = ""

    def add(self, counts: _Counts) -> int:
        """Add to the counts of this hour; returns how many customers of another are given up."""
        hour = self._hour()
        key = hour, counts.about
        with self._counting:
            kept = self._kept.get(key)
            if kept is None:
                lost = self._make_room()
                place = self._place(self._root, counts, hour, uuid4().hex)
                self._kept[key] = _Kept(hour, place, counts)
                return lost
            kept.counts, kept.is_written = kept.counts.merged(counts), False
        return 0

    def write(self) -> bool:
        """Write what has changed since; returns whether all is written.

        What cannot be written is said once in the log, and tried again the next time.
        """
        with self._counting:
            waiting = [kept for kept in self._kept.values() if not kept.is_written]
        error = ""
        for kept in waiting:
            counts = kept.counts
            try:
                self._put(kept.place, json.dumps(counts.stated()).encode())
            except Exception as failed:  # noqa: BLE001 - a store may raise anything
                error = f"{type(failed).__name__}: {failed}"
                continue
            with self._counting:
                kept.is_written = kept.counts is counts
        self._forget()
        if error and error != self._last_error:
            _log.error("counts are not kept in %s, and are tried again: %s", self._root, error)
        self._last_error = error
        return not error

    def _forget(self) -> None:
        """Forget what is written of other hours, even if nobody was counted since it was written.

        An hour that is named alike, after a clock went back, is another file.
        """
        hour = self._hour()
        with self._counting:
            self._kept = {
                key: kept
                for key, kept in self._kept.items()
                if kept.hour == hour or not kept.is_written
            }

    def _make_room(self) -> int:
        """Give up the hours beyond the most; how many customers they counted."""
        lost = 0
        while len(self._kept) >= _MOST_HOURS:
            lost += self._kept.pop(next(iter(self._kept))).counts.customers
        return lost

    def _put(self, path: str, content: bytes) -> None:
        if not self._is_local:
            self._files.pipe_file(path, content)
            return
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        # What begins with a point is not read.
        written = target.with_name(f"{WRITING}{target.name}")
        write_through(written, content)
        written.replace(target)


def count_by_reason(reasons: Mapping[str, int], columns: frozenset[str]) -> dict[str, int]:
    """How often each reason was given, without anything that a customer or a caller wrote.

    Args:
        reasons: What was said of a row, `column: problem` or several of them -> how often.
        columns: Those that may be named; any other is `other`.
    """
    found: dict[str, int] = {}
    for text, count in reasons.items():
        for reason in filter(None, text.split(SEPARATOR)):
            column, _, problem = reason.partition(": ")
            named = f"{column}: {problem}" if column in columns else "other"
            found[named] = found.get(named, 0) + count
    return found
