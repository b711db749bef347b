"""From order lines to when customers bought, which says what they are worth.

All that a customer buys on a day is one purchase. Of those who only sent something back there is a
row too, without a purchase.
"""

from __future__ import annotations

from typing import Any

import narwhals as nw

from customer_segmentation.customers.orders import settled_sum, with_features
from customer_segmentation.schema.formula import parse
from customer_segmentation.schema.operations import indicator, where
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.schema.schema import Schema

PURCHASES = "purchases"
# In days: from the first purchase to the last, and to the snapshot.
RECENCY, AGE = "recency_days", "age_days"
# On all days after the first purchase's, less what was sent back on them.
REPEAT_SPEND = "repeat_spend"
# As it was before the last days, which are held back to check the model, and what came in them.
EARLIER, HELD_BACK = "earlier_", "held_back_"
_STATE = (PURCHASES, RECENCY, AGE, REPEAT_SPEND)
COLUMNS = (
    *_STATE,
    *(f"{EARLIER}{name}" for name in _STATE),
    f"{HELD_BACK}{PURCHASES}",
    f"{HELD_BACK}spend",
)
_AGO, _BOUGHT, _SPEND, _FIRST = "days__ago", "bought__on_day", "spend__of_day", "first__ago"
_LAST = "last__ago"


def purchases_of(lines: nw.LazyFrame[Any], schema: Schema) -> nw.LazyFrame[Any]:
    """One row a customer: key, `as_of`, and `COLUMNS` as float64.

    Times are missing of who bought nothing, and so are the earlier ones of who had bought nothing.

    Args:
        lines: As of `aggregate_lines`.
        schema: Declares `orders.lifetime`.
    """
    assert schema.lifetime is not None  # noqa: S101 - the caller's
    held_back = float(schema.lifetime.held_back_days)
    days = _days(lines, schema)
    bought = nw.col(_BOUGHT) > 0.0
    days = days.with_columns(where(bought, nw.col(_AGO), None).max().over(KEY).alias(_FIRST))
    is_repeat = nw.col(_AGO) < nw.col(_FIRST)
    is_earlier = nw.col(_AGO) >= held_back
    parts = {
        PURCHASES: nw.col(_BOUGHT),
        REPEAT_SPEND: where(is_repeat, nw.col(_SPEND), 0.0),
        _LAST: where(bought, nw.col(_AGO), None),
        EARLIER + PURCHASES: where(is_earlier, nw.col(_BOUGHT), 0.0),
        EARLIER + REPEAT_SPEND: where(is_earlier & is_repeat, nw.col(_SPEND), 0.0),
        EARLIER + _LAST: where(bought & is_earlier, nw.col(_AGO), None),
        f"{HELD_BACK}{PURCHASES}": where(is_earlier, 0.0, nw.col(_BOUGHT)),
        f"{HELD_BACK}spend": where(is_earlier, 0.0, nw.col(_SPEND)),
    }
    days = days.with_columns(**parts)
    found = days.group_by(KEY).agg(
        nw.col(AS_OF, _FIRST).max(),
        **{n: nw.col(n).min() if n.endswith(_LAST) else nw.col(n).sum() for n in parts},
    )
    spends = [name for name in parts if name.endswith("spend")]
    times = _times("", 0.0) | _times(EARLIER, held_back)
    found = found.with_columns(**times, **{name: settled_sum(nw.col(name)) for name in spends})
    return found.select(KEY, AS_OF, *(nw.col(name).cast(nw.Float64) for name in COLUMNS)).sort(KEY)


def no_purchases(customers: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """The same table without a row, for a schema that does not declare what purchases are."""
    nothing = {name: nw.lit(None).cast(nw.Float64) for name in COLUMNS}
    return customers.filter(nw.col(KEY).is_null()).select(KEY, AS_OF, **nothing)


def _days(lines: nw.LazyFrame[Any], schema: Schema) -> nw.LazyFrame[Any]:
    """One row a customer and day: whether something was bought, and what the day brought."""
    lifetime = schema.lifetime
    assert lifetime is not None  # noqa: S101 - as above
    needed = [lifetime.purchase, lifetime.brings]
    rows = with_features(lines, schema, needed)
    columns = schema.rows.columns
    ago = parse(f"{AS_OF} - {schema.time}", {AS_OF: columns[schema.time], **columns})
    rows = rows.select(
        KEY,
        AS_OF,
        ago(*map(nw.col, ago.inputs)).alias(_AGO),
        indicator(nw.col(lifetime.purchase) > 0.0).alias(_BOUGHT),
        nw.col(lifetime.brings).alias(_SPEND),
    )
    return rows.group_by(KEY, _AGO).agg(nw.col(AS_OF, _BOUGHT).max(), nw.col(_SPEND).sum())


def _times(prefix: str, held_back: float) -> dict[str, nw.Expr]:
    """Recency and age, where the last days are held back."""
    is_known = nw.col(prefix + PURCHASES) > 0.0
    first, last = nw.col(_FIRST), nw.col(prefix + _LAST)
    return {
        prefix + RECENCY: where(is_known, first - last, None),
        prefix + AGE: where(is_known, first - held_back, None),
    }
