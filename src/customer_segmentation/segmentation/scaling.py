"""Caps and standardisation: engine aggregates over the whole table, collected as plain numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.errors import UserError
from customer_segmentation.schema.operations import at_most
from customer_segmentation.segmentation.rounding import SUMMED, rounded


@dataclass(frozen=True)
class Scaling:
    """For each feature: the cap above, and mean and standard deviation of the capped values."""

    features: tuple[str, ...]
    caps: NDArray[np.float64]
    means: NDArray[np.float64]
    deviations: NDArray[np.float64]

    def standardised(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(rows x features) values, capped and standardised."""
        return (np.minimum(values, self.caps) - self.means) / self.deviations

    def standardised_columns(self) -> dict[str, nw.Expr]:
        """The same but for the last digit, as one expression a feature over a table of them."""
        numbers = zip(
            self.caps.tolist(), self.means.tolist(), self.deviations.tolist(), strict=True
        )
        # Polars divides by a number as if multiplying by its inverse: so that all engines agree
        # to the last bit, none divides.
        return {
            name: (at_most(nw.col(name), cap) - mean) * (1.0 / deviation)
            for name, (cap, mean, deviation) in zip(self.features, numbers, strict=True)
        }


def learn_scaling(
    table: nw.LazyFrame[Any], features: Sequence[str], cap_quantile: float
) -> Scaling:
    """Two passes: the exact linear quantile of each feature, then its moments below that cap.

    Raises:
        UserError: A feature has one value only, so that it cannot tell customers apart.
    """
    caps = _row(
        table.select(nw.col(name).quantile(cap_quantile, "linear") for name in features), features
    )
    capped = {name: at_most(nw.col(name), cap) for name, cap in zip(features, caps, strict=True)}
    means = _row(table.select(**{n: e.mean() for n, e in capped.items()}), features)
    deviations = _row(table.select(**{n: e.std(ddof=0) for n, e in capped.items()}), features)
    constant = [
        name
        for name, mean, deviation in zip(features, means, deviations, strict=True)
        if deviation <= 1e-12 * max(1.0, abs(mean))
    ]
    if constant:
        message = (
            f"gold_features: {', '.join(f'`{name}`' for name in constant)} has one value for all "
            "customers and cannot tell them apart. Remove it from `customers.segment_features` "
            "(in the schema)."
        )
        raise UserError(message)
    return Scaling(tuple(features), *(rounded(part, SUMMED) for part in (caps, means, deviations)))


def _row(aggregates: nw.LazyFrame[Any], features: Sequence[str]) -> list[float]:
    return [float(value) for value in aggregates.collect().select(*features).row(0)]
