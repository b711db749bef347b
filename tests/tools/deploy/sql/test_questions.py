"""Questions and views are made of a schema's roles, and each dialect's parser takes them."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from customer_segmentation.schema.file import read_schema
from customer_segmentation.schema.schema import Schema
from customer_segmentation.tables.columns import TypedColumn, gold_tables
from tests.marketing import FOLDER, SCHEMA
from tools.deploy.sql.dialects import DIALECTS, Dialect, name_of
from tools.deploy.sql.questions import questions, unanswered
from tools.deploy.sql.types import type_of
from tools.deploy.sql.views import views
from tools.deploy.sql.written import documents

SCHEMAS = {path.stem: read_schema(path) for path in sorted(FOLDER.glob("*.yml"))}


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_reads_its_queries_back_with_the_same_columns(
    name: str, dialect: Dialect
) -> None:
    for one in (*questions(SCHEMAS[name]), *views(SCHEMAS[name])):
        (found,) = sqlglot.parse(one.sql(dialect), read=name_of(dialect))
        assert isinstance(found, exp.Query)
        assert found.named_selects == one.columns, one.name


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_question_reads_only_columns_that_its_tables_have(name: str) -> None:
    schema = SCHEMAS[name]
    tables = gold_tables(schema)
    for one in questions(schema):
        assert one.tables
        known = {column.name for table in one.tables for column in tables[table].columns}
        made = {alias.alias for alias in one.query.find_all(exp.Alias)}
        made |= {
            column.name for alias in one.query.find_all(exp.TableAlias) for column in alias.columns
        }
        read = {column.name for column in one.query.find_all(exp.Column)}
        assert read - made - {"*"} <= known, one.name


def test_the_default_schema_is_asked_more_than_ten_questions() -> None:
    assert len(questions(SCHEMA)) >= 10
    assert unanswered(SCHEMA) == {
        "lifetime_value_by_segment": "the schema declares no orders.lifetime"
    }


def test_a_schema_is_not_asked_what_its_roles_cannot_tell_and_says_why() -> None:
    without_income = "among its roles the schema has no income"
    assert unanswered(SCHEMAS["hillstrom"])["affluent_likely_spenders"] == without_income
    assert "preferences" in unanswered(SCHEMAS["hillstrom"])
    wholesale = {one.name: one for one in questions(SCHEMAS["wholesale"])}
    assert "'channel'" not in wholesale["preferences"].text
    assert "lifetime_value_by_segment" in {one.name for one in questions(SCHEMAS["online_retail"])}
    for schema in SCHEMAS.values():
        asked = [one.name for one in questions(schema)]
        assert len({*asked, *unanswered(schema)}) == len(asked) + len(unanswered(schema)) == 15


def test_a_column_that_is_a_word_of_sql_is_quoted_everywhere() -> None:
    columns = {"order": {"kind": "money", "headers": ["Order"]}}
    block = SCHEMA.model_dump(mode="json")
    block["columns"] |= columns
    block["roles"]["spend"] = "order"
    schema = Schema.model_validate(block, strict=False)
    (asked,) = (one for one in questions(schema) if one.name == "revenue_by_segment")
    assert 'SUM(f."order")' in asked.sql("redshift")
    assert "SUM(f.`order`)" in asked.sql("databricks")
    assert 'f."order"' in views(schema)[0].sql("athena")


def test_statements_below_deploy_are_read_back_by_their_dialects() -> None:
    # GENERATE is Delta's: the tests of engines run it.
    files = {path: text for path, text in documents().items() if "manifests" not in path}
    assert len(files) > 15
    for path, text in files.items():
        dialect = name_of(path.split("/")[1])
        found = [one for one in sqlglot.parse(text, read=dialect) if one]
        unread = [one.sql(dialect) for one in found if isinstance(one, exp.Command)]
        assert len(unread) <= 1, unread


def test_comments_fit_into_a_data_catalog() -> None:
    for schema in SCHEMAS.values():
        for table in gold_tables(schema).values():
            assert len(table.comment) < 256
            assert max(len(column.comment) for column in table.columns) < 256, table.name


def test_types_are_those_of_each_dialect() -> None:
    text, day = TypedColumn("reasons", "text", ""), TypedColumn("as_of", "day", "")
    assert [type_of(dialect, text) for dialect in DIALECTS] == [
        "string",
        # Reasons exceed the 256 bytes of a plain varchar.
        "varchar(max)",
        "STRING",
        "text",
        "VARCHAR",
    ]
    assert {type_of(dialect, day).lower() for dialect in DIALECTS} == {"timestamp"}
