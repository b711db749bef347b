"""Principal components of weighted rows, which scikit-learn's PCA does not take."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.segmentation.rounding import rounded_standardised


@dataclass(frozen=True)
class Projection:
    """Components (features x components) and the share of variance that each explains."""

    components: NDArray[np.float64]
    explained: NDArray[np.float64]

    def projected(self, standardised: NDArray[np.float64]) -> NDArray[np.float64]:
        """(rows x components) of standardised (rows x features) values."""
        return standardised @ self.components


def learn_projection(
    standardised: NDArray[np.float64], weights: NDArray[np.float64], variance: float
) -> Projection:
    """The fewest components that explain the given share of variance.

    The values are standardised, so that their mean is 0 and needs no removing. The largest entry
    of a component is positive, since its sign is otherwise arbitrary.
    """
    covariance = (standardised * weights[:, None]).T @ standardised / weights.sum()
    values, vectors = np.linalg.eigh(covariance)
    order = np.argsort(values)[::-1]
    values, vectors = values[order], vectors[:, order]
    shares = values / values.sum()
    # Rounding error must not ask for one component more.
    count = min(int(np.searchsorted(np.cumsum(shares), variance - 1e-9) + 1), len(shares))
    kept = vectors[:, :count]
    largest = np.abs(kept).argmax(axis=0)
    signs = np.sign(kept[largest, np.arange(count)])
    return Projection(rounded_standardised(kept * signs), rounded_standardised(shares[:count]))
