"""Caps as a step of a scikit-learn pipeline; imported when a model is built."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

Values = NDArray[np.float64]


class UpperCap(TransformerMixin, BaseEstimator):  # type: ignore[misc] # scikit-learn has no types
    """Cuts each column off above at a quantile of it, a value that was seen.

    One income of 666,666 would bend a linear model for all. A column that would become constant,
    as a rare 0 or 1 does, is cut off at its largest value.
    """

    def __init__(self, quantile: float) -> None:
        """Keep the quantile, as scikit-learn wants it kept."""
        self.quantile = quantile

    def fit(self, values: Values, labels: object = None) -> UpperCap:  # noqa: ARG002 - its interface
        """Learn `caps_`."""
        caps = np.quantile(values, self.quantile, axis=0, method="higher")
        self.caps_ = np.where(caps > values.min(axis=0), caps, values.max(axis=0))
        return self

    def transform(self, values: Values) -> Values:
        """The values, cut off."""
        return np.minimum(values, self.caps_)
