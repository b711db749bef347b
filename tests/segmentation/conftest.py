"""Blobs of points, whose segments everybody can see."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

CORNERS = np.array([[0.0, 0.0, 0.0], [10.0, 0.0, 0.0], [0.0, 10.0, 0.0], [0.0, 0.0, 10.0]])


@pytest.fixture(scope="session")
def blobs() -> Callable[..., NDArray[np.float64]]:
    """`count` blobs of 60 points each around corners 10 apart, of the spread given."""

    def draw(count: int = 4, spread: float = 0.5) -> NDArray[np.float64]:
        noise = np.random.default_rng(0).normal(0.0, spread, (60 * count, 3))
        return np.repeat(CORNERS[:count], 60, axis=0) + noise

    return draw
