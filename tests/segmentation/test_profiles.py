"""Weighted means a group, on every engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import narwhals as nw

from customer_segmentation.segmentation.profiles import known_weight, weighted_means


def test_each_group_has_its_weight_and_weighted_means(frame_of: Callable[..., Any]) -> None:
    table = nw.from_native(
        frame_of(
            {
                "segment": ["b", "a", "b", "a"],
                "income": [10.0, 1.0, 40.0, 3.0],
                "age": [30.0, 20.0, 60.0, 20.0],
                "weight": [2.0, 1.0, 1.0, 1.0],
            }
        )
    ).lazy()
    found = weighted_means(table, ["segment"], ["income", "age"], "weight")
    assert found.select("segment", "weight", "income", "age").rows(named=True) == [
        {"segment": "a", "weight": 2.0, "income": 2.0, "age": 20.0},
        {"segment": "b", "weight": 3.0, "income": 20.0, "age": 40.0},
    ]


def test_what_is_not_known_is_in_no_mean(frame_of: Callable[..., Any]) -> None:
    columns = {
        "segment": ["a", "a", "b"],
        "age": [20.0, None, None],
        "weight": [1.0, 3.0, 1.0],
    }
    found = weighted_means(nw.from_native(frame_of(columns)).lazy(), ["segment"], ["age"], "weight")
    assert found["weight"].to_list() == [4.0, 1.0]
    assert found[known_weight("age")].to_list() == [1.0, 0.0]
    assert found["age"].to_list()[0] == 20.0
    assert found["age"].is_null().to_list() == [False, True]
