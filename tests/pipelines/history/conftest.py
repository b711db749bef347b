"""Two models and two sets of data, of each engine: who moved between them is known by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import onnx
import pandas as pd
import polars as pl
import pytest

from customer_segmentation.pipelines.label_generation.nodes import score_customers
from customer_segmentation.scoring.graph import build_segmenter
from customer_segmentation.scoring.metadata import metadata_of
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.tables.history import History, Statement
from tests.scoring.example import draw_customers, make_segmenter

BEFORE, NOW = (datetime(2014, month, 30) for month in (6, 9))  # noqa: DTZ001 - days
CLOCK = datetime(2026, 11, 29, tzinfo=UTC)
ROWS = 400


def models() -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """One model, and one whose first two centroids have come nearer to each other."""
    first = make_segmenter()
    centroids = first.centroids.copy()
    middle = centroids[:2].mean(axis=0)
    centroids[0] = 0.5 * centroids[0] + 0.5 * middle
    return build_segmenter(first), build_segmenter(replace(first, centroids=centroids))


def silver(day: datetime, *, is_changed: bool) -> pd.DataFrame:
    """Customers, every third of whom spends and earns otherwise if changed."""
    drawn = draw_customers(ROWS).drop(columns="as_of_year")
    if is_changed:
        other = draw_customers(ROWS, seed=9).drop(columns="as_of_year")
        drawn[::3] = other[::3]
    keys = [f"c{row:03}" for row in range(ROWS)]
    return drawn.assign(customer_id=keys, as_of=day)


def labels(table: pd.DataFrame, model: onnx.ModelProto) -> pd.Series:
    """Customer -> segment, by the artifact itself."""
    scorer = Scorer(model.SerializeToString())
    numbers = table.assign(as_of_year=table["as_of"].dt.year.astype(float))
    matrix = np.ascontiguousarray(numbers[list(scorer.columns)].to_numpy(np.float64))
    keys = [segment["key"] for segment in scorer.metadata["segments"]]
    return pd.Series([keys[code] for code in scorer.score(matrix)["segment"]], table["customer_id"])


class Bundles:
    """Of a store only what is asked here."""

    def __init__(self, *kept: onnx.ModelProto) -> None:
        contents = [(one, one.SerializeToString(deterministic=True)) for one in kept]
        self._kept = {metadata_of(one)["version"]: content for one, content in contents}

    def segmenter(self, artifact_version: str) -> bytes | None:
        return self._kept.get(artifact_version)


@dataclass(frozen=True)
class Case:
    """An engine, and the tables of a run with it."""

    of: Callable[[pd.DataFrame], Any]

    def segments(self, table: pd.DataFrame, model: onnx.ModelProto) -> Any:
        return score_customers(self.of(table), model)

    def history(self, *said: tuple[str, date, Any]) -> History:
        """The history of statements, each with when it was recorded, its day and its rows."""
        rows = {Statement(at, day): table for at, day, table in said}
        return History(tuple(sorted(rows)), rows.__getitem__, CLOCK, "run 2")


@pytest.fixture(params=["pandas", "polars"])
def case(request: pytest.FixtureRequest) -> Case:
    engines = {"pandas": pd.DataFrame, "polars": lambda table: pl.from_pandas(table).lazy()}
    return Case(engines[request.param])


@pytest.fixture
def spark_case(spark: Any) -> Case:
    return Case(spark.createDataFrame)
