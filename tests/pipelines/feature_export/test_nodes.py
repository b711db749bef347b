"""The exported table, raw and as the model sees it, and the words that describe it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import onnx
import pytest

from customer_segmentation.pipelines.feature_export.nodes import (
    describe_columns,
    export_features,
    export_features_as_csv,
    fill_feature_store,
    state_features,
)
from customer_segmentation.pipelines.feature_export.parameters import FeatureExportParameters
from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.scoring.metadata import metadata_of
from customer_segmentation.segmentation.scaling import Scaling
from customer_segmentation.tables.history import History, Statement
from tests.pipelines.calling import call
from tests.scoring.example import FEATURES, make_segmenter

Engine = Callable[..., Any]
Records = Callable[[Any], list[dict[str, Any]]]
DAY = datetime(2014, 6, 30, tzinfo=UTC).replace(tzinfo=None)
# Of income, age, spend, deals and visits.
SCALING = Scaling(
    FEATURES,
    caps=np.array([90_000.0, 80.0, 2000.0, 8.0, 10.0]),
    means=np.array([50_000.0, 45.0, 600.0, 2.5, 5.0]),
    deviations=np.array([20_000.0, 10.0, 400.0, 2.0, 2.5]),
)
GOLD = {
    "customer_id": ["b", "a", "c"],
    "as_of": [DAY] * 3,
    "sample_key": [1, 2, 3],
    "education": [4.0, 0.0, 1.0],
    "enrolled_year": [2012.0, 2013.0, 2013.0],
    "income": [30_000.0, 150_000.0, 50_000.0],
    "web_visits_month": [5.0, 7.5, 0.0],
    "purchases_deals": [2.5, 8.0, 0.5],
    "age": [45.0, 90.0, 35.0],
    "children": [0.0, 1.0, 2.0],
    "spend_total": [600.0, 5000.0, 200.0],
}
RAW = [name for name in GOLD if name not in ("customer_id", "as_of", "sample_key")]


@pytest.fixture(scope="module")
def artifact() -> onnx.ModelProto:
    return build_segmenter(replace(make_segmenter(), scaling=SCALING))


@pytest.fixture
def table(artifact: onnx.ModelProto, frame_of: Engine) -> Any:
    return export_features(frame_of(GOLD), None, artifact)


@pytest.fixture
def rows(table: Any, records_of: Records) -> list[dict[str, Any]]:
    return records_of(table)


@pytest.fixture
def described(table: Any, artifact: onnx.ModelProto) -> dict[str, dict[str, str]]:
    """The dictionary's rows by column."""
    dictionary = call(describe_columns, feature_table=table, artifact=artifact)
    return {row["column"]: row for row in dictionary.to_dict("records")}


def test_columns_are_the_key_the_day_features_raw_and_then_standardised(
    rows: list[dict[str, Any]],
) -> None:
    standardised = [f"{name}_standardised" for name in FEATURES]
    assert [*rows[0]] == ["customer_id", "event_timestamp", *RAW, *standardised]


def test_customers_stand_by_key_with_the_day_and_raw_values_unchanged(
    rows: list[dict[str, Any]],
) -> None:
    assert [row["customer_id"] for row in rows] == ["a", "b", "c"]
    assert {row["event_timestamp"] for row in rows} == {DAY}
    for name in RAW:
        by_key = dict(zip(GOLD["customer_id"], GOLD[name], strict=True))
        assert [row[name] for row in rows] == [by_key[key] for key in "abc"]


def test_standardised_values_are_capped_and_scaled_as_by_hand(rows: list[dict[str, Any]]) -> None:
    capped, below, low = ([row[f"{name}_standardised"] for name in FEATURES] for row in rows)
    assert capped == pytest.approx([2.0, 3.5, 3.5, 2.75, 1.0])
    assert below == pytest.approx([-1.0, 0.0, 0.0, 0.0, 0.0])
    assert low == pytest.approx([0.0, -1.0, -1.0, -1.0, -2.0])


def test_the_second_format_is_of_the_export_features_as_csv(table: Any) -> None:
    assert call(export_features_as_csv, feature_table=table) is table


def test_every_column_is_described_in_the_tables_order(
    rows: list[dict[str, Any]], described: dict[str, dict[str, str]]
) -> None:
    assert [*described] == [*rows[0]]
    for row in described.values():
        assert [*row] == ["column", "type", "unit", "role", "description"]
        assert row["type"]
        assert row["description"]


