"""The rules of the batch, ready for events with the same columns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import narwhals as nw
import polars as pl

from customer_segmentation.customers.quarantine import IS_BROKEN
from customer_segmentation.customers.reading import Reading
from customer_segmentation.schema.schema import Schema
from customer_segmentation.streaming.plans import Plan
from customer_segmentation.streaming.reading import checked_events

# Sets of columns that events have, whose rules are kept ready.
_MOST_KINDS = 16


class Checking:
    """Checks events, and tells the valid from the rejected.

    Args:
        columns: Of the events.
        schema: Of the customers.
        reading: From `reading_of`.
    """

    def __init__(self, columns: pl.Schema, schema: Schema, reading: Reading) -> None:
        checked = checked_events(nw.from_native(pl.LazyFrame(schema=columns)), schema, reading)
        # The headers that no column reads.
        self.unknown = checked.unknown

        def of(part: str, judged: pl.LazyFrame) -> pl.LazyFrame:
            found: Any = getattr(replace(checked, judged=nw.from_native(judged)), part)
            plan: pl.LazyFrame = found.to_native()
            return plan

        def judge(events: pl.LazyFrame) -> pl.LazyFrame:
            found: pl.LazyFrame = checked_events(
                nw.from_native(events), schema, reading
            ).judged.to_native()
            return found

        self._judged = Plan(columns, judge)
        kept = checked.judged.collect_schema().to_polars()
        self._valid = Plan(kept, lambda judged: of("valid", judged))
        self._rejected = Plan(kept, lambda judged: of("rejected", judged))

    def checked(self, events: pl.DataFrame) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
        """The valid events as `CheckedEvents.valid`, and the rejected, if there are any."""
        judged = self._judged(events)
        rejected = [self._rejected(judged)] if judged[IS_BROKEN].any() else []
        return self._valid(judged), rejected


class Checkings:
    """The same for events of several kinds, the last few kept ready.

    Args:
        schema: Of the customers.
        reading: From `reading_of`.
    """

    def __init__(self, schema: Schema, reading: Reading) -> None:
        self._schema, self._reading = schema, reading
        self._known: dict[tuple[str, ...], Checking] = {}

    def of(self, columns: pl.Schema) -> Checking:
        """For events with these columns."""
        names = tuple(columns.names())
        if names not in self._known:
            if len(self._known) >= _MOST_KINDS:
                self._known.pop(next(iter(self._known)))
            self._known[names] = Checking(columns, self._schema, self._reading)
        return self._known[names]
