"""What a receiver must be told, so that it has what it is to have."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.delivery.records import (
    CHANGED,
    EMAIL,
    ENTERED,
    HELD_OUT,
    LEFT,
    NO_BATCH,
    ROWS,
    TOLD,
    texts,
)
from customer_segmentation.schema.parts import KEY


def difference(wanted: pa.Table, held: pa.Table) -> pa.Table:
    """The rows to be sent, as `records.ROWS`, without a part; who left comes first.

    Args:
        wanted: Whom the receiver is to have: the columns of `records.ROWS` but `change`, `batch`.
        held: Whom it has: `customer_id`, and what it was told (`records.TOLD`).
    """
    ids, known = texts(wanted[KEY]), texts(held[KEY])
    places = pc.index_in(ids, value_set=known)
    there = held.take(places)
    is_new = pc.is_null(places)
    same = [pc.equal(_filled(wanted[name]), _filled(there[name])) for name in TOLD]
    # Nobody knows what the receiver was told of somebody without an offer.
    is_same = reduce(pc.and_, [*same, pc.is_valid(there["offer"])])
    told = pc.if_else(is_new, ENTERED, pc.if_else(is_same, "", CHANGED))
    sent = wanted.append_column("change", told).filter(pc.not_equal(told, ""))
    gone = held.filter(pc.invert(pc.is_in(known, value_set=ids)))
    who = {KEY: gone[KEY], EMAIL: gone[EMAIL], "change": _same(LEFT, len(gone))}
    rows = pa.concat_tables([_as_rows(sent), _as_rows(pa.table(who))])
    # Of the three words the last by the alphabet is `left`.
    return rows.sort_by([("change", "descending"), (KEY, "ascending")])


def in_batches(rows: pa.Table, held_out: pa.Table, size: int) -> tuple[pa.Table, int]:
    """The rows of a delivery, each with its part, and how many parts there are.

    Args:
        rows: To be sent, in order.
        held_out: Whom nothing is sent, with the columns of `wanted`: what they would have got.
        size: Rows in a part, at most.
    """
    batches = np.arange(len(rows)) // size
    sent = _with(rows, "batch", pa.array(batches, pa.int32()))
    kept = _as_rows(held_out.append_column("change", _same(HELD_OUT, len(held_out))))
    kept = _with(kept, "batch", pa.array(np.full(len(kept), NO_BATCH), pa.int32()))
    return pa.concat_tables([sent, kept]), -(-len(rows) // size)


def _as_rows(table: pa.Table) -> pa.Table:
    """A table as `records.ROWS`, with null where it lacks a column."""
    nothing = pa.nulls(len(table))
    columns = {n: table[n] if n in table.column_names else nothing for n in ROWS.names}
    return pa.table(columns).cast(ROWS)


def _with(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index(name), rows.schema.field(name), values)


def _filled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.fill_null(column.cast(pa.string()), "")


def _same(text: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), count)
