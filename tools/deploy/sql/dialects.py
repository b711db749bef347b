"""The dialects of SQL that are written, each from one text in PostgreSQL's."""

from __future__ import annotations

from typing import Literal, get_args

from sqlglot import exp, parse_one

Dialect = Literal["athena", "redshift", "databricks", "postgresql", "duckdb"]
DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
# Texts are written in it: it neither turns divisions nor reorders missing values by itself.
WRITTEN_IN = "postgres"
GOLD = "gold_"


def name_of(dialect: Dialect) -> str:
    """What sqlglot calls a dialect."""
    return "postgres" if dialect == "postgresql" else dialect


def parsed(text: str) -> exp.Query:
    """A query as it is written here."""
    query = parse_one(text, read=WRITTEN_IN)
    if not isinstance(query, exp.Query):
        raise TypeError(f"no query: {text}")
    return query


def table_of(dialect: Dialect, name: str) -> exp.Table:
    """A gold table or a view, as statements of a dialect name it.

    Unity Catalog has the schema `gold`, in which gold_segments is `segments`. Elsewhere the names
    are the catalog's, in the database or schema that the session uses.
    """
    if dialect == "databricks":
        return exp.table_(name.removeprefix(GOLD), db="gold")
    return exp.table_(name)


def transpiled(query: exp.Query, dialect: Dialect) -> str:
    """A query in a dialect, with the names of tables there, without a semicolon."""
    found = query.copy()
    own = {cte.alias for cte in found.find_all(exp.CTE)}
    for table in found.find_all(exp.Table):
        if table.name not in own:
            named = table_of(dialect, table.name)
            for part in ("this", "db"):
                table.set(part, named.args.get(part))
    return found.sql(name_of(dialect), pretty=True)
