"""One customer in the online feature store: the file of SQLite, and the store that is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from customer_segmentation.feature_store.online import KeyValues, OnlineFeatures
from customer_segmentation.feature_store.rows import ROW
from customer_segmentation.feature_store.sqlite import SqliteStore
from customer_segmentation.retention.places import Environment


def holds(environment: Environment, customer: str) -> str | None:
    """The store that is named and is no file, if it holds a customer.

    Raises:
        StoreDownError: It does not answer, so that nothing is known.
    """
    with _closing(environment.online.open().store) as store:
        is_file = store.name == environment.online_file
        return store.name if not is_file and store.get([ROW + customer]) != [None] else None


def is_online(place: str, file: str) -> bool:
    """Whether a place is the file of the online store, or its log."""
    return place in {file, f"{file}-wal"}


def traces(content: bytes, file: str, customer: str) -> int:
    """How often the bytes of the store's file, or of its log, hold a customer.

    Also where SQLite no longer uses a page. Customers whose id only begins with theirs are told
    apart by asking the store for them.

    Args:
        content: The bytes.
        file: The store's file.
        customer: The id.
    """
    key = ROW + customer
    with _closing(SqliteStore(file)) as store:
        longer = {other.encode() for chunk in store.scan(key) for other, _ in chunk}
    lengths = {len(other) for other in longer}
    starts = (match.start() for match in re.finditer(re.escape(key.encode()), content))
    return sum(all(content[n : n + length] not in longer for length in lengths) for n in starts)


def erase_online(environment: Environment, place: str, customer: str) -> None:
    """Remove a customer from one of the stores, at once and for good.

    Args:
        environment: Whose features they are.
        place: The store's name, as `holds` has it, or its file.
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
