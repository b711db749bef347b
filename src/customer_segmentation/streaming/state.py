"""Customers from events: the lines of each, and what they come to.

An event changes the lines of one customer, and these alone are added up again, by the batch's own
aggregation: so the state is what a batch over all events would say, to the cent, in whatever order
they came.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import polars as pl

from customer_segmentation.customers.rules import REASONS
from customer_segmentation.customers.versions import (
    IS_CONFLICT,
    IS_REPEAT,
    IS_REPLACED,
    shared_id,
)
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.streaming.checking import Checkings
from customer_segmentation.streaming.day import MAX_AHEAD_DAYS, Day
from customer_segmentation.streaming.merging import judging, merged
from customer_segmentation.streaming.packing import ARRIVED, IS_APART, Packing
from customer_segmentation.streaming.reading import (
    IS_TAKEN,
    LINE,
    OFFSET,
    PARTITION,
    reading_of,
)
from customer_segmentation.streaming.rows import answers_before, digest_of, rows_to_keep
from customer_segmentation.streaming.step import Step
from customer_segmentation.streaming.store import REBUILD, Row, Store

# Customers that are added up together when a day passes.
CHUNK = 10_000
# Headers that no column reads, beyond which no more are told.
_MOST_TOLD = 100
_LAYOUT = 1
# What of a schema the state depends on.
_RULES = (
    *("groups", "column_rules", "orders", "events", "date_formats", "two_digit_years_before"),
    *("missing_values", "decimal_sign", "thousands_sign", "ignored_signs", "flags"),
    "unknown_categories",
)


class CustomerState:
    """The state of all customers, in one file.

    Args:
        place: The file.
        schema: Of the customers.
        as_of: The day of a new state; one that is there goes on from its own (`advance`).

    Raises:
        UserError: Another process keeps the state, it was made by another schema, or events cannot
            be read by this one.
    """

    def __init__(self, place: Path, schema: Schema, as_of: date | None = None) -> None:
        self._reading = reading_of(schema)
        self._packing = Packing(schema)
        day = as_of or schema.as_of
        meta = {"as_of": day.isoformat(), "newest": "", "positions": {}, "number": 0, "arrived": 0}
        self._store = Store(place, len(self._packing.texts), made_by(schema), meta)
        self._base = schema
        self._day: Day | None = None
        self._judge = judging(self._packing.unpacked([]).schema, schema)
        self._checkings = Checkings(schema, self._reading)
        self._use(self._store.meta)

    def _use(self, meta: Mapping[str, Any]) -> None:
        self._meta = dict(meta)
        self._be_on(self.as_of)

    def _be_on(self, as_of: date) -> None:
        """Count what counts on this day."""
        if self._day is None or as_of != self._day.as_of:
            self._day = Day(self._base, as_of, self._packing)

    @property
    def day(self) -> Day:
        """What counts on the day of the state."""
        assert self._day is not None  # noqa: S101 - made with the state
        return self._day

    @property
    def as_of(self) -> date:
        """The day that it is the state of."""
        return date.fromisoformat(self._meta["as_of"])

    @property
    def positions(self) -> dict[str, int]:
        """Where to read on: partition -> offset."""
        return dict(self._meta["positions"])

    @property
    def number(self) -> int:
        """How many changes were kept so far."""
        return int(self._meta["number"])

    @property
    def is_between_days(self) -> bool:
        """Whether `advance` or `again` has not come to its end."""
        return self._meta.get("swept") is not None

    def count(self) -> int:
        """How many customers have lines or a record, of the window or not."""
        return self._store.count()

    @property
    def is_rebuilt(self) -> bool:
        """Whether there were events, and nobody was answered since."""
        return self.number > 0 and not self._store.has_answers()

    @property
    def is_rebuilt_in_part(self) -> bool:
        """Whether `again` with `anew` has not come to its end."""
        return bool(self._meta.get("anew"))

    def has_answers_but_by(self, artifact_version: str) -> bool:
        """Whether the last answer of any customer is by another model."""
        return self._store.has_answers_but_by(artifact_version)

    def __enter__(self) -> Self:
        """The same state."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the file."""
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    def apply(self, events: pl.DataFrame, positions: Mapping[str, int]) -> Step:
        """Take events in and keep what they change, without answers (else: `batch`)."""
        with self.batch(events, positions) as step:
            return step

    def batch(self, events: pl.DataFrame, positions: Mapping[str, int]) -> Step:
        """What some events change; kept at the end of `with`, together with the positions.

        Args:
            events: Cells as text, by header or column; and `PARTITION` and `OFFSET`, if they come
                from a log: what was read before is left out.
            positions: Where to read on afterwards.
        """
        # A step of another day may have been given up.
        self._be_on(self.as_of)
        fresh = self._fresh(events).cast({pl.Null: pl.String})
        if not fresh.width:
            fresh = pl.DataFrame(schema=dict.fromkeys(self._reading.headers, pl.String))
        checking = self._checkings.of(fresh.schema)
        valid, rejected = checking.checked(fresh)
        meta = self._meta | {
            "number": self.number + 1,
            "positions": self.positions | dict(positions),
            "newest": max(self._meta["newest"], self._newest(valid)),
            "arrived": self._meta["arrived"] + len(valid),
        }
        step = self._changed(valid, rejected, meta)
        step.repeats += len(events) - len(fresh)
        step.notes += self._told(checking.unknown, meta)
        return step

    def advance(self, as_of: date, *, confirmed: bool = False) -> Iterator[Step]:
        """Let days pass: every customer as of another day, in steps to be used with `with`.

        A day that is not after the state's changes nothing; what an earlier call left undone is
        done first.

        Args:
            as_of: The day.
            confirmed: That it is right, however far ahead.

        Raises:
            UserError: It is far ahead of the state and of the newest event.
        """
        if as_of > self.as_of:
            self._refuse_far(as_of, confirmed=confirmed)
            yield from self._swept({"as_of": as_of.isoformat(), "swept": ""})
        elif self.is_between_days:
            yield from self._swept({})

    def again(self, *, anew: bool = False) -> Iterator[Step]:
        """Every customer once more, as for the answers of another model; as `advance`.

        Args:
            anew: That the state was made anew: until the end, `is_rebuilt_in_part`.
        """
        yield from self._swept({"swept": "", "anew": anew})

    def undo_to(self, positions: Mapping[str, int], number: int | None = None) -> bool:
        """Take the last change back, if that leads to these positions; whether it was.

        Args:
            positions: Where the log was read to.
            number: Of the change that led there, where positions alone do not tell.

        Raises:
            UserError: The state is at other positions, before and after its last change.
        """
        if self._is_at(self._meta, positions, number):
            return False
        before = self._store.meta_before
        if before is None or not self._is_at(before, positions, number):
            raise UserError(
                f"{self._store.place}: the state has read to {self.positions}, the stream to "
                f"{dict(positions)}: {REBUILD}"
            )
        self._store.undo()
        self._use(self._store.meta)
        return True

    @staticmethod
    def _is_at(meta: Mapping[str, Any], positions: Mapping[str, int], number: int | None) -> bool:
        return meta["positions"] == dict(positions) and number in {None, meta["number"]}

    def customers(self) -> Iterator[pl.DataFrame]:
        """All customers as in `silver_customers`, in the order of their keys, in pieces."""
        for rows in self._pieces(""):
            yield self.day.added_up(self._packing.unpacked(rows))

    def nobody(self) -> pl.DataFrame:
        """The table of customers without a row."""
        return self.day.added_up(self._packing.unpacked([]))

    def _pieces(self, key: str) -> Iterator[list[Row]]:
        while rows := self._store.after(key, CHUNK):
            yield rows
            key = rows[-1][0]

    def _swept(self, change: dict[str, Any]) -> Iterator[Step]:
        meta = self._meta | change
        while rows := self._store.after(meta["swept"], CHUNK):
            meta = meta | {"number": self.number + 1, "swept": rows[-1][0]}
            # Whatever else is kept meanwhile is of the new day.
            self._be_on(date.fromisoformat(meta["as_of"]))
            yield self._step(rows, self._packing.unpacked(rows), meta)
            meta = self._meta
            if meta.get("swept") is None:
                # The first step was given up or taken back, and the whole change with it.
                return
        self._keep(meta | {"number": self.number + 1, "swept": None, "anew": False})

    def _refuse_far(self, as_of: date, *, confirmed: bool) -> None:
        newest = self._meta["newest"]
        last = max(self.as_of, date.fromisoformat(newest) if newest else self.as_of)
        if not confirmed and as_of > last + timedelta(days=MAX_AHEAD_DAYS):
            raise UserError(
                f"{as_of} is {(as_of - last).days} days after {last}, the day of the state and of "
                f"its newest event: if the clock is right, {REBUILD}"
            )

    def _fresh(self, events: pl.DataFrame) -> pl.DataFrame:
        """The events that were not read before."""
        if not {PARTITION, OFFSET} <= {*events.columns} or not self.positions:
            return events
        known = self.positions
        read = pl.col(PARTITION).replace_strict(
            [*known], [*known.values()], default=0, return_dtype=pl.Int64
        )
        return events.filter(pl.col(OFFSET) >= read)

    def _newest(self, valid: pl.DataFrame) -> str:
        """The newest day of an event, but for what cannot be true."""
        if not self._base.orders:
            return ""
        until = self.as_of + timedelta(days=MAX_AHEAD_DAYS)
        days = valid[self._base.time].cast(pl.Date)
        newest = days.filter(days <= until).max()
        return newest.isoformat() if isinstance(newest, date) else ""

    def _told(self, unknown: Sequence[str], meta: dict[str, Any]) -> list[str]:
        """What is said once of each header that no column reads."""
        told = [*meta.get("told", ())]
        new = [header for header in unknown if header not in told][: _MOST_TOLD - len(told)]
        meta["told"] = [*told, *new]
        return [f"events have {header!r}, which no column of the schema reads" for header in new]

    def _changed(
        self, valid: pl.DataFrame, rejected: list[pl.DataFrame], meta: dict[str, Any]
    ) -> Step:
        keys = valid[KEY].unique(maintain_order=True)
        rows = self._store.rows(keys.to_list())
        known = self._packing.unpacked(rows)
        new = self._numbered(valid)
        found = merged(known, new, self._base, self.day.lasts, self._judge)
        verdicts = found.new
        conflicts = verdicts.filter(pl.col(IS_CONFLICT) & ~pl.col(IS_REPEAT))
        if len(conflicts):
            reason = pl.lit(shared_id(self._base)).alias(REASONS)
            rejected = [*rejected, self._told_of(conflicts.with_columns(reason))]
        standing = verdicts.filter(~pl.col(IS_REPEAT) & ~pl.col(IS_REPLACED) & ~pl.col(IS_CONFLICT))
        standing = self.day.with_reasons(standing)
        late = standing.filter((pl.col(REASONS) != "") & ~self.day.is_coming)
        if len(late):
            rejected = [*rejected, self._told_of(late)]
        moved = {*found.moved.to_list()}
        lines = found.lines
        if len(moved) < len(keys):
            lines = lines.join(found.moved.to_frame(), on=KEY, how="semi")
        step = self._step([row for row in rows if row[0] in moved], lines, meta, [*moved])
        step.rejected = pl.concat(rejected) if rejected else self._told_of(new.clear())
        step.repeats = int(verdicts[IS_REPEAT].sum())
        step.replaced = int(verdicts[IS_REPLACED].sum())
        step.waiting = int(standing.select(self.day.is_coming.sum()).item())
        step.outside = len(late)
        return step

    def _numbered(self, valid: pl.DataFrame) -> pl.DataFrame:
        """The events with what is kept of them beside their columns."""
        is_removed = pl.col(IS_TAKEN) if IS_TAKEN in valid.columns else pl.lit(value=False)
        new = valid.with_columns(is_removed.alias(IS_APART))
        if self._packing.has_arrived:
            start = self._meta["arrived"]
            return new.with_columns(pl.int_range(start, start + len(new)).alias(ARRIVED))
        if LINE in new.columns:
            line = pl.col(LINE).str.decode("hex").bin.reinterpret(dtype=pl.Int64, endianness="big")
            return new.with_columns(line)
        return new

    @staticmethod
    def _told_of(rows: pl.DataFrame) -> pl.DataFrame:
        """Of rejected events what `CheckedEvents.rejected` tells."""
        if REASONS not in rows.columns:
            rows = rows.with_columns(pl.lit("").alias(REASONS))
        return rows.select(KEY, REASONS, *(n for n in (PARTITION, OFFSET) if n in rows.columns))

    def _step(
        self,
        rows: list[Row],
        lines: pl.DataFrame,
        meta: dict[str, Any],
        keys: Sequence[str] | None = None,
    ) -> Step:
        """What these customers come to.

        Args:
            rows: As they are kept now, of those who are.
            lines: All their lines.
            meta: To keep.
            keys: Theirs, if not of `rows`.
        """
        lines = lines.filter(self.day.lasts).sort(KEY, maintain_order=True)
        customers = self.day.added_up(lines)
        as_of = self.day.as_of
        packed = [
            (*one, digest_of(one, self._packing, as_of)) for one in self._packing.packed(lines)
        ]
        every = [row[0] for row in rows] if keys is None else keys
        digests = {one[0]: one[-1] for one in packed}
        gone = {*every}.difference(customers[KEY].to_list())

        def keep(answers: Mapping[str, tuple[object, ...]]) -> None:
            put = rows_to_keep(packed, rows, answers, gone)
            self._keep(meta, put, [key for key in every if key not in digests], rows)

        return Step(
            number=meta["number"],
            customers=customers,
            gone=sorted(gone),
            before=answers_before(rows, digests),
            rejected=self._told_of(lines.clear()),
            keep=keep,
        )

    def _keep(
        self,
        meta: Mapping[str, Any],
        put: Iterable[Row] = (),
        erased: Iterable[str] = (),
        before: Sequence[Row] = (),
    ) -> None:
        if meta["number"] != self.number + 1:
            raise RuntimeError("the state was changed since this step began")
        self._store.commit(meta, put, erased, before)
        self._use(meta)


def made_by(schema: Schema) -> str:
    """Stands for what the state depends on of a schema."""
    said = schema.model_dump(mode="json", include={*_RULES})
    said["layout"] = _LAYOUT
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()
