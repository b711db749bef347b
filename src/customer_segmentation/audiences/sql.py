"""Audiences as SQL, for each engine: built as a tree of typed parts, never from a person's text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from customer_segmentation.audiences.definition import Audience
from customer_segmentation.audiences.fields import FEATURES, LIFETIME, SEGMENTS, Field
from customer_segmentation.audiences.rule import (
    Comparison,
    Joined,
    Missing,
    Not,
    Part,
    fields_in,
)
from customer_segmentation.audiences.values import Value
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema

if TYPE_CHECKING:
    from sqlglot import exp

# As a person calls it -> as sqlglot does.
DIALECTS = {
    "athena": "athena",
    "redshift": "redshift",
    "databricks": "databricks",
    "postgresql": "postgres",
    "duckdb": "duckdb",
    "spark": "spark",
}
# The file of consents as a table, and the customers' own, whose dates may state consent.
CONSENTS, SILVER = "consents", "silver_customers"
_ALIASES = {SEGMENTS: "s", FEATURES: "f", LIFETIME: "v"}
# From a field and one of its columns to the column of a query.
Place = Callable[[str, str], "exp.Expr"]


def list_query(audience: Audience, schema: Schema, day: date | None, dialect: str) -> str:
    """The query for the ids of an audience, over the gold tables of a warehouse.

    Args:
        audience: What is asked for.
        schema: Says which dates of the customers' own table state consent.
        day: Consent is as of it; None for the day on which the query runs.
        dialect: Of `DIALECTS`.
    """
    from sqlglot import exp  # noqa: PLC0415 - few requests need it

    query = _joined_tables(audience).select(_column("s", KEY)).order_by(_column("s", KEY))
    for part in _parts(audience, schema, day):
        query = query.where(part)
    told = exp.Select.sql(query, dialect=DIALECTS[dialect], pretty=True)
    return f"{told};\n"


def in_gold(table: str, column: str) -> exp.Expr:
    """A column of the gold tables, as `list_query` names them."""
    return _column(_ALIASES[table], column)


def is_in(audience: Audience, place: Place) -> exp.Expr:
    """Whether a customer is in one of the segments and keeps the rule; null where it is unknown."""
    from sqlglot import exp  # noqa: PLC0415 - as above

    parts: list[exp.Expr] = []
    if audience.definition.segments:
        column = place(SEGMENTS, "segment")
        parts.append(
            exp.In(this=column, expressions=[*map(_literal, audience.definition.segments)])
        )
    if audience.rule is not None:
        parts.append(condition(audience.rule, place))
    return exp.and_(*parts) if parts else exp.true()


def condition(part: Part, place: Place) -> exp.Expr:
    """A rule as SQL's three-valued logic has it: null where a missing value decides."""
    from sqlglot import exp  # noqa: PLC0415 - as above

    if isinstance(part, Not):
        return exp.Not(this=exp.Paren(this=condition(part.part, place)))
    if isinstance(part, Joined):
        join = exp.and_ if part.by == "and" else exp.or_
        return exp.Paren(this=join(*(condition(one, place) for one in part.parts)))
    columns = [place(part.field.table, name) for name in part.field.columns]
    if isinstance(part, Missing):
        return exp.Paren(
            this=exp.or_(*(exp.Is(this=one, expression=exp.Null()) for one in columns))
        )
    return _compared(part, columns)


def is_never(names: Iterable[str], place: Place) -> exp.Expr:
    """Whether a flag bars a customer from every campaign; what is missing does not."""
    from sqlglot import exp  # noqa: PLC0415 - as above

    flags = (exp.func("COALESCE", place(FEATURES, name), _literal(0.0)) for name in names)
    return exp.or_(*(exp.GT(this=flag, expression=_literal(0.0)) for flag in flags))


def _parts(audience: Audience, schema: Schema, day: date | None) -> list[exp.Expr]:
    from sqlglot import exp  # noqa: PLC0415 - as above

    parts = [is_in(audience, in_gold)]
    if audience.never:
        parts.append(exp.Not(this=exp.Paren(this=is_never(audience.never, in_gold))))
    if purpose := audience.definition.purpose:
        agreed = _agreed(purpose, schema, day)
        parts.append(exp.In(this=_column("s", KEY), query=agreed.subquery()))
    return [part for part in parts if part != exp.true()]


def _joined_tables(audience: Audience) -> exp.Select:
    from sqlglot import exp  # noqa: PLC0415 - as above

    used = {each.table for each in fields_in(audience.rule).values()}
    used |= {FEATURES} if audience.never else set()
    query = exp.select().from_(exp.to_table(SEGMENTS).as_("s"))
    for table in (FEATURES, LIFETIME):
        if table in used:
            alias = _ALIASES[table]
            on = exp.EQ(this=_column(alias, KEY), expression=_column("s", KEY))
            query = query.join(exp.to_table(table).as_(alias), on=on, join_type="left")
    return query


