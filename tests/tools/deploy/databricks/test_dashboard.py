"""The AI/BI dashboard: its queries, and what each widget shows of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlglot

from customer_segmentation.schema.file import read_schema
from tests.runs.project import CHECKOUT
from tools.deploy.databricks import dashboard
from tools.deploy.sql.questions import questions

SCHEMAS = sorted(path.stem for path in (CHECKOUT / "conf" / "schemas").glob("*.yml"))


def drawn(schema: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    read = read_schema(CHECKOUT / "conf" / "schemas" / f"{schema}.yml")
    monkeypatch.setattr(dashboard, "questions", lambda: questions(read))
    found: dict[str, Any] = json.loads(dashboard.text())
    return found


@pytest.mark.parametrize("schema", SCHEMAS)
def test_each_widget_shows_columns_of_its_own_dataset(
    schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = drawn(schema, monkeypatch)
    columns = {
        one["name"]: sqlglot.parse_one(
            "".join(one["queryLines"]), dialect="databricks"
        ).named_selects
        for one in found["datasets"]
    }
    shown = set()
    for page in found["pages"]:
        for placed in page["layout"]:
            (asked,) = (each["query"] for each in placed["widget"]["queries"])
            fields = [each["name"] for each in asked["fields"]]
            assert {*fields} <= {*columns[asked["datasetName"]]}
            assert [each["expression"] for each in asked["fields"]] == [f"`{n}`" for n in fields]
            encodings = placed["widget"]["spec"]["encodings"]
            used = encodings.get("columns") or encodings.values()
            assert {each["fieldName"] for each in used} == {*fields}
            shown.add(asked["datasetName"])
    # No query runs for nobody.
    assert shown == {*columns}


@pytest.mark.parametrize("schema", SCHEMAS)
def test_widgets_stand_side_by_side_and_none_over_another(
    schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for page in drawn(schema, monkeypatch)["pages"]:
        cells = [
            (x, y)
            for placed in page["layout"]
            for at in [placed["position"]]
            for x in range(at["x"], at["x"] + at["width"])
            for y in range(at["y"], at["y"] + at["height"])
        ]
        assert len(cells) == len({*cells})
        assert max(x for x, _ in cells) < 6
        names = [placed["widget"]["name"] for placed in page["layout"]]
        assert len(names) == len({*names})


def test_a_table_is_named_in_its_schema_and_the_catalog_is_the_targets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for one in drawn("marketing_campaign", monkeypatch)["datasets"]:
        query = sqlglot.parse_one("".join(one["queryLines"]), dialect="databricks")
        parts = {cte.alias for cte in query.find_all(sqlglot.exp.CTE)}
        tables = [each for each in query.find_all(sqlglot.exp.Table) if each.name not in parts]
        assert tables
        assert {(each.catalog, each.db) for each in tables} == {("", "gold")}
