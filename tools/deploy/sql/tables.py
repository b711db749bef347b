"""Statements that make the gold tables known to each engine, with what each column holds."""

# ruff: noqa: S608 - what is put into statements are names of the schema and the code

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from sqlglot import exp

from customer_segmentation.tables.columns import Table
from tools.access.places import place
from tools.deploy.project import tables
from tools.deploy.sql.dialects import Dialect, name_of, table_of
from tools.deploy.sql.types import type_of
from tools.deploy.sql.views import views

_PARQUET, _DELTA = "staging", "prod"
# What S3 has of an environment; who fills it in takes their own.
BUCKET = "<bucket>"
# Athena and Redshift read whole folders: a file is named to them by a list of files in a folder,
# which Terraform lays beside the code.
CODE, LISTS = "<code-bucket>", "manifests"
_LIST_OF_FILES = """ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe'
STORED AS INPUTFORMAT 'org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'"""
# Delta keeps a list of its files there, in tables with this property.
_MANIFEST, MANIFESTS = (
    "_symlink_format_manifest",
    "delta.compatibility.symlinkFormatManifest.enabled",
)
LAKE = "lake"


def text(dialect: Dialect, value: str) -> str:
    """A text as a dialect has it; Athena's DDL is Hive's, where an apostrophe is another."""
    if dialect == "athena":
        return exp.Literal.string(value.replace("'", "\u2019")).sql("athena")
    return exp.Literal.string(value).sql(name_of(dialect))


def quoted(dialect: Dialect, name: str) -> str:
    """A column's name in DDL, where it may be a word of SQL."""
    if dialect == "athena":
        return f"`{name}`"
    return exp.to_identifier(name, quoted=True).sql(name_of(dialect))


def named(dialect: Dialect, name: str) -> str:
    """A table's or view's name."""
    return table_of(dialect, name).sql(name_of(dialect))


def created(dialect: Dialect) -> Iterator[str]:
    """Tables that hold rows themselves, with their keys: PostgreSQL and Redshift."""
    for table in tables().values():
        lines = [
            f"{quoted(dialect, one.name)} {type_of(dialect, one)}{' NOT NULL' * one.required}"
            for one in table.columns
        ]
        key = ", ".join(quoted(dialect, name) for name in table.contract.key)
        yield _columns(f"CREATE TABLE IF NOT EXISTS {table.name}", [*lines, f"PRIMARY KEY ({key})"])
        yield from commented(dialect, table)


def commented(dialect: Dialect, table: Table) -> Iterator[str]:
    """What a table and its columns hold, as statements on a table that is there."""
    name = named(dialect, table.name)
    yield f"COMMENT ON TABLE {name} IS {text(dialect, table.comment)}"
    for one in table.columns:
        column, about = quoted(dialect, one.name), text(dialect, one.comment)
        if dialect == "databricks":
            yield f"ALTER TABLE {name} ALTER COLUMN {column} COMMENT {about}"
        else:
            yield f"COMMENT ON COLUMN {name}.{column} IS {about}"


def created_views(dialect: Dialect) -> Iterator[str]:
    """The views for analysts, with what each is where the engine keeps that."""
    kind = "TEMPORARY VIEW" if dialect == "duckdb" else "VIEW"
    for view in views():
        name, about = named(dialect, view.name), text(dialect, view.about)
        comment = f" COMMENT {about}" if dialect == "databricks" else ""
        yield f"CREATE OR REPLACE {kind} {name}{comment} AS\n{view.sql(dialect)}"
        if dialect not in {"athena", "databricks"}:
            yield f"COMMENT ON VIEW {name} IS {about}"


def athena_parquet() -> Iterator[str]:
    """External tables over Parquet: staging."""
    for table in tables().values():
        yield _parquet("athena", table)


def athena_delta() -> Iterator[str]:
    """External tables over Delta, whose columns and comments are in the table itself: prod."""
    for name in tables():
        yield (
            f"CREATE EXTERNAL TABLE IF NOT EXISTS {name}\n"
            f"LOCATION 's3://{BUCKET}/{place(_DELTA, name)}'\n"
            "TBLPROPERTIES ('table_type' = 'DELTA')"
        )


def redshift_external(*, is_delta: bool) -> Iterator[str]:
    """What Redshift reads from S3, in an external schema."""
    yield (
        f"CREATE EXTERNAL SCHEMA IF NOT EXISTS {LAKE}\n"
        f"FROM DATA CATALOG DATABASE '<{LAKE}-database>'\n"
        "IAM_ROLE DEFAULT\n"
        "CREATE EXTERNAL DATABASE IF NOT EXISTS"
    )
    for table in tables().values():
        path = f"{BUCKET}/{place(_DELTA, table.name)}{_MANIFEST}/"
        yield _external("redshift", table, path) if is_delta else _parquet("redshift", table)


def redshift_load() -> Iterator[str]:
    """The rows of the external tables in place of those of Redshift's own, all at once."""
    yield "BEGIN"
    for table in tables().values():
        columns = ", ".join(quoted("redshift", one.name) for one in table.columns)
        # TRUNCATE would commit.
        yield f"DELETE FROM {table.name}"
        yield f"INSERT INTO {table.name} ({columns})\nSELECT {columns}\nFROM {LAKE}.{table.name}"
    yield "COMMIT"


def databricks_comments() -> Iterator[str]:
    """Comments on tables that runs have made."""
    for table in tables().values():
        yield from commented("databricks", table)


def delta_manifests() -> Iterator[str]:
    """Statements of Spark by which Delta keeps the lists of files that Redshift reads."""
    for name in tables():
        table = f"delta.`s3a://{BUCKET}/{place(_DELTA, name)}`"
        yield f"ALTER TABLE {table} SET TBLPROPERTIES ('{MANIFESTS}' = 'true')"
        yield f"GENERATE symlink_format_manifest FOR TABLE {table}"


def _parquet(dialect: Dialect, table: Table) -> str:
    path = place(_PARQUET, table.name)
    if PurePosixPath(path).suffix:
        return _external(dialect, table, f"{CODE}/{LISTS}/{table.name}/")
    return _external(dialect, table, f"{BUCKET}/{path}", "STORED AS PARQUET")


def _external(dialect: Dialect, table: Table, path: str, how: str = _LIST_OF_FILES) -> str:
    is_athena = dialect == "athena"
    name = table.name if is_athena else f"{LAKE}.{table.name}"
    lines = [
        f"{quoted(dialect, one.name)} {type_of(dialect, one)}"
        + (f" COMMENT {text(dialect, one.comment)}" if is_athena else "")
        for one in table.columns
    ]
    about = f"COMMENT {text(dialect, table.comment)}\n" if is_athena else ""
    unless = "IF NOT EXISTS " if is_athena else ""
    created = _columns(f"CREATE EXTERNAL TABLE {unless}{name}", lines)
    return f"{created}\n{about}{how}\nLOCATION 's3://{path}'"


def _columns(head: str, lines: list[str]) -> str:
    inner = ",\n".join(f"  {line}" for line in lines)
    return f"{head} (\n{inner}\n)"
