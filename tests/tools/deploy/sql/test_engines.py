"""Every question and view gives the same rows on DuckDB, PostgreSQL, Spark and Athena."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

from tests.runs.project import Project
from tests.tools.deploy.sql.answers import ask_all, require_equal
from tools.deploy.project import tables
from tools.deploy.sql import tables as ddl
from tools.deploy.sql.local import connect, load
from tools.ministack import Ministack

RESULTS = "gold_campaign_results"
_CODE = "spark.sql.codegen.wholeStage"
BUCKET, DATABASE = "questions", "gold"


@pytest.fixture(scope="module")
def local(finished: Project) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(finished.root / "data") as session:
        yield session


@pytest.fixture(scope="module")
def expected(local: duckdb.DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    return ask_all("duckdb", lambda sql: local.execute(sql).fetchall())


def test_each_question_has_an_answer_here(expected: dict[str, list[tuple[Any, ...]]]) -> None:
    assert {"all of customer_profile", "all of current_segments", "moves"} < expected.keys()
    assert [name for name, rows in expected.items() if not rows] == []


def test_postgresql_answers_alike(
    finished: Project, shop: str, expected: dict[str, list[tuple[Any, ...]]]
) -> None:
    data = finished.root / "data"
    counts = load(shop, data)
    # Again, it takes the place of what is there.
    assert load(shop, data) == counts
    assert counts["gold_segments"] > 2_000
    with psycopg.connect(shop) as session:
        require_equal(
            ask_all("postgresql", lambda sql: session.execute(sql.encode()).fetchall()), expected
        )
        sizes = session.execute("SELECT COUNT(*) FROM segment_sizes").fetchone()
        assert sizes == (len(expected["segment_sizes"]),)
        column = "SELECT col_description('gold_segments'::regclass, 7)"
        assert session.execute(column).fetchone() == (
            "0 halfway between two segments, 1 on a centre",
        )


@pytest.mark.spark
def test_spark_answers_alike_in_the_sql_of_databricks(
    local: duckdb.DuckDBPyConnection,
    spark: Any,
    expected: dict[str, list[tuple[Any, ...]]],
    tmp_path: Path,
) -> None:
    # Making code of each query takes longer than going without on these few rows.
    spark.conf.set(_CODE, "false")
    spark.sql(f"CREATE DATABASE {DATABASE}")
    try:
        for name in tables():
            rows = local.execute(f"SELECT * FROM {name}").to_arrow_table()  # noqa: S608
            frame = spark.createDataFrame(rows).coalesce(1)
            # Commits of Delta take seconds: one table does for its own statements.
            place = tmp_path / "gold" / name.removeprefix("gold_")
            written = frame.write.format("delta" if name == RESULTS else "parquet")
            written.option("path", str(place)).saveAsTable(ddl.named("databricks", name))
        about, *_, last = ddl.commented("databricks", tables()[RESULTS])
        manifests = [one for one in ddl.delta_manifests() if "gold/campaign_results" in one]
        for statement in (about, last, *manifests, *ddl.created_views("databricks")):
            spark.sql(statement.replace(f"s3a://{ddl.BUCKET}", str(tmp_path)))
        answers = ask_all("databricks", lambda sql: map(tuple, spark.sql(sql).collect()))
        require_equal(answers, expected)
        listed = tmp_path / "gold" / "campaign_results" / "_symlink_format_manifest" / "manifest"
        assert listed.read_text().strip().endswith(".parquet")
        shown = spark.table("gold.campaign_results").schema["verdict"]
        assert shown.metadata["comment"] == "What the interval allows to say"
        assert spark.table("gold.segment_sizes").count() == len(expected["segment_sizes"])
    finally:
        spark.sql(f"DROP DATABASE {DATABASE} CASCADE")
        spark.conf.unset(_CODE)


def test_athena_answers_alike_over_glue_and_s3(
    finished: Project, ministack: Ministack, expected: dict[str, list[tuple[Any, ...]]]
) -> None:
    files = ministack.client("s3")
    files.create_bucket(Bucket=BUCKET)
    ministack.client("glue").create_database(DatabaseInput={"Name": DATABASE})
    athena = Athena(ministack)
    gold = finished.root / "data" / "gold"
    for file in sorted(gold.glob("**/*.parquet")):
        path = f"gold/{file.relative_to(gold)}"
        if file.parent == gold:
            # The emulator follows no lists of files: the file lies where its list would.
            path = f"{ddl.LISTS}/gold_{file.stem}/{file.name}"
        files.upload_file(str(file), BUCKET, path)
    for statement in ddl.athena_parquet():
        athena.rows(statement.replace(ddl.BUCKET, BUCKET).replace(ddl.CODE, BUCKET))
    columns = ministack.client("glue").get_table(DatabaseName=DATABASE, Name="gold_segments")
    told = columns["Table"]["StorageDescriptor"]["Columns"][1]
    about = "Day of the snapshot that it holds for"
    assert told == {"Name": "as_of", "Type": "timestamp", "Comment": about}
    require_equal(ask_all("athena", athena.rows), expected)


class Athena:
    """Queries, whose answers are text."""

    def __init__(self, server: Ministack) -> None:
        self._client = server.client("athena")

    def rows(self, sql: str) -> list[list[Any]]:
        started = self._client.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": DATABASE},
            ResultConfiguration={"OutputLocation": f"s3://{BUCKET}/answers/"},
        )["QueryExecutionId"]
        while True:
            told = self._client.get_query_execution(QueryExecutionId=started)["QueryExecution"]
            if told["Status"]["State"] not in {"QUEUED", "RUNNING"}:
                break
            time.sleep(0.02)
        assert told["Status"]["State"] == "SUCCEEDED", (told["Status"], sql)
        pages = self._client.get_paginator("get_query_results").paginate(QueryExecutionId=started)
        found: list[list[Any]] = []
        for page in pages:
            info = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
            kinds = [one["Type"] for one in info]
            found += [
                [typed(cell, kind) for cell, kind in zip(row["Data"], kinds, strict=True)]
                for row in page["ResultSet"]["Rows"]
            ]
        # The first row of the first page names the columns.
        return found[1:]


def typed(cell: dict[str, str], kind: str) -> Any:
    text = cell.get("VarCharValue")
    if text is None:
        return None
    readers = {"double": float, "bigint": int, "integer": int, "date": date.fromisoformat}
    try:
        return readers.get(kind, str)(text)
    except ValueError:
        # The heading.
        return text
