"""A run's customers are counted as the champion sees them, the same on each engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from customer_segmentation.bundles.bundle import RESPONSE, SEGMENTER, StoredBundle
from customer_segmentation.monitoring.learned_from import make_baseline
from customer_segmentation.monitoring.summary import Summary
from customer_segmentation.pipelines.monitoring.baselines import Known
from customer_segmentation.pipelines.monitoring.counted import count_customers, new_columns
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.metadata import metadata_of, schema_of
from customer_segmentation.scoring.response import build_no_response
from tests.pipelines.history.conftest import BEFORE, NOW, labels, models, silver

MODEL, _ = models()
CONTENT = MODEL.SerializeToString(deterministic=True)
NO_RESPONSE = build_no_response("for a test", metadata_of(MODEL)).SerializeToString()
SCHEMA: Schema = schema_of(metadata_of(MODEL))


def made() -> Known:
    """The champion, which learned from the customers of before."""
    learned = silver(BEFORE, is_changed=False)
    numbers = learned.assign(as_of_year=2014.0).drop(columns=["customer_id", "as_of"])
    sample = {name: numbers[name].to_numpy(np.float64) for name in numbers}
    table = nw.from_native(pl.from_pandas(numbers)).lazy()
    baseline = make_baseline(table, sample, CONTENT, NO_RESPONSE, {})
    return Known(StoredBundle({SEGMENTER: CONTENT, RESPONSE: NO_RESPONSE}), baseline)


KNOWN = made()


def counted(table: Any) -> Summary:
    return count_customers(nw.from_native(table).lazy(), SCHEMA, KNOWN)


def test_columns_and_segments_are_counted_by_the_champion_itself() -> None:
    table = silver(NOW, is_changed=True)
    found = counted(table)
    assert found.customers == len(table)
    keys = labels(table, MODEL).value_counts()
    assert found.segments[:-1].tolist() == [keys.get(key, 0) for key in KNOWN.baseline.segments]
    assert {*found.columns} == {*KNOWN.baseline.bins}
    for counts in found.columns.values():
        assert counts.sum() == len(table)
    # There is no response model.
    assert found.chances.sum() == 0


def test_polars_counts_the_same() -> None:
    table = silver(NOW, is_changed=True)
    assert counted(pl.from_pandas(table).lazy()).stated() == counted(table).stated()


@pytest.mark.spark
def test_spark_counts_the_same_in_its_workers(spark: Any) -> None:
    table = silver(NOW, is_changed=True)
    found, expected = counted(spark.createDataFrame(table).repartition(3)), counted(table)
    assert {name: counts.tolist() for name, counts in found.columns.items()} == {
        name: counts.tolist() for name, counts in expected.columns.items()
    }
    assert found.segments.tolist() == expected.segments.tolist()
    assert found.margins.tolist() == expected.margins.tolist()
    for name, sums in expected.sums.items():
        np.testing.assert_allclose(found.sums[name], sums, rtol=1e-9, atol=1e-6)


def test_without_a_column_that_the_champion_needs_the_others_are_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    needed = metadata_of(MODEL)["columns"][0]
    table = silver(NOW, is_changed=False)
    found = counted(table.drop(columns=needed))
    assert {*found.columns} == {*KNOWN.baseline.bins} - {needed}
    assert found.segments.sum() == 0
    assert f"lacks ['{needed}'] here" in caplog.text


def test_a_column_that_is_of_another_kind_by_now_is_not_counted() -> None:
    name = next(n for n, c in SCHEMA.columns.items() if c.kind == "number" and n != "income")
    other = replace(SCHEMA.columns[name], kind="category")
    schema = SCHEMA.model_copy(update={"columns": {**SCHEMA.columns, name: other}})
    table = silver(NOW, is_changed=False)
    found = count_customers(nw.from_native(table).lazy(), schema, KNOWN)
    assert {*found.columns} == {*KNOWN.baseline.bins} - {name}


def test_columns_that_the_champion_knows_nothing_of_are_named() -> None:
    table = silver(NOW, is_changed=False).assign(loyalty=1.0, customer_note="")
    column = next(iter(SCHEMA.columns.values()))
    schema = SCHEMA.model_copy(update={"columns": {**SCHEMA.columns, "loyalty": column}})
    lazy = nw.from_native(pd.DataFrame(table)).lazy()
    # Only what the schema declares is a column.
    assert new_columns(lazy, schema, KNOWN) == ("loyalty",)
