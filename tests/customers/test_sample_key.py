"""The number that stands for a customer, and the draw made of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from customer_segmentation.customers.sample_key import uniform_number, with_sample_key

ROWS = 20_000


def keys_of(ids: list[str], engine: Callable[..., Any]) -> list[int]:
    table = with_sample_key(nw.from_native(engine({"id": ids}), eager_only=True), "id")
    return table["sample_key"].to_list()


def numbers(seed: int, engine: Callable[..., Any]) -> np.ndarray:
    ids = [str(number) for number in range(ROWS)]
    table = with_sample_key(nw.from_native(engine({"id": ids}), eager_only=True), "id")
    return table.select(drawn=uniform_number(seed))["drawn"].to_numpy()


def test_the_key_is_the_first_31_bits_of_the_ids_hash(frame_of: Callable[..., Any]) -> None:
    # printf 5524 | sha256sum begins with 833d6983; halved, it has 31 bits.
    assert keys_of(["5524"], frame_of) == [0x833D6983 // 2]


def test_white_space_around_an_id_does_not_count(frame_of: Callable[..., Any]) -> None:
    first, second = keys_of([" a1\t", "a1"], frame_of)
    assert first == second


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
