"""The histories of segments and of features: each run states what is true for its snapshot's day.

A statement has two times: the day that it is true for, and when it was recorded. A later statement
for the same day takes the place of the earlier one for readers, and the earlier one stays.

A run tells of all customers. A stream tells, again and again, of those who changed: such a
statement is partial, and changes the whole one before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import narwhals as nw

from customer_segmentation.schema.operations import all_of, indicator
from customer_segmentation.schema.parts import AS_OF, KEY

RECORDED_AT, RUN_ID = "recorded_at", "run_id"
# What the `run_id` of a partial statement begins with.
STREAM = "stream-"
# The segment, in a partial statement, of a customer who is none any more.
LEFT = "left"
# The same moment as a timestamp, where feature stores need one.
CREATED = "created_timestamp"
_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
_PART = re.compile(
    r"(\d{4}-\d\d-\d\d)_(\d{4}-\d\d-\d\dT\d\d)(\d\d)(\d\d\.\d{6}Z)(_stream)?\.parquet"
)


@dataclass(frozen=True, order=True)
class Statement:
    """What one run said of one day.

    Attributes:
        recorded_at: UTC, as `2026-11-29T05:01:02.123456Z`; no two statements have the same.
        as_of: The day that it is true for.
        is_partial: Whether it tells only of customers who changed.
    """

    recorded_at: str
    as_of: date
    is_partial: bool = False

    @property
    def part(self) -> str:
        """The name of the file that holds its rows."""
        kind = "_stream" if self.is_partial else ""
        return f"{self.as_of}_{self.recorded_at.replace(':', '')}{kind}.parquet"


def statement_of(part: str) -> Statement | None:
    """The statement that a file holds, by its name; None for a file of another kind."""
    found = _PART.fullmatch(part)
    if not found:
        return None
    day, *moment, kind = found.groups()
    return Statement(":".join(moment), date.fromisoformat(day), is_partial=bool(kind))


def statements_in(table: nw.LazyFrame[Any]) -> list[Statement]:
    """The statements that a table holds, in the order in which they were recorded.

    Those of a table without `as_of` are of the day on which they were recorded.
    """
    has_day = AS_OF in table.collect_schema().names()
    rows = table.select(RECORDED_AT, RUN_ID, *([AS_OF] if has_day else [])).unique().collect()
    return sorted(
        Statement(
            str(nw.to_py_scalar(at)),
            day_of(*day) if day else date.fromisoformat(str(nw.to_py_scalar(at))[:10]),
            is_partial=str(nw.to_py_scalar(run)).startswith(STREAM),
        )
        for at, run, *day in rows.rows()
    )


def day_of(value: Any) -> date:  # noqa: ANN401 - of any engine
    """The day of a cell of `as_of`."""
    day = nw.to_py_scalar(value)
    return day.date() if isinstance(day, datetime) else day


def is_same(now: nw.LazyFrame[Any], said: nw.LazyFrame[Any], names: Sequence[str]) -> bool:
    """Whether two tables have the same customers with the same values in these columns."""
    others = {name: f"{name}__said" for name in names}
    both = now.join(said.select(KEY, *others).rename(others), on=KEY, how="inner")
    equal = all_of(_equal(name, other) for name, other in others.items())
    counts = both.select(rows=nw.len(), equal=indicator(equal).sum()).collect().row(0)
    rows, same = (int(nw.to_py_scalar(count) or 0) for count in counts)
    sizes = [table.select(nw.len()).collect().item() for table in (now, said)]
    return rows == same and all(int(nw.to_py_scalar(size)) == rows for size in sizes)


def nothing_of(table: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
    """A table's columns without any row."""
    return table.filter(nw.col(KEY).is_null())


def _equal(name: str, other: str) -> nw.Expr:
    """Whether both are equal, or both are missing."""
    left, right = nw.col(name), nw.col(other)
    is_one_missing = left.is_null() | right.is_null()
    return nw.when(is_one_missing).then(left.is_null() & right.is_null()).otherwise(left == right)


