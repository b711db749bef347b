"""How the online store holds a customer: one value, with the rows of at most two snapshots.

A reader takes the newest row that is no newer than the live snapshot. So what a run writes is seen
by nobody until the one value that names the live snapshot is replaced, and then by everybody.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.errors import UserError

# Beside each other in one store; no key of a row begins as that of the snapshot does.
SNAPSHOT, ROW = "snapshot", "row:"
_HEAD = struct.Struct("<II")
# In place of a length: the customer has left.
_GONE = 0xFFFF_FFFF


@dataclass(frozen=True)
class Snapshot:
    """What the online store holds.

    Attributes:
        number: From 1; each change of the store has the next.
        as_of: The day that the values are true for, as `2014-06-30`.
        columns: The order of a row's float64 numbers, null as NaN.
        customers: How many rows.
        version: Of the features' definitions.
        hashes: View -> hash of its definitions.
        artifact_version: Of the segmenter whose numbers standardise.
        max_age_days: Values of an older day are stale.
        run_id: Of the run that wrote it.
        commit: Of that run's code.
        source_sha256: Of the source that the values come from.
        written_at: UTC, in ISO format.
        versions: Every version that this store has held, each with its hashes, the first run and
            its time.
    """

    number: int
    as_of: str
    columns: tuple[str, ...]
    customers: int
    version: int
    hashes: Mapping[str, str]
    artifact_version: str
    max_age_days: int
    run_id: str = ""
    commit: str = ""
    source_sha256: str = ""
    written_at: str = ""
    versions: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def day(self) -> date:
        """The day that the values are true for."""
        return date.fromisoformat(self.as_of)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Snapshot:
        """From what JSON holds of one."""
        lists = {name: tuple(told[name]) for name in ("columns", "versions")}
        return cls(**{**told, **lists})

    def encoded(self) -> bytes:
        """As JSON."""
        return json.dumps(asdict(self), sort_keys=True).encode()


@lru_cache(maxsize=4)
def decoded_snapshot(content: bytes) -> Snapshot:
    """A snapshot from its JSON.

    Raises:
        UserError: It is not as this project writes it.
    """
    try:
        return Snapshot.of(json.loads(content))
    except (ValueError, TypeError, KeyError) as error:
        message = (
            "the online store holds a snapshot that this version of the project did not write: "
            "remove it, and run kedro run --pipeline=feature_export"
        )
        raise UserError(message) from error


def decoded_row(row: bytes) -> NDArray[np.float64]:
    """The numbers of a row, which may not be written to."""
    return np.frombuffer(row, "<f8")


def versioned(parts: Mapping[int, bytes | None]) -> bytes:
    """A customer's value in the store, from snapshot number -> row, None once they have left."""
    return b"".join(
        _HEAD.pack(number, _GONE) if row is None else _HEAD.pack(number, len(row)) + row
        for number, row in parts.items()
    )


def versions_in(value: bytes) -> Iterator[tuple[int, bytes | None]]:
    """Snapshot number and row of each part of a value.

    Raises:
        UserError: The value is damaged.
    """
    place = 0
    while place < len(value):
        try:
            number, length = _HEAD.unpack_from(value, place)
        except struct.error as error:
            raise UserError(DAMAGED) from error
        place += _HEAD.size
        if length == _GONE:
            yield number, None
            continue
        if place + length > len(value):
            raise UserError(DAMAGED)
        yield number, value[place : place + length]
        place += length


DAMAGED = "a row of the online store is damaged: run kedro run --pipeline=feature_export anew"


def visible(value: bytes | None, number: int) -> bytes | None:
    """The row that a snapshot shows of a customer; None if it has none.

    Args:
        value: A customer's value in the store.
        number: The snapshot's.
    """
    found: tuple[int, bytes | None] = (0, None)
    for part in versions_in(value or b""):
        if found[0] <= part[0] <= number:
            found = part
    return found[1]
