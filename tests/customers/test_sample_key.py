"""The number that stands for a customer, and the draw made of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_segmentation.customers.sample_key import uniform_number, with_sample_key

ROWS = 20_000


def keyed(table: Any) -> nw.LazyFrame[Any]:
    return with_sample_key(nw.from_native(table).lazy(), "id")


def keys_of(ids: list[str | None], engine: Callable[..., Any]) -> list[int]:
    return keyed(engine({"id": ids})).collect()["sample_key"].to_list()


def numbers(seed: int, engine: Callable[..., Any]) -> np.ndarray:
    ids = [str(number) for number in range(ROWS)]
    drawn = keyed(engine({"id": ids})).select(drawn=uniform_number(seed)).collect()
    return drawn["drawn"].to_numpy()


def test_the_key_is_the_first_31_bits_of_the_ids_hash(frame_of: Callable[..., Any]) -> None:
    # printf 5524 | sha256sum begins with 833d6983; halved, it has 31 bits.
    assert keys_of(["5524"], frame_of) == [0x833D6983 // 2]


def test_white_space_around_an_id_does_not_count(frame_of: Callable[..., Any]) -> None:
    first, second = keys_of([" a1\t", "a1"], frame_of)
    assert first == second


def test_a_table_without_rows_has_no_keys(frame_of: Callable[..., Any]) -> None:
    empty = nw.from_native(frame_of({"id": ["1"]})).lazy().head(0)
    keys = with_sample_key(empty, "id").collect()["sample_key"]
    assert (keys.dtype, len(keys)) == (nw.Int64, 0)


def test_an_id_that_is_missing_has_the_key_of_an_empty_one(frame_of: Callable[..., Any]) -> None:
    first, second, third = keys_of([None, "", " "], frame_of)
    assert first == second == third


def test_the_key_stands_in_its_customers_row_whatever_the_tables_index() -> None:
    table = pd.DataFrame({"id": ["a", "b", "c"]}).iloc[[2, 0]]
    expected = [keys_of([text], pd.DataFrame)[0] for text in ("c", "a")]
    assert keyed(table).collect()["sample_key"].to_list() == expected


@settings(max_examples=30)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1))
def test_any_text_has_the_same_key_on_every_engine(ids: list[str]) -> None:
    hashes = [hashlib.sha256(text.strip().encode()).hexdigest() for text in ids]
    expected = [int(digits[:8], 16) >> 1 for digits in hashes]
    assert keys_of(ids, pd.DataFrame) == keys_of(ids, pl.DataFrame) == expected


@pytest.mark.parametrize("seed", [0, 1, 7, 2**31])
def test_a_drawn_number_is_the_same_on_every_engine_and_at_least_0_and_below_1(seed: int) -> None:
    drawn = numbers(seed, pd.DataFrame)
    assert np.array_equal(drawn, numbers(seed, pl.DataFrame))
    assert drawn.min() >= 0.0
    assert drawn.max() < 1.0


@pytest.mark.parametrize("key", [0, 1, 2**31 - 1])
@pytest.mark.parametrize("seed", [0, 1, 2**31])
def test_the_ends_of_the_keys_do_not_overflow(
    key: int, seed: int, frame_of: Callable[..., Any]
) -> None:
    table = nw.from_native(frame_of({"sample_key": [key]})).select(drawn=uniform_number(seed))
    exact = (key * 1_103_515_245 + seed * 1_327_217_885) % 2**31 / 2**31
    assert table["drawn"].to_list() == [exact]


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_drawn_numbers_are_spread_evenly(seed: int) -> None:
    counts, _ = np.histogram(numbers(seed, pl.DataFrame), bins=20, range=(0.0, 1.0))
    chi_squared = ((counts - ROWS / 20) ** 2 / (ROWS / 20)).sum()
    # 19 degrees of freedom exceed 43.8 once in a thousand.
    assert chi_squared < 43.8


def test_another_seed_draws_other_numbers_for_every_row() -> None:
    assert not np.any(numbers(1, pl.DataFrame) == numbers(2, pl.DataFrame))


@pytest.mark.spark
def test_spark_has_the_same_keys_and_draws_the_same_numbers(spark: Any) -> None:
    # Missing and empty, white space around and within, quotes, and signs of one to four bytes.
    odd = [None, "", "\x1f", " a\u2003", "a b", "'\"\\", "\n1\t", "\x00", "é", "İ", "\U0001f600"]
    ids = pa.table({"id": odd + [str(number) for number in range(500)]})
    drawn = {f"drawn_{seed}": uniform_number(seed) for seed in (0, 7, 2**31)}
    of_spark, of_pandas = (
        keyed(table).select("sample_key", **drawn).collect().rows()
        for table in (spark.createDataFrame(ids), ids.to_pandas())
    )
    assert of_spark == of_pandas
