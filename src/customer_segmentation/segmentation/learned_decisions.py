"""Learn from a weighted sample the numbers that the decisions beside the segment need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from customer_segmentation.schema.decisions import OF_EXPECTED_SPEND
from customer_segmentation.schema.declarations import Roles
from customer_segmentation.schema.evaluate import Learned
from customer_segmentation.schema.operations import ratio
from customer_segmentation.schema.parameters import Parameters
from customer_segmentation.schema.schema import Schema
from customer_segmentation.segmentation.far_outside import fences, is_inside
from customer_segmentation.segmentation.rounding import rounded

Array = NDArray[np.float64]

# A quantile.
Share = Annotated[float, Field(gt=0.0, le=1.0)]
_PERCENTILE_STEPS = 20
_FOLDS = 5
# At or below this share of variance, out of fold, a model explains nothing that is worth an offer.
_MIN_R2 = 0.05


class DecisionRule(Parameters):
    """What the marketer decides: the block `clustering.decisions`; the rest is learned.

    Attributes:
        comfortable_from: Quantile of income where the comfortable tier begins.
        affluent_from: The same of the affluent tier.
        deal_share_from: Quantile of the deal share from which a customer waits for offers.
        min_deals: Purchases with a discount that such a customer has at least.
        preview_from: Percentile of expected spend that earns a preview.
    """

    comfortable_from: Share
    affluent_from: Share
    deal_share_from: Share
    min_deals: int = Field(ge=0)
    preview_from: float = Field(ge=0.0, le=100.0)

    @model_validator(mode="after")
    def _tiers_are_in_order(self) -> Self:
        if self.comfortable_from > self.affluent_from:
            message = "comfortable_from is above affluent_from"
            raise ValueError(message)
        return self


@dataclass(frozen=True)
class LearnedDecisions:
    """The decisions' numbers, and how well the expected spend predicts unseen customers.

    Attributes:
        numbers: By decision.
        expected_spend_r2: Out of fold; None where it was not learned or could not be measured.
        unexplained: Decision -> why it is not taken, of those whose model explains nothing.
    """

    numbers: Learned
    expected_spend_r2: float | None
    unexplained: Mapping[str, str] = field(default_factory=dict)


def learn_decisions(  # noqa: PLR0913, PLR0917 - all that they depend on
    schema: Schema,
    columns: Mapping[str, Array],
    weights: Array,
    names: tuple[str, ...],
    rule: DecisionRule,
    cap_quantile: float,
) -> LearnedDecisions:
    """The numbers for the named decisions.

    Args:
        schema: Its roles say what the decisions are made of.
        columns: The sample's features by name, one value a row.
        weights: One a row.
        names: The decisions that the source's columns allow.
        rule: The marketer's choices.
        cap_quantile: Where the inputs of the expected spend are cut off.
    """
    numbers: dict[str, dict[str, float | list[float]]] = {}
    r2, unexplained, roles = None, {}, schema.roles
    if "affluence_tier" in names:
        quantiles = (rule.comfortable_from, rule.affluent_from)
        thresholds = weighted_quantiles(columns[roles.income], weights, quantiles)
        numbers["affluence_tier"] = {"income_thresholds": thresholds}
    if "waits_for_offers" in names:
        (share,) = weighted_quantiles(columns[roles.deal_share], weights, (rule.deal_share_from,))
        numbers["waits_for_offers"] = {"min_deal_share": share, "min_deals": float(rule.min_deals)}
    if "likely_to_spend" in names:
        caps, coefficients, expected, r2 = _expected_spend(roles, columns, weights, cap_quantile)
        unexplained = _unexplained(roles, r2, names)
        names = tuple(name for name in names if name not in unexplained)
    if "likely_to_spend" in names:
        numbers["expected_spend"] = {"potential_caps": caps, "potential_weights": coefficients}
        steps = tuple(n / _PERCENTILE_STEPS for n in range(1, _PERCENTILE_STEPS))
        thresholds = weighted_quantiles(expected, weights, steps)
        numbers["likely_to_spend"] = {"potential_thresholds": thresholds}
    if "product" in names:
        parts = schema.members_of(roles.product).values()
        numbers["product"] = _shares(roles.spend, parts, columns, weights)
    if "channel" in names:
        parts = schema.members_of(roles.channel).values()
        numbers["channel"] = _shares(roles.purchases, parts, columns, weights)
    if "offer" in names:
        numbers["offer"] = {"min_likely_to_spend": rule.preview_from}
    return LearnedDecisions(numbers, r2, unexplained)


def _unexplained(roles: Roles, r2: float | None, names: tuple[str, ...]) -> dict[str, str]:
    """Why decisions based on the expected spend are left out; empty if it explains spend."""
    if r2 is not None and r2 > _MIN_R2:
        return {}
    measured = "too few customers to measure it" if r2 is None else f"out-of-fold R2 of {r2:.2f}"
    why = f"{', '.join(roles.means)} do not explain what customers spend ({measured})"
    return {name: why for name in OF_EXPECTED_SPEND if name in names}


def weighted_quantiles(values: Array, weights: Array, shares: tuple[float, ...]) -> list[float]:
    """The smallest known values that at least the given shares of the weight do not exceed."""
    known = ~np.isnan(values)
    quantiles = np.quantile(values[known], shares, weights=weights[known], method="inverted_cdf")
    return rounded(quantiles).tolist()


def _shares(
    whole: str, parts: Iterable[str], columns: Mapping[str, Array], weights: Array
) -> dict[str, float | list[float]]:
    table = np.column_stack([ratio(columns[p], columns[whole], at_zero=0.0) for p in parts])
    known = ~np.isnan(table).any(axis=1)
    table, weights = table[known], weights[known]
    means = np.average(table, axis=0, weights=weights)
    spreads = np.sqrt(np.average((table - means) ** 2, axis=0, weights=weights))
    # A share that never varies stands out for nobody.
    spreads[spreads == 0.0] = 1.0
    return {"means": rounded(means).tolist(), "spreads": rounded(spreads).tolist()}


def _expected_spend(
    roles: Roles, columns: Mapping[str, Array], weights: Array, cap_quantile: float
) -> tuple[list[float], list[float], Array, float | None]:
    from sklearn.linear_model import LinearRegression  # noqa: PLC0415 - slow import
    from sklearn.model_selection import KFold, cross_val_score  # noqa: PLC0415 - slow import

    means, spend = roles.means, roles.spend
    caps = [weighted_quantiles(columns[name], weights, (cap_quantile,))[0] for name in means]
    inputs = np.column_stack(
        [np.minimum(columns[name], cap) for name, cap in zip(means, caps, strict=True)]
    )
    limits = fences(columns, weights, (spend, *means))
    # What is far above in an input is capped already.
    below = {name: (low, np.inf) for name, (low, _) in limits.items()}
    taught = is_inside(columns, below | {spend: limits[spend]})
    taught &= ~np.isnan(np.column_stack([inputs, columns[spend]])).any(axis=1)
    target = columns[spend][taught]
    model = LinearRegression().fit(inputs[taught], target, sample_weight=weights[taught])
    coefficients = rounded([*model.coef_, model.intercept_])
    expected = inputs @ coefficients[:-1] + coefficients[-1]
    r2 = None
    if len(target) >= 2 * _FOLDS:
        # Rows are in the order of their sample keys, which is as good as shuffled.
        folds = KFold(_FOLDS)
        scores = cross_val_score(LinearRegression(), inputs[taught], target, cv=folds, scoring="r2")
        r2 = float(np.mean(scores))
    return caps, coefficients.tolist(), expected, r2
