"""Questions of a marketer and an analyst, as SQL over the gold tables, written once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sqlglot import exp

from customer_segmentation.schema.schema import Schema
from tools.deploy.project import schema as chosen_schema
from tools.deploy.sql.asked import QUESTIONS
from tools.deploy.sql.dialects import GOLD, Dialect, parsed, transpiled
from tools.deploy.sql.views import View, views


@dataclass(frozen=True)
class Question:
    """A question that the gold tables answer.

    Attributes:
        name: By which it is saved.
        title: As one asks it.
        about: What a row of the answer is, without a full stop.
        text: Its query over gold tables and views, as PostgreSQL has it.
        known: The views that it may read.
    """

    name: str
    title: str
    about: str
    text: str
    known: tuple[View, ...]

    @cached_property
    def query(self) -> exp.Query:
        """The query over gold tables alone: the views that it reads are parts of it."""
        query = parsed(self.text)
        for view in reversed(self.known):
            if any(table.name == view.name for table in query.find_all(exp.Table)):
                query = _with(query, view)
        return query

    @property
    def tables(self) -> list[str]:
        """The gold tables that it reads, by name in the catalog."""
        names = {table.name for table in self.query.find_all(exp.Table)}
        return sorted(name for name in names if name.startswith(GOLD))

    @property
    def columns(self) -> list[str]:
        """The columns of the answer in their order."""
        return self.query.named_selects

    def sql(self, dialect: Dialect) -> str:
        """The query in a dialect, without a semicolon."""
        return transpiled(self.query, dialect)


def questions(schema: Schema | None = None) -> tuple[Question, ...]:
    """The questions that a schema's customers can answer.

    Args:
        schema: The checkout's without one.
    """
    schema = schema or chosen_schema()
    known = views(schema)
    return tuple(
        Question(one.name, one.title, one.about, one.text(schema), known)
        for one in QUESTIONS
        if not one.lacks(schema)
    )


def unanswered(schema: Schema | None = None) -> dict[str, str]:
    """Why each other question cannot be answered, in words, by name."""
    schema = schema or chosen_schema()
    return {one.name: why for one in QUESTIONS if (why := one.lacks(schema))}


def _with(query: exp.Query, view: View) -> exp.Query:
    """The query with a view as its first part."""
    part = exp.CTE(this=view.query.copy(), alias=exp.TableAlias(this=exp.to_identifier(view.name)))
    clause = query.args.get("with_")
    if clause:
        clause.set("expressions", [part, *clause.expressions])
    else:
        query.set("with_", exp.With(expressions=[part]))
    return query
