"""A table of silver's customers is scored alike, by onnxruntime or by its own engine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import narwhals as nw
import numpy as np
import onnx
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.scoring import table as tables
from customer_segmentation.scoring.scorer import Scorer, providers_of
from customer_segmentation.scoring.table import score_table
from tests.scoring.example import draw_customers

DAY = datetime(2014, 6, 30)  # noqa: DTZ001 - a day has no time zone
ROWS = 200
ENGINES = {
    "pandas": pd.DataFrame,
    "pyarrow": pa.table,
    "polars": pl.DataFrame,
    "polars lazy": pl.LazyFrame,
}


@pytest.fixture(scope="module")
def silver() -> dict[str, list[Any]]:
    """Customers by key in reverse, with a column that no artifact reads; one income is missing."""
    drawn: dict[str, list[Any]] = draw_customers(ROWS).drop(columns="as_of_year").to_dict("list")
    drawn["income"][3] = None
    keys = [f"c{row:03}" for row in reversed(range(ROWS))]
    return {"customer_id": keys, "education": ["phd"] * ROWS, **drawn, "as_of": [DAY] * ROWS}


@pytest.fixture(scope="module")
def expected(silver: dict[str, list[Any]], scorer: Scorer) -> pd.DataFrame:
    """What onnxruntime answers, row by row."""
    table = pd.DataFrame(silver | {"as_of_year": [2014.0] * ROWS})
    matrix = np.ascontiguousarray(table[list(scorer.columns)], dtype=np.float64)
    return table[["customer_id", "as_of"]].assign(**scorer.score(matrix))


def scored(table: Any, artifact: onnx.ModelProto) -> pd.DataFrame:
    found = score_table(nw.from_native(table).lazy(), artifact).collect().to_pandas()
    return found.astype({"as_of": "datetime64[ns]"})


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_key_day_and_every_answer_are_given_in_the_tables_order(
    engine: Callable[..., Any],
    silver: dict[str, list[Any]],
    expected: pd.DataFrame,
    artifact: onnx.ModelProto,
) -> None:
    found = scored(engine(silver), artifact)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-9, check_dtype=False)
    assert found["segment"].tolist().count(-1) == 1


def test_a_table_that_is_not_in_memory_is_not_collected(
    silver: dict[str, list[Any]], artifact: onnx.ModelProto
) -> None:
    def fail(_: pl.DataFrame) -> pl.DataFrame:
        raise AssertionError

    table = pl.LazyFrame(silver)
    waiting = table.map_batches(fail, schema=table.collect_schema())
    score_table(nw.from_native(waiting), artifact)


def test_answers_stand_in_their_customers_rows_whatever_the_tables_index(
    silver: dict[str, list[Any]], expected: pd.DataFrame, artifact: onnx.ModelProto
) -> None:
    found = scored(pd.DataFrame(silver).iloc[[7, 3, 5]], artifact)
    pd.testing.assert_frame_equal(
        found.reset_index(drop=True), expected.iloc[[7, 3, 5]].reset_index(drop=True)
    )


@pytest.mark.spark
def test_spark_gives_the_same_answers(
    silver: dict[str, list[Any]], expected: pd.DataFrame, artifact: onnx.ModelProto, spark: Any
) -> None:
    table = score_table(nw.from_native(spark.createDataFrame(pa.table(silver))), artifact)
    found = table.collect().to_pandas().drop(columns="as_of")
    pd.testing.assert_frame_equal(found, expected.drop(columns="as_of"), rtol=1e-9)


@pytest.mark.parametrize("absent", ["spend_fish", "as_of"])
def test_a_table_that_lacks_a_column_is_refused_by_name(
    silver: dict[str, list[Any]],
    artifact: onnx.ModelProto,
    frame_of: Callable[..., Any],
    absent: str,
) -> None:
    table = frame_of({name: cells for name, cells in silver.items() if name != absent})
    with pytest.raises(UserError, match=rf"needs \['{absent}'\].*Run kedro run"):
        scored(table, artifact)


def test_a_run_that_is_to_score_on_a_gpu_uses_the_cpu_where_there_is_none_and_says_so(
    silver: dict[str, list[Any]],
    expected: pd.DataFrame,
    artifact: onnx.ModelProto,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(tables.DEVICE, "cuda")
    for cached in (tables._scorer, providers_of):
        cached.cache_clear()
    found = scored(pd.DataFrame(silver), artifact)
    pd.testing.assert_frame_equal(found, expected.astype({"as_of": "datetime64[ns]"}))
    assert "no CUDA provider" in caplog.text
    tables._scorer.cache_clear()
