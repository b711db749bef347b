"""Gold tables of files on this machine: in DuckDB as views over them, in PostgreSQL as tables."""

# ruff: noqa: S608 - what is put into statements are names of the schema and the code

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import duckdb

from customer_segmentation.errors import UserError
from customer_segmentation.tables.columns import Table
from tools.access.places import place
from tools.deploy.project import tables
from tools.deploy.sql.tables import commented, created, created_views, quoted
from tools.deploy.sql.types import type_of

ROOT = "data"


def statements() -> Iterator[str]:
    """Views of DuckDB over the files below the variable `data`, then the views for analysts.

    A table that no run has made yet has no rows, and a column that the export lacks no values.
    """
    yield f"SET VARIABLE {ROOT} = COALESCE(getvariable('{ROOT}'), '{ROOT}')"
    for table in tables().values():
        path = place("dev", table.name)
        yield from _view(table, path if PurePosixPath(path).suffix else f"{path}*.parquet")
    yield from created_views("duckdb")


def connect(data: Path) -> duckdb.DuckDBPyConnection:
    """A database in memory with the gold tables and views of a folder.

    Args:
        data: That of dev's tables, such as `data`.
    """
    session = duckdb.connect()
    session.execute(f"SET VARIABLE {ROOT} = ?", [str(data)])
    for statement in statements():
        session.execute(statement)
    return session


def load(url: str, data: Path) -> dict[str, int]:
    """Put the gold tables of a folder into PostgreSQL, in place of what it had, all at once.

    Args:
        url: Of the database; tables are made in the first schema of its search path.
        data: As of `connect`.

    Returns:
        How many rows each table has.

    Raises:
        UserError: A table is there with other columns.
    """
    import adbc_driver_postgresql.dbapi as postgresql  # type: ignore[import-untyped]  # noqa: PLC0415 - as above
    from adbc_driver_manager import ProgrammingError  # noqa: PLC0415 - an extra

    counts = {}
    with connect(data) as session, postgresql.connect(url) as target, target.cursor() as cursor:
        try:
            for statement in created("postgresql"):
                cursor.execute(statement)
            for name in tables():
                cursor.execute(f"TRUNCATE {name}")
                rows = session.execute(f"SELECT * FROM {name}").to_arrow_reader()
                counts[name] = cursor.adbc_ingest(name, rows, mode="append")
            for statement in created_views("postgresql"):
                cursor.execute(statement)
        except ProgrammingError as error:
            told = " ".join(str(error).split())
            message = f"a table is there with other columns: drop it, and load again. {told}"
            raise UserError(message) from error
        target.commit()
    return counts


def _view(table: Table, path: str) -> Iterator[str]:
    columns = [(quoted("duckdb", one.name), type_of("duckdb", one)) for one in table.columns]
    none = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in columns)
    cast = ",\n  ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in columns)
    files = f"getvariable('{ROOT}') || '/{path}'"
    yield (
        f"SET VARIABLE {table.name} = (\n"
        f"  SELECT CASE WHEN COUNT(*) = 0 THEN 'SELECT NULL AS {columns[0][0]} WHERE FALSE'\n"
        f"    ELSE 'FROM read_parquet(''' || replace({files}, '''', '''''')\n"
        "      || ''', union_by_name = true)' END\n"
        f"  FROM glob({files}))"
    )
    yield (
        f"CREATE OR REPLACE TEMPORARY VIEW {table.name} AS\nSELECT\n  {cast}\n"
        f"FROM (SELECT {none} WHERE FALSE\n"
        f"  UNION ALL BY NAME FROM query(getvariable('{table.name}')))"
    )
    for statement in commented("duckdb", table):
        yield statement.replace("COMMENT ON TABLE", "COMMENT ON VIEW", 1)