def _agreed(purpose: str, schema: Schema, day: date | None) -> exp.Select:
    """The ids of those who have agreed to a purpose on a day.

    As `campaigns.consent.has_consent`: of what a customer said up to the day the last is in force,
    of several on one day a withdrawal, and of agreements the one that ends first.
    """
    from sqlglot import exp  # noqa: PLC0415 - as above

    said, on = _stated(purpose, schema), _literal(day) if day else exp.CurrentDate()
    named = {name: _column("t", name) for name in (KEY, "status", "on", "until")}
    first = exp.Case().when(
        exp.EQ(this=named["status"], expression=_literal("withdrawn")), exp.Literal.number(0)
    )
    order = [
        exp.Ordered(this=named["on"], desc=True, nulls_first=False),
        exp.Ordered(this=first.else_(exp.Literal.number(1)), nulls_first=True),
        exp.Ordered(this=named["until"], nulls_first=False),
    ]
    number = exp.Window(
        this=exp.RowNumber(), partition_by=[named[KEY]], order=exp.Order(expressions=order)
    )
    ranked = (
        exp.select(named[KEY], named["status"], named["until"], exp.alias_(number, "place"))
        .from_(said.subquery("t"))
        .where(exp.LTE(this=named["on"], expression=on))
    )
    ends = _column("r", "until")
    return (
        exp.select(_column("r", KEY))
        .from_(ranked.subquery("r"))
        .where(exp.EQ(this=exp.column("place", "r"), expression=exp.Literal.number(1)))
        .where(exp.EQ(this=_column("r", "status"), expression=_literal("given")))
        .where(
            exp.or_(
                exp.Is(this=ends, expression=exp.Null()),
                exp.GT(this=ends.copy(), expression=on),
            )
        )
    )


def _stated(purpose: str, schema: Schema) -> exp.Query:
    """Every statement of a purpose: of the file of consents, and of dates in the customers' own."""
    from sqlglot import exp  # noqa: PLC0415 - as above

    names = (KEY, "status", "on", "until")
    said: exp.Query = (
        exp.select(*(_column("c", name) for name in names))
        .from_(exp.to_table(CONSENTS).as_("c"))
        .where(exp.EQ(this=_column("c", "purpose"), expression=_literal(purpose)))
    )
    consent = schema.campaigns.consent[purpose]
    for status, column in (("given", consent.given_on), ("withdrawn", consent.withdrawn_on)):
        if column:
            stated = _column("o", column)
            never = exp.cast(exp.Null(), "date")
            own = exp.select(
                _column("o", KEY),
                exp.alias_(_literal(status), "status", quoted=True),
                exp.alias_(exp.cast(stated, "date"), "on", quoted=True),
                exp.alias_(never, "until", quoted=True),
            ).from_(exp.to_table(SILVER).as_("o"))
            is_known = exp.Not(this=exp.Is(this=stated.copy(), expression=exp.Null()))
            said = exp.union(said, own.where(is_known), distinct=False)
    return said


def _compared(part: Comparison, columns: Sequence[exp.Expr]) -> exp.Expr:
    from sqlglot import exp  # noqa: PLC0415 - as above

    left = columns[0]
    if part.field.kind == "day":
        # As one number: a year and a day of the year.
        year = exp.Mul(this=left, expression=_literal(1000.0))
        left = exp.Paren(this=exp.Add(this=year, expression=columns[1]))
    values = [_literal(_stored(part.field, value)) for value in part.values]
    if part.operator == "in":
        return exp.In(this=left, expressions=values)
    operators = {
        "=": exp.EQ,
        "!=": exp.NEQ,
        "<": exp.LT,
        "<=": exp.LTE,
        ">": exp.GT,
        ">=": exp.GTE,
    }
    return operators[part.operator](this=left, expression=values[0])


def _stored(field: Field, value: Value) -> float | str:
    """A value as its table holds it."""
    if isinstance(value, date):
        return 1000.0 * value.year + value.timetuple().tm_yday
    if field.kind == "code":
        return float([*field.values].index(str(value)))
    return value


def _literal(value: float | str | date) -> exp.Expr:
    """A literal of its own type on every engine."""
    from sqlglot import exp  # noqa: PLC0415 - as above

    if isinstance(value, str):
        return exp.Literal.string(value)
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    # A plain number would be a decimal, which engines compare with a float64 each in its own way.
    return exp.cast(exp.Literal.number(format(Decimal(repr(value)), "f")), "double")


def _column(table: str, name: str) -> exp.Column:
    from sqlglot import exp  # noqa: PLC0415 - as above

    return exp.column(name, table, quoted=True)
