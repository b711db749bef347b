"""The notebook that comments on gold tables and makes views, on open-source Spark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.runs.project import CHECKOUT
from tests.tools.deploy.databricks.test_notebooks import run

FOLDER = CHECKOUT / "deploy" / "sql" / "databricks"


@pytest.fixture
def gold(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    spark.sql(f"CREATE DATABASE gold LOCATION '{tmp_path_factory.mktemp('gold')}'")
    spark.sql(
        "CREATE TABLE gold.segments (customer_id STRING, as_of TIMESTAMP, segment STRING,"
        " segment_name STRING, segment_id BIGINT, runner_up STRING, margin DOUBLE,"
        " affluence_tier STRING, waits_for_offers STRING, likely_to_spend DOUBLE, product STRING,"
        " channel STRING, offer STRING, artifact_version STRING) USING delta"
    )
    spark.sql(
        "INSERT INTO gold.segments (customer_id, as_of, segment, segment_name, margin)"
        " VALUES ('1', TIMESTAMP '2014-06-30', 'high_value', 'High-value', 0.5)"
    )
    yield
    spark.sql("DROP DATABASE gold CASCADE")


@pytest.mark.spark
@pytest.mark.usefixtures("gold")
def test_tables_that_are_there_are_described_and_the_others_are_told(
    spark: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    run("describe", {"catalog": "spark_catalog", "folder": str(FOLDER)}, spark=spark)
    told = capsys.readouterr().out
    assert "not there yet: " in told
    assert "features" in told
    assert "segments`," not in told
    found = {
        row["col_name"]: row["comment"] for row in spark.sql("DESCRIBE gold.segments").collect()
    }
    assert found["margin"] == "0 halfway between two segments, 1 on a centre"
    (row,) = spark.sql("SELECT segment, customers FROM gold.current_segments").collect()
    assert (row["segment"], row["customers"]) == ("high_value", 1)
