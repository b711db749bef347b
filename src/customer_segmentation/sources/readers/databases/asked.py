"""What is read of a database, as SQL in which every name is quoted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    FromClause,
    Select,
    Text,
    cast,
    column,
    func,
    literal_column,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.sql import quoted_name

_SOURCE = "source"


@dataclass(frozen=True)
class Asked:
    """A table or query, and what of it.

    Attributes:
        table: Its name, after that of its schema if it has one: `shop.customers`.
        query: Instead, a SELECT.
        columns: Those to read; none for all.
        cursor: The column that grows with each change.
        key: The columns by which a row is known.
        deleted: The column that says whether a row is deleted.
    """

    table: str = ""
    query: str = ""
    columns: tuple[str, ...] = ()
    cursor: str = ""
    key: tuple[str, ...] = ()
    deleted: str = ""

    @property
    def needed(self) -> tuple[str, ...]:
        """What is read besides the columns."""
        return tuple(dict.fromkeys(filter(None, (*self.key, self.cursor, self.deleted))))

    def everything(self) -> Select[Any]:
        """All columns, to see which there are."""
        if self.columns:
            return select(*self._source(self.columns).c)
        return select(literal_column("*")).select_from(self._source(()))

    def rows(
        self,
        names: Sequence[str],
        as_text: frozenset[str] = frozenset(),
        since: ColumnElement[Any] | None = None,
    ) -> Select[Any]:
        """The rows, by cursor and key if there are these.

        Args:
            names: The columns to read.
            as_text: Those that the database is to write as text.
            since: Where the cursor begins.
        """
        source = self._source(dict.fromkeys((*names, *self.needed)))
        read = [
            cast(source.c[name], Text).label(quoted_name(name, quote=True))
            if name in as_text
            else source.c[name]
            for name in names
        ]
        found = select(*read).order_by(*(source.c[n] for n in (self.cursor, *self.key) if n))
        return found if since is None else found.where(source.c[self.cursor] >= since)

    def without(self) -> Select[Any]:
        """How many rows have no cursor or key."""
        source = self._source(self.needed)
        names = filter(None, (self.cursor, *self.key))
        is_missing = or_(*(source.c[name].is_(None) for name in names))
        return select(func.count()).select_from(source).where(is_missing)

    def _source(self, names: Sequence[str] | dict[str, None]) -> FromClause:
        columns: list[ColumnClause[Any]] = [column(quoted_name(name, quote=True)) for name in names]
        if self.query:
            # A colon would begin a parameter.
            written = re.sub(r"(?=:)", r"\\", self.query.strip().rstrip(";"))
            return text(written).columns(*columns).subquery(_SOURCE)
        schema, _, name = self.table.rpartition(".")
        place = quoted_name(schema, quote=True) if schema else None
        return table(quoted_name(name, quote=True), *columns, schema=place).alias(_SOURCE)
