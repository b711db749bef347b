"""Who stays in the segment that they were in, on every engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from customer_segmentation.pipelines.label_generation.border_calm import calm_borders

METADATA = {
    "segments": [{"key": "high", "name": "High"}, {"key": "low", "name": "Low"}],
}
# Nearest, runner-up, margin -> where they were.
CUSTOMERS = {
    "a": ("high", "low", 0.04, "low"),
    "b": ("high", "low", 0.05, "low"),
    "c": ("low", "high", 0.0, "high"),
    "d": ("high", "low", 0.04, "high"),
    "e": ("high", "low", 0.04, "a third"),
    "f": ("high", "low", 0.04, None),
    "g": ("unsegmented", "unsegmented", None, "unsegmented"),
}


@pytest.fixture
def segments() -> dict[str, list[Any]]:
    keys = [one["key"] for one in METADATA["segments"]]
    rows = CUSTOMERS.values()
    return {
        "customer_id": [*CUSTOMERS],
        "segment": [row[0] for row in rows],
        "segment_name": [row[0].capitalize() for row in rows],
        "segment_id": [keys.index(row[0]) if row[0] in keys else -1 for row in rows],
        "runner_up": [row[1] for row in rows],
        "margin": [row[2] for row in rows],
        "offer": ["discount"] * len(rows),
    }


@pytest.fixture
def previous() -> dict[str, list[Any]]:
    """Without `f`, in another order, and with one who is no customer any more."""
    known = {key: row[3] for key, row in CUSTOMERS.items() if row[3]} | {"z": "low"}
    return {"segment": [*known.values()][::-1], "customer_id": [*known][::-1]}


def require_calm(found: list[dict[str, Any]], before: list[dict[str, Any]]) -> None:
    kept = {"a": ("low", "Low", 1, "high", 0.0), "c": ("high", "High", 0, "low", 0.0)}
    names = ("segment", "segment_name", "segment_id", "runner_up", "margin")
    assert [list(row) for row in found] == [list(row) for row in before]
    for row, was in zip(found, before, strict=True):
        expected = kept.get(row["customer_id"], tuple(was[name] for name in names))
        assert tuple(row[name] for name in names) == expected
        assert row["offer"] == "discount"


def test_who_is_nearer_to_the_border_than_the_threshold_stays(
    segments: dict[str, list[Any]],
    previous: dict[str, list[Any]],
    frame_of: Callable[..., Any],
    records_of: Callable[[Any], list[dict[str, Any]]],
) -> None:
    table = frame_of(segments)
    found = calm_borders(table, frame_of(previous), METADATA, 0.05)
    require_calm(records_of(found), records_of(table))


@pytest.mark.spark
def test_spark_keeps_the_same(
    segments: dict[str, list[Any]],
    previous: dict[str, list[Any]],
    records_of: Callable[[Any], list[dict[str, Any]]],
    spark: Any,
) -> None:
    tables = [spark.createDataFrame(pa.table(columns)) for columns in (segments, previous)]
    found = calm_borders(*tables, METADATA, 0.05)
    require_calm(records_of(found), records_of(pd.DataFrame(segments)))


def test_without_a_threshold_nothing_is_changed_or_read(
    segments: dict[str, list[Any]], frame_of: Callable[..., Any]
) -> None:
    table = frame_of(segments)
    assert calm_borders(table, None, METADATA, 0.0) is table
