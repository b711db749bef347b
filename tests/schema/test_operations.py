"""The operations that features are made of: the same on columns and on arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from customer_segmentation.schema import operations as ops

Numbers = list[float | None]
Compute = Callable[..., Numbers]
# Proposed schemas have up to 800 columns, with one to three conditions each.
MANY = 500


def on_table(engine: Callable[..., Any]) -> Compute:
    def compute(operation: Callable[..., Any], *columns: Numbers) -> Numbers:
        named = {f"c{n}": [*column, 0.0] for n, column in enumerate(columns)}
        table = nw.from_native(engine(named))
        found = table.select(found=operation(*(nw.col(name) for name in named)))["found"]
        return [None if pd.isna(value) else value for value in found.to_list()[:-1]]

    return compute


def on_array(operation: Callable[..., Any], *columns: Numbers) -> Numbers:
    arrays = [np.array([column], dtype=np.float64) for column in columns]
    return [None if np.isnan(value) else value for value in operation(*arrays)[0].tolist()]


@pytest.fixture(
    params=[on_table(pd.DataFrame), on_table(pl.DataFrame), on_array],
    ids=["pandas", "polars", "array"],
)
def compute(request: pytest.FixtureRequest) -> Compute:
    """An operation and columns of numbers -> numbers."""
    found: Compute = request.param
    return found


def test_where_takes_otherwise_where_the_condition_is_false_or_unknown(compute: Compute) -> None:
    found = compute(lambda a, b: ops.where(a > 1.0, 7.0, b), [2.0, 1.0, None], [4.0, 5.0, 6.0])
    assert found == [7.0, 5.0, 6.0]


def test_where_passes_a_missing_value_through(compute: Compute) -> None:
    assert compute(lambda a: ops.where(a > 1.0, 1.0, a), [2.0, 0.5, None]) == [1.0, 0.5, None]


def test_a_ratio_has_the_value_stated_where_the_denominator_is_0(compute: Compute) -> None:
    found = compute(
        lambda a, b: ops.ratio(a, b, at_zero=-1.0), [1.0, 1.0, 0.0, 5.0], [4.0, 0.0, 0.0, -0.0]
    )
    assert found == [0.25, -1.0, -1.0, -1.0]


def test_a_ratio_of_something_missing_is_missing(compute: Compute) -> None:
    found = compute(
        lambda a, b: ops.ratio(a, b, at_zero=0.5), [None, 1.0, None, None], [4.0, None, None, 0.0]
    )
    assert found == [None, None, None, None]


def test_an_indicator_is_1_only_where_the_condition_is_true(compute: Compute) -> None:
    assert compute(lambda a: ops.indicator(a >= 2.0), [2.0, 1.0, None]) == [1.0, 0.0, 0.0]


def test_at_most_cuts_off_above_and_keeps_missing(compute: Compute) -> None:
    found = compute(lambda a: ops.at_most(a, 3.0), [2.0, 3.0, 4.0, None])
    assert found == [2.0, 3.0, 3.0, None]


def test_floor_divide_counts_whole_times(compute: Compute) -> None:
    found = compute(lambda a: ops.floor_divide(a, 4.0), [0.0, 3.0, 4.0, 2013.0, None])
    assert found == [0.0, 0.0, 1.0, 503.0, None]


def test_a_total_is_missing_where_any_part_is(compute: Compute) -> None:
    found = compute(lambda a, b: ops.total([a, b, a]), [1.0, None, 1.0], [2.0, 2.0, None])
    assert found == [4.0, None, None]


def test_more_columns_than_a_stack_is_deep_are_added(compute: Compute) -> None:
    found = compute(lambda a: ops.total([a] * MANY), [1.0, None, 2.0])
    assert found == [1.0 * MANY, None, 2.0 * MANY]


@pytest.mark.parametrize(
    "engine",
    [pd.DataFrame, pl.DataFrame, pa.table, pytest.param(None, marks=pytest.mark.spark)],
    ids=["pandas", "polars", "arrow", "spark"],
)
def test_more_conditions_than_a_stack_is_deep_are_joined(
    engine: Callable[..., Any] | None, request: pytest.FixtureRequest
) -> None:
    numbers = [0.5, 2.0, None]
    table = nw.from_native(
        engine({"a": numbers})
        if engine
        else request.getfixturevalue("spark").createDataFrame([(n,) for n in numbers], ["a"])
    )
    limits = range(1, MANY + 1)
    rules = {
        "some": ops.any_of(nw.col("a") > limit for limit in limits),
        "all": ops.all_of(nw.col("a") < limit for limit in limits),
        "none of none": ops.any_of([]),
    }
    rows = table.lazy().select("a", **rules).sort("a", nulls_last=True).collect().rows()
    assert [row[1:] for row in rows] == [
        (False, True, False),
        (True, False, False),
        (False, False, False),
    ]


def test_of_equal_columns_the_first_is_the_largest(compute: Compute) -> None:
    found = compute(
        lambda *columns: ops.first_largest(columns),
        [3.0, 1.0, 1.0, 0.0],
        [2.0, 3.0, 2.0, 0.0],
        [1.0, 3.0, 3.0, 0.0],
    )
    assert found == [0.0, 1.0, 2.0, 0.0]


def test_a_threshold_is_reached_from_its_value_on(compute: Compute) -> None:
    found = compute(lambda a: ops.count_reached(a, [1.0, 2.0]), [0.9, 1.0, 1.9, 2.0, 9.0])
    assert found == [0.0, 1.0, 1.0, 2.0, 2.0]


@pytest.mark.parametrize("denominator", [0.0, 1e-310, 1e-7])
def test_a_ratio_to_almost_nothing_is_that_to_zero(denominator: float) -> None:
    numerator = np.array([[1e12]])
    found = ops.ratio(numerator, np.array([[denominator]]), at_zero=0.0)
    assert found.tolist() == [[0.0]]
