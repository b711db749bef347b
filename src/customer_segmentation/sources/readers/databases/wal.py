"""What PostgreSQL's wal2json tells of changes to a table, as rows of text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.sources.arrivals.parts import CHANGE, PUT, REMOVED
from customer_segmentation.sources.limits import MAX_BATCH
from customer_segmentation.sources.typed import as_text

# How a table must be named for wal2json.
_SPECIAL = re.compile(r"([\\,.*\s])")
# PostgreSQL's types whose texts are written as those of `Way.batches` are.
_TYPED = {
    "boolean": pa.bool_(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "timestamp without time zone": pa.timestamp("us"),
    "timestamp with time zone": pa.timestamp("us", "UTC"),
}
Row = dict[str, str | None]


@dataclass(frozen=True)
class Event:
    """A change of one row, or the end of all rows.

    Attributes:
        row: By column; null is None. What was left out, since it is stored apart and did not
            change, is missing.
        change: `PUT` or `REMOVED`; '' where the table was emptied.
    """

    row: Row
    change: str


@dataclass
class Transaction:
    """The changes of a transaction, or some of very many.

    Attributes:
        end: Where its record ends in the log.
        before: How many of its changes came before these.
        events: In order.
        is_last: Whether the transaction ends with them.
        size: In bytes, as wal2json writes them.
    """

    end: int
    before: int = 0
    events: list[Event] = field(default_factory=list)
    is_last: bool = False
    size: int = 0


def lsn(text: str) -> int:
    """A place in the log as a number."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def told(place: int) -> str:
    """The same as PostgreSQL writes it."""
    return f"{place >> 32:X}/{place & 0xFFFFFFFF:X}"


def filter_of(schema: str, table: str) -> str:
    """The table as the option `add-tables` has it."""
    return ".".join(_SPECIAL.sub(r"\\\1", name) for name in (schema, table))


def transactions(
    records: Iterable[str], key: tuple[str, ...], types: Mapping[str, str], size: int
) -> Iterator[Transaction]:
    """Transactions of wal2json's records, in pieces of some number of changes.

    Args:
        records: Its second format, with the places in the log.
        key: The columns by which a row is known.
        types: The columns -> PostgreSQL's name of the type, without arguments.
        size: Of a piece.
    """
    current = Transaction(0)
    for record in records:
        # Numbers as they are written, to any size.
        found = json.loads(record, parse_float=str, parse_int=str)
        action = found["action"]
        if action == "B":
            current = Transaction(lsn(found["nextlsn"]))
        elif action == "C":
            current.is_last = True
            yield current
        else:
            current.events += _events(found, action, key, types)
            current.size += len(record)
            if len(current.events) >= size or current.size >= MAX_BATCH:
                yield current
                current = Transaction(current.end, current.before + len(current.events))


def joined(pieces: Iterable[Transaction], size: int) -> Iterator[Transaction]:
    """Small transactions together, so that not each becomes a part; others as they are.

    Args:
        pieces: As of `transactions`, in order.
        size: As of `transactions`.
    """
    held: Transaction | None = None
    for piece in pieces:
        is_emptied = any(not event.change for event in piece.events)
        is_small = piece.is_last and not piece.before and not is_emptied
        if held and not (is_small and _fits(held, piece, size)):
            yield held
            held = None
        if not is_small:
            yield piece
        elif held:
            held.end, held.size = piece.end, held.size + piece.size
            held.events += piece.events
        else:
            held = piece
    if held:
        yield held


def _fits(held: Transaction, piece: Transaction, size: int) -> bool:
    return len(held.events) + len(piece.events) <= size and held.size + piece.size <= MAX_BATCH


def _events(
    found: Mapping[str, Any], action: str, key: tuple[str, ...], types: Mapping[str, str]
) -> Iterator[Event]:
    if action == "T":
        yield Event({}, "")
        return
    before, after = (_row(found.get(kind, ()), types) for kind in ("identity", "columns"))
    if action == "D" or (action == "U" and any(before[n] != after[n] for n in key)):
        yield Event({name: before[name] for name in key}, REMOVED)
    if action != "D":
        # With the full replica identity, what did not change is among the old.
        yield Event(before | after, PUT)


def _row(cells: Iterable[Mapping[str, Any]], types: Mapping[str, str]) -> Row:
    return {cell["name"]: _cell(cell, types) for cell in cells if cell["name"] in types}


def _cell(cell: Mapping[str, Any], types: Mapping[str, str]) -> str | None:
    value = cell["value"]
    if value is None or isinstance(value, str):
        # As PostgreSQL writes it.
        is_bytes = value is not None and types[cell["name"]] == "bytea"
        return f"\\x{value}" if is_bytes else value
    return "true" if value is True else "false"


def rows_of(
    events: Iterable[Event],
    types: Mapping[str, str],
    missing: Callable[[Row, list[str]], Row],
) -> pa.Table:
    """Changes of rows as a table of text with `CHANGE`.

    Args:
        events: None of which empties the table.
        types: As of `transactions`.
        missing: Gives the cells that were left out of a row.
    """
    found = list(events)
    for event in found:
        left_out = [name for name in types if name not in event.row]
        if event.change == PUT and left_out:
            event.row.update(missing(event.row, left_out))
    columns: dict[str, Any] = {
        name: _column([event.row.get(name) for event in found], kind)
        for name, kind in types.items()
    }
    return pa.table(columns | {CHANGE: pa.array([event.change for event in found], pa.string())})


def _column(cells: list[str | None], kind: str) -> pa.Array:
    column = pa.array(cells, pa.string())
    if kind == "numeric":
        column = pc.replace_substring_regex(column, r"\.0+$", "")
    if kind in _TYPED:
        # Arrow wants the minutes of an offset.
        if kind.endswith("with time zone"):
            column = pc.replace_substring_regex(column, r"([+-]\d\d)$", r"\1:00")
        try:
            return as_text(column.cast(_TYPED[kind]))
        except pa.ArrowInvalid:
            # An infinite time, say, among others.
            return pa.concat_arrays([_cell_of(column.slice(n, 1), kind) for n in range(len(cells))])
    return as_text(column)


def _cell_of(cell: pa.Array, kind: str) -> pa.Array:
    try:
        return as_text(cell.cast(_TYPED[kind]))
    except pa.ArrowInvalid:
        return as_text(cell)
