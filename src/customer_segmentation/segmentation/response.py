"""Everything that a response model learns: what its artifact is built from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.schema.schema import Schema
from customer_segmentation.segmentation.scaling import Scaling


@dataclass(frozen=True)
class Bends:
    """Where the effect of a feature may change: each adds what its value is beyond a point.

    Attributes:
        features: The feature of each, by its place in the scaling.
        starts: The point of each, of the standardised value.
    """

    features: tuple[int, ...] = ()
    starts: tuple[float, ...] = ()

    def terms(self, standardised: NDArray[np.float64]) -> NDArray[np.float64]:
        """(rows x features) -> (rows x features and bends)."""
        beyond = standardised[:, list(self.features)] - np.array(self.starts)
        return np.concatenate([standardised, np.maximum(beyond, 0.0)], axis=1)


@dataclass(frozen=True, kw_only=True)
class Regression:
    """A logistic regression on standardised features and their bends.

    Attributes:
        scaling: Of the features.
        bends: Of some of them.
        weights: One a feature, then one a bend.
        intercept: Added to them.
    """

    scaling: Scaling
    bends: Bends
    weights: NDArray[np.float64]
    intercept: float

    def log_odds(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(rows) of (rows x features)."""
        terms = self.bends.terms(self.scaling.standardised(values))
        odds: NDArray[np.float64] = terms @ self.weights + self.intercept
        return odds


@dataclass(frozen=True, kw_only=True)
class ResponseModel:
    """A regression, and what is known of it.

    Attributes:
        response: The column of the answer.
        regression: Of the answer on what is known before the contact.
        calibration: `intercept`, `slope` and their `covariance`, of answers on the logarithm of
            the odds that were predicted out of fold: 0 and 1 where the predictions are right.
        segmenter_version: The artifact that it stands beside.
        schema: The segmenter's.
        provenance: The segmenter's.
        metrics: Out of fold.
    """

    response: str
    regression: Regression
    calibration: dict[str, Any]
    segmenter_version: str
    schema: Schema
    provenance: dict[str, Any]
    metrics: dict[str, Any]