@pytest.mark.parametrize(
    ("column", "role", "unit", "description"),
    [
        ("customer_id", "key", "", "Identifier of the customer, as text"),
        (
            "event_timestamp",
            "event time",
            "date",
            "Day of the snapshot that the features hold for",
        ),
        ("income", "model feature", "monetary units", "Yearly income of the household"),
        ("age", "model feature", "years", "Age in the year of the snapshot"),
        ("children", "feature", "children", "Children and teenagers in the household"),
        (
            "education",
            "feature",
            "code",
            "Highest education, as a code: 0 basic, 1 graduation, 2 second_cycle, 3 master, 4 phd",
        ),
        ("enrolled_year", "feature", "", "Day the customer enrolled: its year"),
        (
            "income_standardised",
            "model input",
            "deviations",
            "min(income, 90000), less 50000, over 20000: what the segmenter sees",
        ),
    ],
)
def test_a_column_has_its_role_unit_and_words(
    described: dict[str, dict[str, str]], column: str, role: str, unit: str, description: str
) -> None:
    found = described[column]
    assert (found["role"], found["unit"], found["description"]) == (role, unit, description)


def test_each_feature_of_the_model_has_its_input_beside_it(
    described: dict[str, dict[str, str]],
) -> None:
    roles = {name: row["role"] for name, row in described.items()}
    features = {name for name, role in roles.items() if role == "model feature"}
    inputs = {name for name, role in roles.items() if role == "model input"}
    assert features == {*FEATURES}
    assert inputs == {f"{name}_standardised" for name in FEATURES}


def test_types_are_told_alike_whatever_the_engine(described: dict[str, dict[str, str]]) -> None:
    assert described["customer_id"]["type"] == "String"
    assert described["event_timestamp"]["type"].startswith("Datetime")
    assert {described[name]["type"] for name in [*RAW, "age_standardised"]} == {"Float64"}


NOW = datetime(2026, 11, 29, 12, 30, 15, 250_000, tzinfo=UTC)


def stated(table: Any, artifact: onnx.ModelProto, *before: Any, keep: bool = True) -> Any:
    """What a run appends to the history, after these statements of the same day."""
    moments = [Statement(f"2026-11-{day}T12:00:00.000000Z", DAY.date()) for day in range(10, 28)]
    rows = dict(zip(moments, before, strict=False))
    history = History(tuple(rows), rows.__getitem__, NOW, "run 7")
    parameters = FeatureExportParameters(keep_history=keep)
    return state_features(table, artifact, history, parameters)


def test_a_statement_is_the_table_with_its_times_version_and_run(
    table: Any, artifact: onnx.ModelProto, rows: list[dict[str, Any]], records_of: Records
) -> None:
    for said, row in zip(records_of(stated(table, artifact)), rows, strict=True):
        assert said.items() >= row.items()
        assert {name: said[name] for name in said.keys() - row.keys()} == {
            "as_of": row["event_timestamp"],
            "created_timestamp": NOW.replace(tzinfo=None),
            "recorded_at": "2026-11-29T12:30:15.250000Z",
            "run_id": "run 7",
            "feature_version": 1,
            "artifact_version": metadata_of(artifact)["version"],
        }


def test_nothing_is_stated_twice_or_without_a_store(
    table: Any, artifact: onnx.ModelProto, frame_of: Engine, records_of: Records
) -> None:
    first = stated(table, artifact)
    assert records_of(stated(table, artifact, keep=False)) == []
    assert records_of(stated(table, artifact, first)) == []
    # The last statement counts, not an earlier one; and one value more is another.
    changed = {**GOLD, "income": [30_000.0, None, 50_000.0]}
    other = export_features(frame_of(changed), None, artifact)
    said = stated(other, artifact, first)
    assert len(records_of(said)) == 3
    assert len(records_of(stated(table, artifact, first, said))) == 3
    assert records_of(stated(other, artifact, first, said)) == []
    fewer = {name: values[1:] for name, values in GOLD.items()}
    table_of_two = export_features(frame_of(fewer), None, artifact)
    assert len(records_of(stated(table_of_two, artifact, first))) == 2


def test_the_store_is_given_the_table_and_its_definitions(
    table: Any, artifact: onnx.ModelProto
) -> None:
    given = fill_feature_store(table, artifact, {"source_sha256": "abc"})
    assert (given.table, given.source_sha256) == (table, "abc")
    assert given.features.artifact_version == metadata_of(artifact)["version"]
