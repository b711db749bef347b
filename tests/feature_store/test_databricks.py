"""Feature tables of Databricks: statements parsed by sqlglot, and run on open-source Spark.

There is no Databricks here. Open-source Spark with Delta takes all of the statements but for the
primary key and the tags, which a test shows: there the tables are made without.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.definitions import (
    FEATURES,
    MODEL_INPUTS,
    VIEWS,
    feature_set,
)
from customer_segmentation.feature_store.targets import target
from customer_segmentation.feature_store.targets.databricks import DatabricksTarget
from customer_segmentation.feature_store.targets.target import open_target, publish
from tests.feature_store.features import DAY, FEW, changed, table
from tests.feature_store.test_definitions import METADATA

SCHEMA = "shop_features"
TABLE = f"{SCHEMA}.customer_features_v1"
ROWS = {"1": (3.0, 0.25), "2": (7.0, None), "3": (0.1 + 0.2, 1.0)}
NEXT = DAY + timedelta(days=28)


def parsed(statement: str) -> exp.Expression:
    (found,) = sqlglot.parse(statement, dialect="databricks")
    # What sqlglot does not know it keeps as a text.
    assert found is not None
    assert not found.find(exp.Command)
    return found


def test_a_table_states_its_key_time_column_and_what_each_column_is() -> None:
    found = parsed(DatabricksTarget("prod.gold", FEW).creation(FEATURES))
    assert isinstance(found, exp.Create)
    assert found.args["exists"]
    assert found.this.this.sql("databricks") == "`prod`.`gold`.`customer_features_v1`"
    columns = {column.name: column for column in found.find_all(exp.ColumnDef)}
    assert {name: column.kind.sql("databricks") for name, column in columns.items()} == {
        "customer_id": "STRING",
        "event_timestamp": "TIMESTAMP",
        "income": "DOUBLE",
        "deal_share": "DOUBLE",
    }
    comments = {
        name: column.find(exp.CommentColumnConstraint).this.name for name, column in columns.items()
    }
    assert comments["income"] == "The shop's guess of income (euro)"
    assert comments["deal_share"] == "Bought at a discount (share of 1 (100 %))"
    needed = [n for n, column in columns.items() if column.find(exp.NotNullColumnConstraint)]
    assert needed == ["customer_id", "event_timestamp"]
    customer, time = found.find(exp.PrimaryKey).expressions
    assert customer.name == "customer_id"
    assert isinstance(time, exp.TimeseriesKey)
    assert time.name == "event_timestamp"
    told = (each for each in found.find_all(exp.Property) if "value" in each.args)
    properties = {each.this.name: each.args["value"].name for each in told}
    assert properties["customer_segmentation.version"] == "1"
    assert properties["customer_segmentation.hash"] == FEW.hashes[FEATURES]
    assert properties["customer_segmentation.owner"] == "shop@example.org"


@pytest.mark.parametrize("view", VIEWS)
def test_the_shipped_schema_makes_statements_that_are_parsed(view: str) -> None:
    features = feature_set(METADATA)
    target = DatabricksTarget("prod.gold", features)
    found = parsed(target.creation(view))
    columns = [column.name for column in found.find_all(exp.ColumnDef)]
    assert set(columns) > {one.name for one in features.view(view)}
    assert isinstance(parsed(target.merge(view, DAY)), exp.Merge)


def test_the_merge_writes_what_differs_and_removes_who_is_not_in_the_day() -> None:
    found = parsed(DatabricksTarget("prod.gold", FEW).merge(MODEL_INPUTS, DAY))
    assert isinstance(found, exp.Merge)
    when = found.args["whens"].expressions
    assert [type(each.args["then"]) for each in when[:2]] == [exp.Update, exp.Insert]
    assert when[2].args["source"]
    compared = {each.this.name for each in when[0].args["condition"].find_all(exp.NullSafeEQ)}
    assert compared == {"artifact_version", "income_standardised"}


def test_a_table_is_found_by_its_tags() -> None:
    found = parsed(DatabricksTarget("prod.gold", FEW).tagging(FEATURES, DAY))
    assert isinstance(found, exp.Alter)
    told = {each.this.name: each.expression.name for each in found.find_all(exp.EQ)}
    assert told == {
        "customer_segmentation_version": "1",
        "customer_segmentation_hash": FEW.hashes[FEATURES],
        "customer_segmentation_owner": "shop@example.org",
        "customer_segmentation_as_of": "2026-01-31",
    }


def test_a_text_in_a_statement_stays_one_text() -> None:
    hostile = "a\\' COMMENT ') ; DROP TABLE x --"
    features = replace(
        FEW, features=(replace(FEW.features[0], description=hostile), FEW.features[2])
    )
    found = parsed(DatabricksTarget("gold", features).creation(FEATURES))
    texts = [each.this.name for each in found.find_all(exp.CommentColumnConstraint)]
    assert f"{hostile} (euro)" in texts


def test_the_schema_is_gold_unless_another_is_named() -> None:
    assert open_target("databricks", FEW).name == "databricks://gold"
    assert open_target("databricks://prod.gold", FEW).name == "databricks://prod.gold"


@pytest.fixture
def schema(spark: Any) -> Iterator[str]:
    spark.sql(f"CREATE DATABASE {SCHEMA}")
    yield SCHEMA
    spark.sql(f"DROP DATABASE {SCHEMA} CASCADE")


@pytest.fixture
def without_keys(schema: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where `publish` makes tables that open-source Spark takes."""

    def opened(named: str, features: Any) -> DatabricksTarget:
        return DatabricksTarget(named.partition("://")[2], features, is_open_source=True)

    monkeypatch.setattr(target, "open_target", opened)
    return f"databricks://{schema}"


