"""Whether tables have changed since they were read."""

from __future__ import annotations

from customer_segmentation.bi.left import Left
from customer_segmentation.s3_errors import store_error
from customer_segmentation.serving.stored import StoredTable

# Streams write it last, and no ledger.
_LAST = "gold_segments"


def state_of(left: Left) -> str:
    """A text that changes when a run or a stream has written; "" while a run publishes.

    Raises:
        UserError: The store does not answer.
    """
    try:
        ledger = left.ledger()
        if ledger.publishing:
            return ""
        marks = [
            f"{name} {entry.content.mark}"
            for name, entry in ledger.entries.items()
            if name in left.tables
        ]
        return "; ".join([*marks, _state(left.place(_LAST))])
    except Exception as error:
        raise store_error(error, left.environment.roots["tables"]) from error


def _state(place: str) -> str:
    try:
        return StoredTable(place).state()
    except FileNotFoundError:
        return "not there"
