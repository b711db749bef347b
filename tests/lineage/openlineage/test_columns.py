"""Which columns a column is made of, for every schema that is shipped."""

from __future__ import annotations

import pytest

from customer_segmentation.lineage.openlineage.columns import made_columns
from customer_segmentation.schema.file import read_schema
from customer_segmentation.schema.schema import Schema
from customer_segmentation.tables.columns import gold_tables
from tests.marketing import SCHEMA
from tests.runs.project import CHECKOUT

SCHEMAS = sorted((CHECKOUT / "conf" / "schemas").glob("*.yml"))


@pytest.fixture(params=SCHEMAS, ids=lambda path: path.stem)
def schema(request: pytest.FixtureRequest) -> Schema:
    return read_schema(request.param)


def test_every_column_of_features_and_of_segments_is_made_of_something(schema: Schema) -> None:
    tables = gold_tables(schema)
    # Said by the run, and by the model of what customers are worth.
    others = {"artifact_version", "expected_purchases", "p_active", "lifetime_value"}
    for table in ("gold_features", "gold_segments", "gold_feature_table"):
        named = {column.name for column in tables[table].columns} - others
        made = made_columns(table, schema)
        lifetime = {c.name for c in tables["gold_lifetime_value"].columns} - {
            "customer_id",
            "as_of",
        }
        assert named - lifetime <= made.keys()


def test_features_come_down_to_columns_of_silver(schema: Schema) -> None:
    silver = {*schema.columns, "as_of", "sample_key"}
    for name, made in made_columns("gold_features", schema).items():
        assert made.table == "silver_customers"
        assert made.columns, name
        assert {*made.columns} <= silver, name


def test_a_feature_has_its_formula_and_the_columns_behind_the_features_in_it() -> None:
    made = made_columns("gold_features", SCHEMA)
    assert made["deal_share"].how == "purchases_deals / purchases_total"
    assert made["deal_share"].columns == (
        *("purchases_deals", "purchases_web", "purchases_catalog", "purchases_store"),
    )
    assert made["age"].columns == ("year_birth", "as_of")
    assert made["income"].how == ""
    assert made["education"].how == "the number of its category"


def test_a_decision_comes_down_to_what_it_is_decided_by() -> None:
    made = made_columns("scored_segments", SCHEMA)
    assert made["affluence_tier"].columns == ("income",)
    assert {"income", "purchases_deals"} <= {*made["offer"].columns}
    assert {*made["segment"].columns} >= {"income", "year_birth", "as_of", "spend_wines"}


def test_a_column_of_silver_is_read_from_its_header() -> None:
    made = made_columns("silver_customers", SCHEMA)
    assert made["spend_wines"].columns == ("MntWines",)
    assert made["enrolled_on"].how == "read as a date, or missing"


def test_what_the_schema_says_nothing_of_has_no_lineage_of_columns() -> None:
    assert made_columns("row_accounting", SCHEMA) == {}
