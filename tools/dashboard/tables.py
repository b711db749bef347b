"""Gold tables in DuckDB, and the questions of tools/deploy/sql asked of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from time import monotonic
from typing import Any

import duckdb
from sqlglot import exp

from customer_segmentation.bi.left import Left
from customer_segmentation.schema.parts import KEY
from customer_segmentation.tables.columns import Type
from tools.dashboard.changes import state_of
from tools.deploy.sql.questions import Question, questions, unanswered
from tools.deploy.sql.types import type_of
from tools.deploy.sql.views import View, views

# So long a page is of the same rows: a stream writes each second.
_SECONDS = 10.0
# Answers that are kept until the tables change.
_KEPT = 1000
_SEGMENTS, _NAME = "gold_segments", "segment_name"
# All of them: gold_segments itself holds the chosen ones.
_EVERYBODY = "every_customer"
# Of what customers are chosen by: more values are no choice.
_MOST = 20
_TEXT: Type = "text"
# The one view of all that is known of a customer.
_PROFILE = "customer_profile"
_MEMORY, _THREADS = "2GB", 2
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Answers:
    """What the tables say of the chosen customers.

    Attributes:
        connection: Where `gold_segments` has these alone.
        asked: The questions, by name.
        views: The views, by name.
        lacking: Why each other question has no answer, by name.
        absent: The tables that no run has made yet.
        options: Column -> its values with their labels, by which customers can be chosen.
        choices: Column -> the chosen value.
        known: What was asked before of the same rows.
    """

    connection: duckdb.DuckDBPyConnection
    asked: Mapping[str, Question]
    views: Mapping[str, View]
    lacking: Mapping[str, str]
    absent: tuple[str, ...]
    options: Mapping[str, Mapping[str, str]]
    choices: Mapping[str, str]
    known: dict[str, Rows]

    def rows(self, name: str) -> Rows:
        """The answer to a question; none where the schema's customers have no answer."""
        return self._rows(self.asked[name].sql("duckdb")) if name in self.asked else []

    def view(self, name: str) -> Rows:
        """The rows of a view over gold tables alone."""
        return self._rows(self.views[name].sql("duckdb"))

    def number(self, name: str) -> int:
        """How many rows the answer has, none of which leaves DuckDB."""
        query = self.asked[name].query
        counted = exp.select(exp.Count(this=exp.Star())).from_(query.subquery("answer"))
        (row,) = self._rows(counted.sql("duckdb"))
        return int(next(iter(row.values())))

    def _rows(self, text: str) -> Rows:
        key = f"{sorted(self.choices.items())} {text}"
        if key not in self.known:
            if len(self.known) >= _KEPT:
                self.known.clear()
            self.known[key] = rows_of(self.connection, text)
        return self.known[key]


@dataclass(frozen=True)
class _Loaded:
    """The rows of all tables as of a state."""

    state: str
    at: float
    connection: duckdb.DuckDBPyConnection
    absent: tuple[str, ...]
    options: Mapping[str, Mapping[str, str]]
    known: dict[str, Rows]


class Tables:
    """The tables of an environment, read anew when they have changed.

    Args:
        left: The environment.
    """

    def __init__(self, left: Left) -> None:
        self.left = left
        self._lock = Lock()
        self._loaded: _Loaded | None = None
        self._asked = {one.name: one for one in questions(left.schema)}
        self._views = {one.name: one for one in views(left.schema)}

    @contextmanager
    def answers(self, wanted: Mapping[str, str]) -> Iterator[Answers]:
        """What the tables say.

        Args:
            wanted: Column -> value that customers are chosen by; others than are known are left
                out.

        Raises:
            UserError: A store does not answer.
        """
        loaded = self._current()
        with loaded.connection.cursor() as own:
            options = loaded.options
            choices = {c: wanted[c] for c in options if wanted.get(c) in options[c]}
            _choose(own, choices)
            lacking = unanswered(self.left.schema)
            yield Answers(
                *(own, self._asked, self._views, lacking, loaded.absent, options, choices),
                loaded.known,
            )

    def _current(self) -> _Loaded:
        with self._lock:
            loaded, now = self._loaded, monotonic()
            if loaded and now - loaded.at < _SECONDS:
                return loaded
            state = state_of(self.left)
            # While a run publishes, what was there before is one whole.
            if loaded and state in {"", loaded.state}:
                self._loaded = replace(loaded, at=now)
            else:
                connection, absent = self._load()
                options = self._options(connection)
                self._loaded = _Loaded(state, now, connection, absent, options, {})
            return self._loaded

    def _load(self) -> tuple[duckdb.DuckDBPyConnection, tuple[str, ...]]:
        config: dict[str, Any] = {
            "memory_limit": _MEMORY,
            "threads": _THREADS,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        connection = duckdb.connect(":memory:", config=config)
        absent = []
        needed = self._needed()
        for name, table in self.left.tables.items():
            kept = [one for one in table.columns if one.name in needed]
            columns = ", ".join(f'"{c.name}" {type_of("duckdb", c)}' for c in kept)
            place = _EVERYBODY if name == _SEGMENTS else name
            connection.execute(f"CREATE TABLE {place} ({columns})")
            rows = self.left.read(name, [column.name for column in kept])
            if rows is None:
                absent.append(name)
                continue
            connection.register("rows", rows)
            connection.execute(f"INSERT INTO {place} SELECT * FROM rows")  # noqa: S608 - declared
            connection.unregister("rows")
        # From here on it reads no file, whatever is asked.
        connection.execute("SET enable_external_access = false")
        return connection, tuple(absent)

    def _needed(self) -> set[str]:
        """The columns that are asked for: features have many more."""
        texts: tuple[Question | View, ...] = (*self._asked.values(), *self._views.values())
        asked = (one.query.find_all(exp.Column) for one in texts if one.name != _PROFILE)
        decided = {column.name for column in self.left.tables[_SEGMENTS].columns}
        return {column.name for found in asked for column in found} | decided | {KEY}

    def _options(self, connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
        schema = self.left.schema
        columns = {
            column.name: schema.decisions[column.name].label
            for column in self.left.tables[_SEGMENTS].columns
            if column.type == _TEXT and column.name in schema.decisions
        }
        found = {}
        for column in ("segment", *columns):
            is_segment = column == "segment"
            label, order = (_NAME, "MIN(segment_id)") if is_segment else (column, "COUNT(*) DESC")
            text = (
                f'SELECT "{column}" AS value, MIN("{label}") AS label FROM {_EVERYBODY} '  # noqa: S608 - declared
                f'WHERE "{column}" IS NOT NULL GROUP BY 1 ORDER BY {order}, 1 LIMIT {_MOST}'
            )
            rows = rows_of(connection, text)
            if len(rows) > 1:
                found[column] = {row["value"]: row["label"] for row in rows}
        return found


def _choose(connection: duckdb.DuckDBPyConnection, choices: Mapping[str, str]) -> None:
    """Have gold_segments of this connection, and of no other, hold the chosen customers."""
    chosen = exp.select("*").from_(_EVERYBODY)
    for column, value in choices.items():
        named = exp.column(exp.to_identifier(column, quoted=True))
        chosen = chosen.where(named.eq(exp.Literal.string(value)))
    connection.execute(f"CREATE TEMP VIEW {_SEGMENTS} AS {chosen.sql('duckdb')}")


def rows_of(connection: duckdb.DuckDBPyConnection, text: str) -> Rows:
    """What a query gives."""
    answer = connection.execute(text)
    names = [column[0] for column in answer.description or ()]
    return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
