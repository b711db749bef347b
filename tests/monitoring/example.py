"""A baseline of two columns, and customers for it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.monitoring.bins import Bins, category_bins
from customer_segmentation.monitoring.collecting import Answered
from customer_segmentation.monitoring.summary import Baseline, nobody

COLUMNS = ("income", "education")


def a_baseline(version: str = "v1") -> Baseline:
    bins = {"income": Bins((15.0, 25.0), (), (10.0, 20.0, 30.0), 20.0)}
    bins["education"] = category_bins(["basic", "degree"])
    return Baseline(version, "2014-06-30", ("high", "low"), bins, nobody(version, 2))


def customers(count: int) -> tuple[NDArray[np.float64], dict[str, NDArray[Any]]]:
    """Inputs and outputs of so many."""
    matrix = np.tile([10.0, 1.0], (count, 1))
    return matrix, {"segment": np.zeros(count, np.int64), "margin": np.full(count, 0.5)}


def answered(count: int, baseline: Baseline | None = None) -> Answered:
    """So many customers who were answered together."""
    return Answered(baseline or a_baseline(), COLUMNS, *customers(count))
