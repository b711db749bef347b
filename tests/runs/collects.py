"""What Spark brings to the driver, counted: only samples, profiles and counts may come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Any

import pytest

COLLECTING = ("collect", "toArrow", "toPandas", "take", "head", "tail")


@contextmanager
def counted_collects() -> Iterator[list[float]]:
    """Give the numbers of rows that come to Python; infinite if nothing bounds them."""
    from pyspark.sql.classic.dataframe import DataFrame  # noqa: PLC0415 - only with Spark

    seen: list[float] = []

    def counted(method: Callable[..., Any]) -> Callable[..., Any]:
        def call(frame: Any, *arguments: Any, **options: Any) -> Any:
            # What a method asks of another is seen there; here what came of it counts.
            found = method(frame, *arguments, **options)
            seen.append(len(found) if hasattr(found, "__len__") else 1)
            return found

        return call

    iterate = DataFrame.toLocalIterator

    def unbounded(frame: Any, *arguments: Any, **options: Any) -> Any:
        seen.append(inf)
        return iterate(frame, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        for name in COLLECTING:
            patch.setattr(DataFrame, name, counted(getattr(DataFrame, name)))
        patch.setattr(DataFrame, "toLocalIterator", unbounded)
        yield seen
