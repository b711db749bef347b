"""The weighted sample: bounded, unbiased, and the same rows whatever the engine and order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import pytest

from customer_segmentation.segmentation.coreset import WEIGHT, draw_coreset, draw_uniform
from customer_segmentation.segmentation.scaling import Scaling

ROWS, SIZE = 50_000, 2_000
FEATURES = ("spend", "age")


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    """Heavy-tailed, standardised: a few rows hold most of the variance."""
    random = np.random.default_rng(0)
    drawn = np.column_stack([random.lognormal(0, 1.5, ROWS), random.normal(0, 1, ROWS)])
    drawn = (drawn - drawn.mean(axis=0)) / drawn.std(axis=0)
    ids = [str(n) for n in range(ROWS)]
    keys = [int.from_bytes(hashlib.sha256(i.encode()).digest()[:4]) >> 1 for i in ids]
    return pd.DataFrame(
        {"customer_id": ids, "sample_key": keys, "spend": drawn[:, 0], "age": drawn[:, 1]}
    )


@pytest.fixture(scope="module")
def scaling() -> Scaling:
    """The features as they are."""
    return Scaling(FEATURES, np.full(2, 1e9), np.zeros(2), np.ones(2))


def lazy(table: Any) -> nw.LazyFrame[Any]:
    return nw.from_native(table).lazy()


def coreset(customers: pd.DataFrame, scaling: Scaling, seed: int = 1) -> nw.DataFrame[Any]:
    return draw_coreset(lazy(customers), scaling, len(customers), SIZE, seed)


def chances(customers: pd.DataFrame) -> np.ndarray:
    squares = (customers[list(FEATURES)].to_numpy() ** 2).sum(axis=1)
    return np.minimum(1.0, SIZE * 0.5 * (1.0 / ROWS + squares / (2.0 * ROWS)))


def require_whole(few: Any, scaling: Scaling) -> None:
    found = draw_coreset(lazy(few), scaling, SIZE, SIZE, 1)
    assert len(found) == SIZE
    assert set(found[WEIGHT].to_list()) == {1.0}
    assert len(draw_uniform(lazy(few), SIZE, SIZE, 1)) == SIZE


def test_at_or_below_the_bound_every_row_is_kept_with_weight_1(
    customers: pd.DataFrame, scaling: Scaling, frame_of: Callable[..., Any]
) -> None:
    require_whole(frame_of(customers[:SIZE].to_dict("list")), scaling)


@pytest.mark.spark
def test_at_or_below_the_bound_spark_keeps_every_row(
    customers: pd.DataFrame, scaling: Scaling, spark: Any
) -> None:
    require_whole(spark.createDataFrame(customers[:SIZE]), scaling)


def test_above_the_bound_the_size_is_as_expected(customers: pd.DataFrame, scaling: Scaling) -> None:
    kept = chances(customers)
    sd = np.sqrt((kept * (1.0 - kept)).sum())
    for seed in range(0, 250, 50):
        assert abs(len(coreset(customers, scaling, seed)) - kept.sum()) < 5.0 * sd
    assert kept.sum() <= SIZE


def test_weights_are_one_over_the_chance_and_sum_to_the_number_of_rows(
    customers: pd.DataFrame, scaling: Scaling
) -> None:
    found = coreset(customers, scaling)
    chance = dict(zip(customers["customer_id"], chances(customers), strict=True))
    expected = [1.0 / chance[name] for name in found["customer_id"].to_list()]
    assert found[WEIGHT].to_numpy() == pytest.approx(np.array(expected))
    assert found[WEIGHT].sum() == pytest.approx(ROWS, rel=0.05)


def test_every_engine_and_every_order_keeps_the_same_rows(
    customers: pd.DataFrame, scaling: Scaling, frame_of: Callable[..., Any]
) -> None:
    shuffled = customers.sample(frac=1.0, random_state=0)
    found = coreset(frame_of(shuffled.to_dict("list")), scaling)
    expected = coreset(customers, scaling)
    for name in expected.columns:
        assert found[name].to_list() == expected[name].to_list()
    assert expected["sample_key"].is_sorted()


def test_another_seed_keeps_other_rows(customers: pd.DataFrame, scaling: Scaling) -> None:
    ids = [set(coreset(customers, scaling, seed)["customer_id"].to_list()) for seed in (1, 50)]
    assert len(ids[0] & ids[1]) < 0.5 * len(ids[0])


def test_inertia_on_the_coreset_is_that_of_all_rows(
    customers: pd.DataFrame, scaling: Scaling
) -> None:
    centroids = np.array([[-0.3, -0.7], [-0.2, 0.8], [3.0, 0.0]])

    def nearest_squares(rows: np.ndarray) -> np.ndarray:
        return ((rows[:, None, :] - centroids) ** 2).sum(axis=2).min(axis=1)

    whole = nearest_squares(customers[list(FEATURES)].to_numpy()).sum()
    ratios = []
    for seed in range(0, 500, 50):
        found = coreset(customers, scaling, seed)
        squares = nearest_squares(found.select(*FEATURES).to_numpy())
        ratios.append((squares * found[WEIGHT].to_numpy()).sum() / whole)
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.02)
    assert max(abs(np.array(ratios) - 1.0)) < 0.06


def test_a_uniform_draw_has_the_expected_size_and_mean(
    customers: pd.DataFrame, frame_of: Callable[..., Any]
) -> None:
    found = draw_uniform(lazy(frame_of(customers.to_dict("list"))), ROWS, SIZE, 1)
    assert abs(len(found) - SIZE) < 5.0 * np.sqrt(SIZE)
    assert found["age"].mean() == pytest.approx(0.0, abs=5.0 / np.sqrt(SIZE))
    again = draw_uniform(lazy(customers[::-1]), ROWS, SIZE, 1)
    assert found["customer_id"].to_list() == again["customer_id"].to_list()
