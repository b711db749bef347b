"""What the send log says of customers: contacts, what each receiver has, who was assigned to what.

Numbers of rows go up to those of all customers, so that all is done on Arrow's tables.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from customer_segmentation.delivery.log import SendLog
from customer_segmentation.delivery.records import (
    HELD_OUT,
    LEFT,
    ROWS,
    TOLD,
    Terms,
    texts,
)
from customer_segmentation.schema.parts import KEY

_ORDER = "order"
_TEXTS = (KEY, "campaign", "day", "offer", "channel", "segment", "at")
# `at` is when it was written down to be sent, in UTC, whatever `day` it was for. With what the
# campaign was planned with: the cost of a contact, the value of an answer, the share that is held
# out, and the currency.
CONTACTS = pa.schema(
    [
        *((name, pa.string()) for name in _TEXTS),
        ("in_hold_out", pa.bool_()),
        *((name, pa.float64()) for name in ("cost", "value", "hold_out")),
        ("currency", pa.string()),
    ]
)


def contacts(log: SendLog, campaign: str = "", *, with_rejected: bool = False) -> pa.Table:
    """Every contact that a receiver has taken, and everybody held out, as `CONTACTS`.

    Who is held out has the offer that they would have got.

    Args:
        log: The environment's.
        campaign: Only of this one, if it is given.
        with_rejected: Whether also those whom a receiver has rejected.
    """
    parts = [CONTACTS.empty_table()]
    for state in log.states(campaign):
        rows = log.received(state, with_rejected=with_rejected)
        rows = rows.filter(pc.not_equal(rows["change"], LEFT))
        terms = state.delivery.terms
        told = {
            **{name: rows[name] for name in (KEY, "offer", "channel", "segment")},
            **{n: _same(getattr(state.delivery, n), len(rows)) for n in ("campaign", "day", "at")},
            "in_hold_out": pc.equal(rows["change"], HELD_OUT),
            **{name: _of_offers(name, rows["offer"], terms) for name in ("cost", "value")},
            "hold_out": pa.repeat(terms.hold_out, len(rows)),
            "currency": _same(terms.currency, len(rows)),
        }
        parts.append(pa.table(told).select(CONTACTS.names).cast(CONTACTS))
    return pa.concat_tables(parts)


def assignments(log: SendLog, campaign: str = "") -> pa.Table:
    """Each customer of each campaign once, as they were first sent, or held out.

    The columns are those of `CONTACTS`, `day` the first contact's. Whom a receiver rejected, such
    as for a dead address, is among them: without these, those contacted would differ from those
    held out by more than chance.
    """
    found = contacts(log, campaign, with_rejected=True)
    # Of two deliveries, the one of the earlier day counts, whichever was written first.
    return _of_each(found.sort_by([("day", "ascending")]), ("campaign", KEY), is_last=False)


def received(log: SendLog, campaign: str, receiver: str) -> pa.Table:
    """What a receiver has of a campaign: `customer_id`, and what it was told last (`TOLD`).

    Of a customer whom it may have, for all that is known, what it was told is null.
    """
    parts = [ROWS.empty_table()]
    for state in log.states(campaign):
        if state.delivery.receiver != receiver:
            continue
        rows = log.received(state)
        parts.append(rows.filter(pc.not_equal(rows["change"], HELD_OUT)))
        perhaps = [
            {KEY: one.customer_id}
            for answer in state.answers.values()
            for one in answer.withheld
            if one.perhaps_sent
        ]
        parts.append(pa.Table.from_pylist(perhaps, ROWS))
    last = _of_each(pa.concat_tables(parts), (KEY,), is_last=True)
    has_it = pc.not_equal(pc.fill_null(last["change"], ""), LEFT)
    return last.filter(has_it).select([KEY, *TOLD])


def assigned_before(log: SendLog, campaign: str) -> tuple[pa.Array, pa.Array]:
    """The ids of whom a campaign has contacted, or may have, and of whom it holds out."""
    contacted = [pa.array([], pa.string())]
    held_out = [pa.array([], pa.string())]
    for state in log.states(campaign):
        for ids, rows in zip((contacted, held_out), log.assigned(state), strict=True):
            ids.append(texts(rows[KEY]))
    return pc.unique(pa.concat_arrays(contacted)), pc.unique(pa.concat_arrays(held_out))


def _of_each(rows: pa.Table, key: tuple[str, ...], *, is_last: bool) -> pa.Table:
    """The first or the last row of each key."""
    which = "max" if is_last else "min"
    ordered = rows.append_column(_ORDER, pa.array(np.arange(len(rows))))
    places = ordered.group_by(list(key)).aggregate([(_ORDER, which)])[f"{_ORDER}_{which}"]
    return rows.take(pc.take(places, pc.sort_indices(places)))


def _of_offers(name: str, offers: pa.ChunkedArray, terms: Terms) -> pa.Array:
    """The cost of a contact, or the value of an answer, with the offer of each row."""
    amounts = pa.array([getattr(one, name) for one in terms.offers.values()], pa.float64())
    names = pa.array([*terms.offers], pa.string())
    return amounts.take(pc.index_in(texts(offers), value_set=names))


def _same(text: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), count)
