"""Spark as streams of few events want it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

# Code made for each expression of a plan costs more than the few rows that it is for.
_MADE = "spark.sql.codegen.factoryMode"


@pytest.fixture(autouse=True)
def interpreted(spark: Any) -> Iterator[None]:
    before = spark.conf.get(_MADE, "FALLBACK")
    spark.conf.set(_MADE, "NO_CODEGEN")
    yield
    spark.conf.set(_MADE, before)
