"""Requests by the hour, out of a CSV file or of what the server has summarised."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.errors import UserError
from customer_segmentation.monitoring.hours import read_hours

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Hours:
    """Counts of consecutive hours.

    Attributes:
        first: The first hour, UTC.
        counts: (hours,) requests; NaN of an hour of which nothing is known.
    """

    first: datetime
    counts: NDArray[np.float64]

    def at(self, place: int) -> datetime:
        """The hour at a place."""
        return self.first + place * HOUR

    @property
    def unknown(self) -> int:
        """Hours of which nothing is known."""
        return int(np.isnan(self.counts).sum())


def read_csv(file: Path) -> Hours:
    """The hours of a file with the columns `hour` and `count`.

    Raises:
        UserError: It is not there, or a row is wrong.
    """
    found: dict[datetime, float] = {}
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.DictReader(lines)
            if not {"hour", "count"} <= {*(rows.fieldnames or ())}:
                raise UserError(f"{file}: its first line must name the columns hour and count")
            for row in rows:
                hour, count = _row(f"{file}, line {rows.line_num}", row)
                if hour in found:
                    raise UserError(f"{file}: {hour:%Y-%m-%dT%H} (UTC) is there twice")
                found[hour] = count
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file} cannot be read: give a CSV file of hour,count") from error
    return _consecutive(found, str(file))


def read_summaries(root: str, customers_a_request: float) -> Hours:
    """The hours that the API has summarised below a folder `monitoring`.

    An hour without a file is taken as unknown: nobody asked, or monitoring was down. So is the hour
    that goes on, of which only a part is counted.

    Args:
        root: The folder, a path or URL.
        customers_a_request: By which customers are divided, since they are what is counted.

    Raises:
        UserError: There are none, the root is no place that can be read, or a name is no hour.
    """
    now = _whole(datetime.now(UTC))
    found: dict[datetime, float] = {}
    try:
        for hour, versions in read_hours(root, "api").items():
            customers = sum(each.customers for each in versions.values())
            found[_hour(hour)] = customers / customers_a_request
    except (ImportError, ValueError) as error:
        raise UserError(f"{root}: {error}. Give the folder `monitoring` of a server") from error
    found.pop(now, None)
    return _consecutive(found, root)


def _row(place: str, row: Mapping[str, str]) -> tuple[datetime, float]:
    try:
        hour, count = _hour(row["hour"]), float(row["count"])
    except (OverflowError, TypeError, ValueError) as error:
        message = f"{place}: write an hour as 2026-11-30T13 and a count as a number"
        raise UserError(message) from error
    if not (isfinite(count) and count >= 0.0):
        raise UserError(f"{place}: a count is a number from 0 on")
    return hour, count


def _hour(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    # Of a zone that is not a whole hour off, the hour in which it begins.
    return _whole(at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC))


def _whole(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _consecutive(found: Mapping[datetime, float], place: str) -> Hours:
    if not found:
        raise UserError(f"{place}: it holds no hour")
    first, last = min(found), max(found)
    counts = np.full((last - first) // HOUR + 1, np.nan)
    for hour, count in found.items():
        counts[(hour - first) // HOUR] = count
    return Hours(first, counts)
