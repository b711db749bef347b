"""The gold tables of customers as one table in DuckDB's memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from customer_segmentation.audiences.fields import FEATURES, LIFETIME, SEGMENTS
from customer_segmentation.schema.parts import AS_OF, KEY

if TYPE_CHECKING:
    import duckdb

# In a database of its own, which is compressed.
CUSTOMERS = "joined.customers"


def join_tables(
    connection: duckdb.DuckDBPyConnection,
    files: Mapping[str, str],
    columns: Mapping[str, Collection[str]],
) -> dict[str, tuple[str, ...]]:
    """Join the tables into one.

    Args:
        connection: To an empty database.
        files: Gold table -> a Parquet file on this machine.
        columns: Gold table -> the columns that are needed of it.

    Returns:
        Gold table -> those that are there.
    """
    run = connection.execute
    run("ATTACH ':memory:' AS joined (COMPRESS)")
    there: dict[str, tuple[str, ...]] = {FEATURES: (), LIFETIME: ()}
    taken: list[str] = []
    joins = ""
    for table, wanted in columns.items():
        if table not in files:
            continue
        has = {
            row[0]
            for row in run("DESCRIBE SELECT * FROM read_parquet($1)", [files[table]]).fetchall()
        }
        there[table] = tuple(name for name in wanted if name in has)
        alias = _quoted(table)
        taken += [f"{alias}.{_quoted(name)}" for name in there[table] if name != KEY]
        source = f"read_parquet({_text(files[table])}) AS {alias}"
        key = f"CAST({alias}.{KEY} AS VARCHAR)"
        joins += source if table == SEGMENTS else f" LEFT JOIN {source} ON {key} = {SEGMENTS}.{KEY}"
    first = f"{SEGMENTS}.{KEY}, {SEGMENTS}.segment, CAST({SEGMENTS}.{AS_OF} AS DATE) AS {AS_OF}"
    chosen = ", ".join([first, *(each for each in taken if each != f'"{SEGMENTS}"."segment"')])
    run(f"CREATE TABLE {CUSTOMERS} AS SELECT {chosen} FROM {joins}")  # noqa: S608 - names of the schema
    return there


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
