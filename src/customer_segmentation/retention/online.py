"""One customer in the online feature store: the file of SQLite, and the store that is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from customer_segmentation.feature_store.online import KeyValues, OnlineFeatures
from customer_segmentation.feature_store.rows import ROW
from customer_segmentation.feature_store.sqlite import SqliteStore
from customer_segmentation.retention.places import Environment


def in_online(environment: Environment, customer: str) -> dict[str, int]:
    """The stores that hold a customer: the name or file -> how often.

    Raises:
        StoreDownError: One does not answer, so that nothing is known.
    """
    file, found = environment.online_file, dict[str, int]()
    if Path(file).exists():
        found[file] = traces(file, customer)
    with _closing(environment.online.open().store) as store:
        if store.name != file:
            found[store.name] = int(store.get([ROW + customer]) != [None])
    return {place: times for place, times in found.items() if times}


def is_online(place: str, file: str) -> bool:
    """Whether a place is the store's file, or what SQLite keeps beside it."""
    return place in {file, f"{file}-wal", f"{file}-shm"}


def traces(file: str, customer: str) -> int:
    """How often the bytes of the store's file and of its log hold a customer.

    Also where SQLite no longer uses a page. Customers whose id only begins with theirs are told
    apart by asking the store for them.

    Args:
        file: The store's file, which is there.
        customer: The id.
    """
    key = ROW + customer
    with _closing(SqliteStore(file)) as store:
        longer = {other.encode() for chunk in store.scan(key) for other, _ in chunk}
    lengths = {len(other) for other in longer}
    # SQLite moves what is in the log to the file, and never back.
    log = Path(f"{file}-wal")
    content = (log.read_bytes() if log.exists() else b"") + Path(file).read_bytes()
    starts = (match.start() for match in re.finditer(re.escape(key.encode()), content))
    return sum(all(content[n : n + length] not in longer for length in lengths) for n in starts)


def erase_online(environment: Environment, place: str, customer: str) -> None:
    """Remove a customer from one of the stores, at once and for good.

    Args:
        environment: Whose features they are.
        place: The store's name, as `in_online` has it, or its file.
        customer: The id.
    """
    is_file = place == environment.online_file
    opened = SqliteStore(place) if is_file else environment.online.open().store
    with _closing(opened) as store:
        OnlineFeatures(store).forget(customer)


@contextmanager
def _closing(store: KeyValues) -> Iterator[KeyValues]:
    try:
        yield store
    finally:
        store.close()
