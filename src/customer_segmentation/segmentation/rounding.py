"""Learned numbers to 12 significant digits, so that order, chunks and engine change nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_DIGITS = 12


def rounded(values: ArrayLike) -> NDArray[np.float64]:
    """The values to 12 significant digits, in the shape given."""
    array = np.asarray(values, dtype=np.float64)
    texts = [f"{value:.{_DIGITS - 1}e}" for value in array.ravel().tolist()]
    # `+ 0.0` makes a negative zero, which prints differently, a plain one.
    return np.array([float(text) for text in texts], dtype=np.float64).reshape(array.shape) + 0.0
