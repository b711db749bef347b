"""The hourly summaries that the API and streams keep, one file a process: counts, and no rows.

    <monitoring>/summaries/<api or stream>/2026-11-30T13/<version>/<writer>.json

An hour is a name and no time that passes: a clock that steps back adds to an hour that is there.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from fsspec.core import url_to_fs

from customer_segmentation.monitoring.findings import Source
from customer_segmentation.monitoring.summary import Summary

SUMMARIES = "summaries"
# Digits of an hour's name that are its day.
_DAY = len("2026-11-30")

# Hour or day -> versions of the models (`Summary.models`) -> summary.
ByTime = Mapping[str, Mapping[str, Summary]]

logger = logging.getLogger(__name__)


def hour_file(root: str, source: Source, hour: str, version: str, writer: str) -> str:
    """Where a process keeps what it counted in an hour.

    Args:
        root: The folder `monitoring` of an environment, a path or URL.
        source: `api` or `stream`.
        hour: UTC, as `2026-11-30T13`.
        version: Of the baseline.
        writer: A name that no other process has.
    """
    return f"{root.rstrip('/')}/{SUMMARIES}/{source}/{hour}/{version}/{writer}.json"


def read_hours(root: str, source: Source, since: str = "") -> ByTime:
    """What all processes counted, hour by hour, the earliest first.

    A file that cannot be read is left out, and the log says so.

    Args:
        root: The folder `monitoring` of an environment, a path or URL.
        source: `api` or `stream`.
        since: The first hour, or day, to read.
    """
    files, path = url_to_fs(root.replace("s3a://", "s3://", 1), use_listings_cache=False)
    folder = f"{path.rstrip('/')}/{SUMMARIES}/{source}"
    found: dict[str, dict[str, Summary]] = {}
    left_out = []
    for hour in sorted(name for name in _names(files, folder) if name >= since):
        for place in sorted(files.find(f"{folder}/{hour}")):
            if not _is_whole(place):
                continue
            try:
                _add(found.setdefault(hour, {}), files.cat_file(place))
            except (FileNotFoundError, ValueError):
                left_out.append(f"{hour}/{PurePosixPath(place).name}")
    if left_out:
        logger.warning(
            "%d summaries below %s/%s/%s cannot be read and are not counted, the first is %s: "
            "remove them.",
            *(len(left_out), root, SUMMARIES, source, left_out[0]),
        )
    return {hour: versions for hour, versions in found.items() if versions}


def by_day(hours: ByTime) -> ByTime:
    """The hours of each day together, the earliest first."""
    days: dict[str, dict[str, Summary]] = {}
    for hour, versions in sorted(hours.items()):
        for summary in versions.values():
            _merge(days.setdefault(hour[:_DAY], {}), summary)
    return days


def _names(files: Any, folder: str) -> list[str]:  # noqa: ANN401 - fsspec ships no types
    try:
        return [PurePosixPath(place).name for place in files.ls(folder, detail=False)]
    except FileNotFoundError:
        return []


def _is_whole(place: str) -> bool:
    """Whether a file has its last name; while it is written, its name begins with a point."""
    name = PurePosixPath(place).name
    return name.endswith(".json") and not name.startswith(".")


def _add(versions: dict[str, Summary], content: bytes) -> None:
    _merge(versions, Summary.of(json.loads(content)))


def _merge(versions: dict[str, Summary], summary: Summary) -> None:
    before = versions.get(summary.models)
    versions[summary.models] = before.merged(summary) if before else summary