@pytest.mark.spark
def test_spark_takes_all_but_keys_and_tags_and_the_message_says_so(spark: Any, schema: str) -> None:
    from pyspark.errors import ParseException  # noqa: PLC0415 - imports PySpark

    target = DatabricksTarget(schema, FEW)
    with pytest.raises(UserError, match=r"^databricks://shop_features: .*TIMESERIES.*$"):
        target.create()
    with pytest.raises(ParseException, match="TAGS"):
        spark.sql(target.tagging(FEATURES, DAY))


def published(place: str, rows: Any) -> list[str]:
    return [line.split(": ", 1)[1] for line in publish(place, FEW, table(rows), DAY)]


@pytest.mark.spark
def test_snapshots_are_kept_by_day_and_written_once(spark: Any, without_keys: str) -> None:
    assert published(without_keys, ROWS) == [
        "customer_features_v1: 3 customers of 2026-01-31, 3 written, 0 removed",
        "customer_model_inputs_v1: 3 customers of 2026-01-31, 3 written, 0 removed",
    ]
    mended = published(without_keys, {"1": (4.0, 0.25), "2": ROWS["2"], "4": (1.0, 0.0)})
    assert [line.split("01-31, ")[1] for line in mended] == ["2 written, 1 removed"] * 2
    # A source may lack a column.
    after = table({"1": (5.0, None)}, NEXT).drop(columns="deal_share")
    publish(without_keys, FEW, spark.createDataFrame(after), NEXT)
    rows = spark.table(TABLE).collect()
    assert sorted((row.customer_id, f"{row.event_timestamp:%F}", row.income) for row in rows) == [
        ("1", "2026-01-31", 4.0),
        ("1", "2026-02-28", 5.0),
        ("2", "2026-01-31", 7.0),
        ("4", "2026-01-31", 1.0),
    ]
    target = DatabricksTarget(SCHEMA, FEW)
    assert target.read("1") == {
        FEATURES: {"income": 5.0, "deal_share": None},
        MODEL_INPUTS: {"artifact_version": "artifact-1", "income_standardised": 0.0},
    }
    # They are not of the newest day.
    assert target.read("2") == {}
    comments = {row.col_name: row.comment for row in spark.sql(f"DESCRIBE {TABLE}").collect()}
    assert comments["income"] == "The shop's guess of income (euro)"
    with pytest.raises(UserError, match=r"customer_features_v1 was made with .* raise `feature_st"):
        publish(without_keys, changed(), table(ROWS), DAY)
