"""Customers of a table are counted alike on every engine, whichever batches it gives."""

from __future__ import annotations

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from customer_segmentation.monitoring import tables
from customer_segmentation.monitoring.bins import number_bins
from customer_segmentation.monitoring.learned_from import refused_of, rounded_sums
from customer_segmentation.monitoring.summary import Baseline, nobody
from customer_segmentation.monitoring.tables import count_table

ROWS = 3_000


@pytest.fixture
def numbers() -> dict[str, np.ndarray]:
    draw = np.random.default_rng(5)
    income = draw.normal(50_000, 20_000, ROWS).round()
    return {
        "income": np.where(draw.random(ROWS) < 0.1, np.nan, income),
        "children": draw.poisson(1.0, ROWS).astype(float),
        "segment": draw.integers(-1, 2, ROWS).astype(float),
        "margin": draw.random(ROWS),
        "p_response": draw.random(ROWS) ** 3,
    }


@pytest.fixture
def baseline(numbers) -> Baseline:
    bins = {name: number_bins(numbers[name]) for name in ("income", "children")}
    return Baseline("v1", "2014-06-30", ("high", "low"), bins, nobody("v1", 2))


@pytest.mark.parametrize("engine", [pd.DataFrame, pl.DataFrame, pl.LazyFrame])
def test_a_table_is_counted_as_its_matrix_is(numbers, baseline, engine, monkeypatch) -> None:
    # Several batches, the last of them smaller.
    monkeypatch.setattr(tables, "_CHUNK", 701)
    found = count_table(nw.from_native(engine(numbers)).lazy(), baseline)
    columns = ("income", "children")
    matrix = np.column_stack([numbers[name] for name in columns])
    expected = baseline.summarise(columns, matrix, numbers)
    stated, wanted = found.stated(), expected.stated()
    assert stated.pop("sums").keys() == wanted.pop("sums").keys()
    assert stated == wanted
    for name in columns:
        np.testing.assert_allclose(found.sums[name], expected.sums[name], rtol=1e-12)
    assert found.segments.sum() == ROWS


def test_null_of_polars_is_a_missing_value(baseline) -> None:
    table = pl.DataFrame({"income": [1.0, None, 3.0]})
    assert count_table(nw.from_native(table).lazy(), baseline).columns["income"][-1] == 1


def test_a_table_of_nobody_is_counted(baseline) -> None:
    table = pl.DataFrame({"income": pl.Series([], dtype=pl.Float64)})
    assert count_table(nw.from_native(table).lazy(), baseline).customers == 0


def test_sums_in_any_order_are_rounded_to_the_same() -> None:
    draw = np.random.default_rng(6)
    values = draw.normal(0.0, 1.0, 10_000)
    found = set()
    for _ in range(20):
        draw.shuffle(values)
        found.add(tuple(rounded_sums([len(values), sum(values), sum(values * values)])))
    assert len(found) == 1


def test_whole_numbers_have_exact_sums_whose_order_cannot_matter(numbers, baseline) -> None:
    bins, income = baseline.bins["income"], numbers["income"]
    known = [int(value) for value in income[np.isfinite(income)]]
    above = [value - bins.middle for value in known]
    assert bins.summed(income)[1] == sum(above)
    assert bins.summed(income)[2] == sum(each * each for each in above)


def test_what_was_left_out_or_lost_is_one_account() -> None:
    accounting = {
        "reasons": {"income: negative": 2},
        "lost_values": {"income: negative": 1, "x": 4},
    }
    assert refused_of(accounting) == {"income: negative": 3, "x": 4}
