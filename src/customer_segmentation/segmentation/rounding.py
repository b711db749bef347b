"""Learned numbers without their last digits, so that order, chunks and engine change nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_DIGITS, _DECIMALS = 12, 10
# Of what an engine sums: two differ in the 15th digit, and where one rounds up and the other down,
# so does the artifact: in 1 base of 50 with 12 digits (benchmarks/equal_artifacts.py).
SUMMED = 10


def rounded(values: ArrayLike, digits: int = _DIGITS) -> NDArray[np.float64]:
    """The values to so many significant digits, in the shape given."""
    array = np.asarray(values, dtype=np.float64)
    texts = [f"{value:.{digits - 1}e}" for value in array.ravel().tolist()]
    # `+ 0.0` makes a negative zero, which prints differently, a plain one.
    return np.array([float(text) for text in texts], dtype=np.float64).reshape(array.shape) + 0.0


def rounded_standardised(values: ArrayLike) -> NDArray[np.float64]:
    """Values in standardised units, or of unit vectors, to 10 decimals.

    They are sums of terms around 1, whose rounding errors are the same size however small the sum:
    a value near 0 has no 10 right digits.
    """
    array = np.asarray(values, dtype=np.float64)
    return np.asarray(np.round(array, _DECIMALS), dtype=np.float64) + 0.0
