"""Values far outside the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals as nw
import numpy as np
import pytest

from customer_segmentation.segmentation.far_outside import (
    FarOutside,
    fences,
    find_far_outside,
    is_inside,
)

SPREAD = np.arange(1.0, 101.0)


def with_values(*values: float) -> dict[str, np.ndarray]:
    return {"spend": np.concatenate([SPREAD, values])}


def is_far(*values: float) -> list[bool]:
    columns = with_values(*values)
    limits = fences(columns, np.ones(len(columns["spend"])), ["spend"])
    return (~is_inside(columns, limits))[len(SPREAD) :].tolist()


def test_a_value_several_times_beyond_the_rest_is_far_on_either_side() -> None:
    assert is_far(300.0, 400.0, -150.0, -400.0) == [False, True, False, True]


def test_a_missing_value_is_not_far() -> None:
    assert is_far(np.nan, 1e12) == [False, True]


def test_where_most_are_equal_nothing_says_how_far_is_far() -> None:
    columns = {"flag": np.array([0.0] * 97 + [1.0] * 3), "blank": np.full(100, np.nan)}
    limits = fences(columns, np.ones(100), columns)
    assert limits == {"flag": (-np.inf, np.inf)}
    assert is_inside(columns, limits).all()


def test_weights_count_as_repeated_rows() -> None:
    columns = {"x": np.array([1.0, 2.0, 3.0, 10.0])}
    weights = np.array([30.0, 30.0, 39.0, 1.0])
    repeated = {"x": np.repeat(columns["x"], weights.astype(int))}
    assert fences(columns, weights, ["x"]) == fences(repeated, np.ones(100), ["x"])


@pytest.mark.parametrize("missing", [0, 5])
def test_those_far_outside_are_counted_with_the_furthest_customer(
    frame_of: Callable[..., Any], missing: int
) -> None:
    values: list[float | None] = [*SPREAD.tolist(), 1e6, 2e6, 2e6, -700.0]
    values[:missing] = [None] * missing
    keys = [f"c{row:03}" for row in range(len(values))]
    low = [float(row % 7) for row in range(len(values))]
    table = frame_of({"customer_id": keys, "spend": values, "usual": low})
    limits = {"spend": (-200.0, 400.0), "usual": (-1.0, 10.0)}
    found = find_far_outside(nw.from_native(table).lazy(), limits)
    assert found == [FarOutside("spend", 4, 2e6, "c101")]