def in_force(statements: Iterable[Statement], known_at: str | None = None) -> list[Statement]:
    """The last whole statement for each day, the newest day first.

    Args:
        statements: All there are.
        known_at: Only what had been recorded by then, in UTC; a date is its beginning.
    """
    known = (one for one in sorted(statements) if known_at is None or one.recorded_at <= known_at)
    by_day = {one.as_of: one for one in known if not one.is_partial}
    return [by_day[day] for day in sorted(by_day, reverse=True)]


def changes_in_force(
    statements: Iterable[Statement], known_at: str | None = None
) -> list[Statement]:
    """The partial statements that no later whole one of the same day has replaced, in order.

    Args:
        statements: All there are.
        known_at: As of `in_force`.
    """
    known = [one for one in sorted(statements) if known_at is None or one.recorded_at <= known_at]
    whole = {one.as_of: one.recorded_at for one in known if not one.is_partial}
    return [one for one in known if one.is_partial and one.recorded_at > whole.get(one.as_of, "")]


def overlaid(rows: nw.LazyFrame[Any], changes: nw.LazyFrame[Any]) -> Any:  # noqa: ANN401 - of any engine
    """A whole statement's rows with those of later partial ones in their place; who left is out."""
    last = changes.group_by(KEY).agg(nw.col(RECORDED_AT).max())
    told = changes.join(last, on=[KEY, RECORDED_AT], how="inner").select(*rows.collect_schema())
    others = rows.join(last.select(KEY), on=KEY, how="anti")
    stayed = nw.concat([others, told.filter(nw.col("segment") != LEFT)])
    return stayed.to_native()


@dataclass(frozen=True)
class History:
    """The history as a run finds it.

    Attributes:
        statements: In the order in which they were recorded.
        rows: Statement -> its rows, as a table of the environment's engine.
        now: When the run read it, in UTC.
        run_id: Of the run that reads it.
        changes: Partial statements -> the rows of them all.
        table: The whole table, where it is one.
    """

    statements: tuple[Statement, ...]
    rows: Callable[[Statement], Any]
    now: datetime
    run_id: str
    changes: Callable[[Sequence[Statement]], Any] | None = None
    table: Callable[[], Any] | None = None

    def everything(self) -> Any:  # noqa: ANN401 - a table of Arrow's
        """Every row of every statement, in memory; None before the first one."""
        import pyarrow as pa  # noqa: PLC0415 - the server has none of it at its start

        from customer_segmentation.tables.in_memory import in_memory  # noqa: PLC0415 - as above

        if not self.statements:
            return None
        found = [self.table()] if self.table else map(self.rows, self.statements)
        tables = [in_memory(each) for each in found]
        # A later statement may have columns that an earlier one lacks.
        return pa.concat_tables(tables, promote_options="permissive")

    def state(self, whole: Statement, until: str | None = None) -> Any:  # noqa: ANN401 - as `rows`
        """The rows of a whole statement, as partial ones have changed them since.

        Args:
            whole: The statement.
            until: Only what was recorded before, in UTC.
        """
        rows = self.rows(whole)
        later = [
            one
            for one in self.statements
            if one.is_partial
            and one.recorded_at > whole.recorded_at
            and (until is None or one.recorded_at < until)
        ]
        if not later or self.changes is None:
            return rows
        return overlaid(nw.from_native(rows).lazy(), nw.from_native(self.changes(later)).lazy())

    def last_of(self, day: date) -> Statement | None:
        """What is in force for a day."""
        return next((one for one in in_force(self.statements) if one.as_of == day), None)

    def before(self, day: date, said: Statement | None) -> Statement | None:
        """The state to compare a day's with.

        Args:
            day: Its day.
            said: The statement that says the same already, if there is one.

        Returns:
            The statement before it for the same day; else the one in force for the latest day
            before; None for the first state of all.
        """
        others = [
            one for one in self.statements if not one.is_partial and (said is None or one < said)
        ]
        same_day = [one for one in others if one.as_of == day]
        if same_day:
            return max(same_day)
        return next((one for one in in_force(self.statements) if one.as_of < day), None)

    @property
    def next_moment(self) -> str:
        """When a statement made now is recorded: after every other, whatever the clocks say."""
        now = self.now
        if self.statements:
            last = datetime.strptime(max(self.statements).recorded_at, _FORMAT).replace(tzinfo=UTC)
            now = max(now, last + timedelta(microseconds=1))
        return now.strftime(_FORMAT)
