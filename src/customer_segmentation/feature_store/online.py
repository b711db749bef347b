"""Fill the online store: write what changed, show it at once, remove what nobody sees any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.rows import (
    ROW,
    SNAPSHOT,
    Snapshot,
    decoded_snapshot,
    versioned,
    versions_in,
    visible,
)

# In one call to a store: some megabytes.
_CHUNK = 5_000
_T = TypeVar("_T")


class StoreDownError(UserError):
    """The online store does not answer; says which."""


class KeyValues(Protocol):
    """What the online store needs of a database: values by key, and one that changes at once.

    Every method raises `StoreDownError` if the store does not answer.
    """

    # Without a password.
    name: str

    def get(self, keys: Sequence[str]) -> list[bytes | None]:
        """The values of up to some thousand keys, in order, all of one moment where it can."""

    def prepare(self) -> None:
        """Load the client, which takes up to a second; nothing is connected to yet."""

    async def read(self, keys: Sequence[str]) -> list[bytes | None]:
        """As `get`, for an event loop; whoever calls it limits the time."""

    async def end(self) -> None:
        """Give back the connections of `read`."""

    def put(self, values: Iterable[tuple[str, bytes]]) -> None:
        """Write values; they last once this returns."""

    def remove(self, keys: Iterable[str]) -> None:
        """Remove keys, which need not be there."""

    def scan(self, prefix: str) -> Iterator[list[tuple[str, bytes]]]:
        """Every key that begins so, with its value, some at a time; one may come twice.

        What was scanned may be written to meanwhile.
        """

    def purge(self) -> None:
        """Have nothing left of what was removed or replaced."""

    def close(self) -> None:
        """Give back connections."""


@dataclass(frozen=True)
class Written:
    """What filling the store came to.

    Attributes:
        snapshot: What it holds then.
        changed: Customers whose values are new or other than before.
        removed: Customers who have left.
        is_new: Whether readers are to see anything else than before.
    """

    snapshot: Snapshot
    changed: int
    removed: int
    is_new: bool


class OnlineFeatures:
    """The features of every customer in a database of keys and values.

    Args:
        store: The database.
    """

    def __init__(self, store: KeyValues) -> None:
        self.store = store

    def live(self) -> Snapshot | None:
        """The snapshot that readers see; None in an empty store."""
        (content,) = self.store.get([SNAPSHOT])
        return decoded_snapshot(content) if content is not None else None

    def read(self, customers: Sequence[str]) -> tuple[Snapshot | None, list[bytes | None]]:
        """The live snapshot, and each customer's row of it, None for one whom it does not hold."""
        keys = read_keys(customers)
        values: list[bytes | None] = [None]
        found = None
        while found is None:
            before, values = values[0], self.store.get(keys)
            found = shown(values, before)
        return found

    def stage(
        self, customers: Sequence[str], numbers: NDArray[np.float64], told: Snapshot
    ) -> Written:
        """Write what differs from the live snapshot, where nobody sees it yet.

        Only changed rows are written. Repeating it after a kill writes the same.

        Args:
            customers: Their keys, each once.
            numbers: (customers x columns) values.
            told: What the snapshot says of itself; its number and versions are given here.
        """
        live = self.live()
        before = live.number if live else 0
        told = _following(live, replace(told, customers=len(customers)))
        is_comparable = live is not None and live.columns == told.columns
        place = {customer: index for index, customer in enumerate(customers)}
        rows = np.ascontiguousarray(numbers, "<f8")
        seen = np.zeros(len(customers), bool)
        changed, removed = 0, set[str]()
        for chunk in self.store.scan(ROW):
            puts, unseen = [], []
            for key, value in chunk:
                index = place.get(key.removeprefix(ROW))
                new, is_first = None, True
                if index is not None:
                    new, is_first = rows[index].tobytes(), not seen[index]
                    seen[index] = True
                old = visible(value, before)
                if new is None and old is None:
                    # Left by a killed run; it would be seen from the next snapshot on.
                    unseen.append(key)
                elif new == old and is_comparable:
                    if any(number > before for number, _ in versions_in(value)):
                        puts.append((key, versioned({before: old})))
                else:
                    changed += is_first and new is not None
                    if new is None:
                        removed.add(key)
                    parts = {} if old is None else {before: old}
                    puts.append((key, versioned({**parts, told.number: new})))
            self.store.put(puts)
            self.store.remove(unseen)
        fresh = (
            (ROW + customers[index], versioned({told.number: rows[index].tobytes()}))
            for index in np.flatnonzero(~seen).tolist()
        )
        for group in _grouped(fresh):
            self.store.put(group)
            changed += len(group)
        is_new = bool(changed or removed) or live is None or _says_else(live, told)
        return Written(told, changed, len(removed), is_new)

    def switch(self, snapshot: Snapshot) -> None:
        """Show a staged snapshot; repeating it changes nothing."""
        live = self.live()
        if live is None or live.number < snapshot.number:
            self.store.put([(SNAPSHOT, snapshot.encoded())])

    def sweep(self) -> None:
        """Remove rows that the live snapshot does not show: of former ones, and of killed runs."""
        live = self.live()
        number = live.number if live else 0
        for chunk in self.store.scan(ROW):
            puts, gone = [], []
            for key, value in chunk:
                parts = list(versions_in(value))
                row = visible(value, number)
                if row is None:
                    gone.append(key)
                elif len(parts) > 1:
                    kept = max(part for part, _ in parts if part <= number)
                    puts.append((key, versioned({kept: row})))
            self.store.put(puts)
            self.store.remove(gone)

    def forget(self, customer: str) -> None:
        """Remove a customer at once, from every snapshot."""
        self.store.remove([ROW + customer])
        self.store.purge()


def read_keys(customers: Sequence[str]) -> list[str]:
    """What to ask a store for, to read these customers."""
    return [SNAPSHOT, *(ROW + customer for customer in customers)]


def shown(
    values: Sequence[bytes | None], before: bytes | None = None
) -> tuple[Snapshot | None, list[bytes | None]] | None:
    """The live snapshot and the rows it shows, from the values of `read_keys`.

    Args:
        values: Of the snapshot and of each customer.
        before: The snapshot's value when it was last read.

    Returns:
        None where a newer snapshot may have come between the values: read again.
    """
    content, *told = values
    if content is None:
        return None, [None] * len(told)
    snapshot = decoded_snapshot(content)
    rows = [visible(value, snapshot.number) for value in told]
    # A row of the next snapshot alone is of a customer who is new in it, or it replaced the row of
    # this one between two reads.
    is_later = any(value and row is None for value, row in zip(told, rows, strict=True))
    return None if is_later and content != before else (snapshot, rows)


def _following(live: Snapshot | None, told: Snapshot) -> Snapshot:
    """The snapshot after the live one, with every version that the store has held."""
    versions = live.versions if live else ()
    if told.version not in {one["version"] for one in versions}:
        first = {"version": told.version, "hashes": dict(told.hashes), "since": told.written_at}
        versions = (*versions, first | {"run_id": told.run_id, "commit": told.commit})
    return replace(told, number=live.number + 1 if live else 1, versions=versions)


def _says_else(live: Snapshot, told: Snapshot) -> bool:
    names = ("as_of", "columns", "version", "hashes", "artifact_version", "max_age_days")
    return any(getattr(live, name) != getattr(told, name) for name in names)


def _grouped(items: Iterator[_T]) -> Iterator[list[_T]]:
    while group := list(islice(items, _CHUNK)):
        yield group
