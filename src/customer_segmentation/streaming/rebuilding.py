"""The state made anew from all events, in the place of the one that is there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from customer_segmentation.errors import UserError
from customer_segmentation.schema.schema import Schema
from customer_segmentation.sources.arrivals.parts import CHANGE, Part, Parts
from customer_segmentation.streaming.state import CustomerState
from customer_segmentation.streaming.store import BESIDE, held, put_in_place

_HALF = ".new"
# What begins so is no cell of an event, but for what is removed.
_LANDED = "landed__"
# Events that are taken in together.
_PIECE = 50_000
_ENTRY = "customer_segmentation.sources.arrivals.dataset.ArrivingSource"


def rebuild(
    place: Path,
    schema: Schema,
    rows: Iterable[pl.DataFrame],
    positions: Mapping[str, int],
    as_of: date | None = None,
) -> tuple[int, int]:
    """Make the state from these events; the numbers of events and of customers.

    The one that is there stays until the new one is whole, whatever is killed.

    Args:
        place: Of the state.
        schema: Of the customers.
        rows: All events, as of `CustomerState.batch`, in the order of their arrival.
        positions: Where a stream reads on from these.
        as_of: Its day; by default the schema's.
    """
    half = place.with_name(place.name + _HALF)
    with held(place) as old:
        _remove(half)
        events = 0
        with CustomerState(half, schema, as_of) as state:
            for some in rows:
                events += len(some)
                state.apply(some, {})
            state.apply(pl.DataFrame(), positions)
            customers = state.count()
        put_in_place(half, place, old)
    _sync(place.parent)
    return events, customers


def rebuild_from_catalog(
    place: Path,
    schema: Schema,
    entry: Mapping[str, Any],
    say: Callable[[str], None],
    as_of: date | None = None,
) -> None:
    """Make the state from what a source of the catalog has landed; nothing is read from it now.

    Args:
        place: Of the state.
        schema: Of the customers.
        entry: Of the catalog, with absolute places.
        say: Takes a line for people.
        as_of: Its day; by default the schema's.

    Raises:
        UserError: The entry has no parts, or tells rows apart otherwise than a stream does.
    """
    if entry.get("type") != _ENTRY:
        raise UserError(
            "a state is rebuilt from the parts of a source that grows: name its entry of the "
            f"catalog with --source, one of type {_ENTRY}"
        )
    if entry.get("key") and schema.orders:
        raise UserError(
            f"the entry's `key` ({entry['key']}) lets a later row replace an earlier one, which a "
            "stream knows only by `events` of the schema: declare `id` and `version` there"
        )
    parts = Parts(str(entry["parts"]))
    complete = parts.complete()
    topic = str(entry.get("reader", {}).get("topic", ""))
    positions = positions_of(complete, topic)
    events, customers = rebuild(place, schema, _events(parts, complete), positions, as_of)
    told = ", ".join(f"{name} at {offset:,}" for name, offset in sorted(positions.items()))
    say(f"{place}: {customers:,} customers from {events:,} events in {len(complete):,} parts")
    say(f"The stream reads on from {told or 'the beginning of its topic'}")


def positions_of(parts: list[Part], topic: str) -> dict[str, int]:
    """Where a stream reads on: of a topic of Kafka, the offsets that its last part ends at."""
    offsets: Mapping[str, int] = parts[-1].position.get("offsets", {}) if parts and topic else {}
    return {f"{topic}-{partition}": int(offset) for partition, offset in offsets.items()}


def _events(parts: Parts, complete: list[Part]) -> Iterator[pl.DataFrame]:
    for part in complete:
        rows = parts.rows(part)
        names = (n for n in rows.column_names if n == CHANGE or not n.startswith(_LANDED))
        table = pl.DataFrame(rows.select([*names]))
        yield from table.iter_slices(_PIECE)


def _remove(place: Path) -> None:
    for ending in ("", *BESIDE):
        place.with_name(place.name + ending).unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
