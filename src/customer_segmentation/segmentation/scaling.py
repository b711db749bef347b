"""Caps and standardisation: engine aggregates over the whole table, collected as plain numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.errors import UserError
from customer_segmentation.schema.declarations import ScalingRule
from customer_segmentation.schema.operations import at_most
from customer_segmentation.schema.schema import Schema
from customer_segmentation.segmentation.rounding import SUMMED, rounded

_CONSTANT = 1e-12


@dataclass(frozen=True)
class Treatment:
    """How a number counts among those that segments are made of.

    Attributes:
        cap_quantile: Where it is cut off.
        is_log: The logarithm of 1 + its value counts.
        weight: As how many numbers it counts, or the category that it is a flag of.
        category: Flags of one count together: with one deviation, and a sum of variances of 1.
    """

    cap_quantile: float
    is_log: bool = False
    weight: float = 1.0
    category: str = ""


def treatments(schema: Schema, cap_quantile: float) -> dict[str, Treatment]:
    """Of every number that a schema's segments are made of."""
    made = {}
    for number, feature in schema.segment_numbers.items():
        rule = schema.scaling.get(feature, ScalingRule())
        category = feature if feature != number else ""
        cap = cap_quantile if rule.cap is None else rule.cap
        made[number] = Treatment(cap, rule.log, rule.weight, category)
    return made


@dataclass(frozen=True)
class Scaling:
    """What makes features comparable.

    Attributes:
        features: Their names, in the order of the arrays.
        caps: Where each is cut off above.
        means: Of the capped values, or of their logarithms.
        deviations: Of the same; a weight makes them smaller.
        logs: The features of which the logarithm of 1 + the value counts.
        weights: The variance of each, standardised; all 1 where none are given.
        uncapped: The features whose cap would have made them constant.
    """

    features: tuple[str, ...]
    caps: NDArray[np.float64]
    means: NDArray[np.float64]
    deviations: NDArray[np.float64]
    logs: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    uncapped: tuple[str, ...] = ()

    @property
    def variances(self) -> tuple[float, ...]:
        """Of each feature, standardised."""
        return self.weights or (1.0,) * len(self.features)

    def bounded(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(rows x features) values capped, and the logarithm where it counts."""
        capped = np.minimum(values, self.caps)
        for place, name in enumerate(self.features):
            if name in self.logs:
                capped[..., place] = np.log(capped[..., place] + 1.0)
        return capped

    def standardised(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """(rows x features) values, capped and standardised."""
        return (self.bounded(values) - self.means) / self.deviations

    def restored(self, standardised: NDArray[np.float64]) -> NDArray[np.float64]:
        """The values behind (rows x features) standardised ones that no cap has changed."""
        values = standardised * self.deviations + self.means
        for place, name in enumerate(self.features):
            if name in self.logs:
                values[..., place] = np.expm1(values[..., place])
        return values

    def bounded_columns(self) -> list[nw.Expr]:
        """The values capped, and the logarithm where it counts, over a table of the features."""
        return [
            _bounded(name, cap, is_log=name in self.logs)
            for name, cap in zip(self.features, self.caps.tolist(), strict=True)
        ]

    def standardised_columns(self) -> dict[str, nw.Expr]:
        """The same as an array's but for the last digit, as one expression a feature."""
        numbers = zip(
            self.bounded_columns(), self.means.tolist(), self.deviations.tolist(), strict=True
        )
        # Polars divides by a number as if multiplying by its inverse: so that all engines agree
        # to the last bit, none divides.
        return {
            name: (bounded - mean) * (1.0 / deviation)
            for name, (bounded, mean, deviation) in zip(self.features, numbers, strict=True)
        }


def learn_scaling(table: nw.LazyFrame[Any], treated: Mapping[str, Treatment]) -> Scaling:
    """Two passes: the exact linear quantile of each feature, then its moments below that cap.

    Where most customers have a feature's least value, so that its cap is that value too, it is
    capped at its largest instead.

    Args:
        table: One row a customer.
        treated: Of each feature by name.

    Raises:
        UserError: A feature has one value only, so that it cannot tell customers apart.
    """
    # A value of a category that nobody has may come later: it is 1 then.
    caps = {name: 1.0 for name, one in treated.items() if one.category}
    measured = [name for name in treated if name not in caps]
    quantiles = {n: nw.col(n).quantile(treated[n].cap_quantile, "linear") for n in measured}
    caps |= _row(table, quantiles)
    means, deviations = _moments(table, caps, treated)
    flat = [name for name in measured if _is_constant(means[name], deviations[name])]
    if flat:
        caps |= _row(table, {name: nw.col(name).max() for name in flat})
        again = {name: treated[name] for name in flat}
        more_means, more_deviations = _moments(table, caps, again)
        means, deviations = means | more_means, deviations | more_deviations
    shared = {one: _spread_of(deviations, one, treated) for one in _categories(treated)}
    own = {name: shared.get(treated[name].category, deviations[name]) for name in treated}
    constant = dict.fromkeys(
        treated[n].category or n for n in treated if _is_constant(means[n], own[n])
    )
    if constant:
        message = (
            f"gold_features: {', '.join(f'`{name}`' for name in constant)} has one value for all "
            "customers and cannot tell them apart. Remove it from `customers.segment_features` "
            "(in the schema)."
        )
        raise UserError(message)
    roots = {name: float(np.sqrt(one.weight)) for name, one in treated.items()}
    return Scaling(
        tuple(treated),
        rounded([caps[name] for name in treated], SUMMED),
        rounded([means[name] for name in treated], SUMMED),
        rounded([own[name] / roots[name] for name in treated], SUMMED),
        logs=tuple(name for name, one in treated.items() if one.is_log),
        weights=tuple(
            one.weight * (deviations[name] / own[name]) ** 2 for name, one in treated.items()
        ),
        uncapped=tuple(flat),
    )


def _moments(
    table: nw.LazyFrame[Any], caps: Mapping[str, float], treated: Mapping[str, Treatment]
) -> tuple[dict[str, float], dict[str, float]]:
    """Means and deviations of the capped values, or of their logarithms."""
    bounded = {name: _bounded(name, caps[name], is_log=one.is_log) for name, one in treated.items()}
    means = _row(table, {name: values.mean() for name, values in bounded.items()})
    return means, _row(table, {name: values.std(ddof=0) for name, values in bounded.items()})


def _bounded(name: str, cap: float, *, is_log: bool) -> nw.Expr:
    capped = at_most(nw.col(name), cap)
    return (capped + 1.0).log() if is_log else capped


def _categories(treated: Mapping[str, Treatment]) -> Iterable[str]:
    return dict.fromkeys(one.category for one in treated.values() if one.category)


def _spread_of(
    deviations: Mapping[str, float], category: str, treated: Mapping[str, Treatment]
) -> float:
    """The root of the sum of the variances of a category's flags."""
    own = [deviations[name] for name, one in treated.items() if one.category == category]
    return float(np.sqrt(np.square(own).sum()))


def _is_constant(mean: float, deviation: float) -> bool:
    return deviation <= _CONSTANT * max(1.0, abs(mean))


def _row(table: nw.LazyFrame[Any], aggregates: Mapping[str, nw.Expr]) -> dict[str, float]:
    if not aggregates:
        return {}
    row = table.select(**aggregates).collect().select(*aggregates).row(0)
    return dict(zip(aggregates, map(float, row), strict=True))
