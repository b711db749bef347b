"""What customers will bring: coming purchases, discounted, times what a purchase is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from customer_segmentation.lifetime.bg_nbd import (
    Histories,
    PurchaseModel,
    Rates,
    fit_purchases,
    probability_alive,
    purchases_until,
)
from customer_segmentation.lifetime.gamma_gamma import ValueModel, fit_values
from customer_segmentation.lifetime.maximum import Numbers

# So many who bought again are needed to learn from: with fewer, errors are as large as the numbers.
FEWEST = 50
_DAYS_OF_A_YEAR = 365.0
# Purchases of so many days are discounted from their middle.
_STEP_DAYS = 30.0


@dataclass(frozen=True)
class LifetimeModel:
    """Both models, or why there are none.

    Attributes:
        purchases: BG/NBD, with times in days.
        values: Gamma-Gamma.
        correlation: Of the number of repeat purchases and their mean value among customers who
            bought again; 0 is what Gamma-Gamma takes for granted.
        customers: Who bought.
        repeat_customers: Who bought again.
        left_out: Why nothing can be told; '' where it can.
    """

    purchases: PurchaseModel | None = None
    values: ValueModel | None = None
    correlation: float = 0.0
    customers: int = 0
    repeat_customers: int = 0
    left_out: str = ""


def fit_lifetime(histories: Histories, repeats: Numbers, spend: Numbers) -> LifetimeModel:
    """Learn both models.

    Args:
        histories: Of all who bought, in days.
        repeats: Repeat purchases of each customer who has any and whom they brought something.
        spend: On these together, above 0.
    """
    customers = int(histories.customers.sum())
    again = int(histories.customers[histories.repeats > 0.0].sum())
    if len(repeats) < FEWEST:
        paid = "bought something on two days or more"
        left_out = f"{len(repeats)} customers {paid}, and {FEWEST} are needed to learn from"
        return LifetimeModel(customers=customers, repeat_customers=again, left_out=left_out)
    means = spend / repeats
    purchases, values = fit_purchases(histories), fit_values(repeats, means)
    return LifetimeModel(purchases, values, _correlation(repeats, means), customers, again)


@dataclass(frozen=True, eq=False)
class Prospects:
    """What is expected of each history: a customer has the numbers of their own."""

    probability_alive: Numbers
    purchases: Numbers
    discounted_purchases: Numbers


def prospects(
    rates: Rates, histories: Histories, horizon_days: float, yearly_discount: float = 0.0
) -> Prospects:
    """Expected purchases in the coming days, as they are and discounted to today."""
    steps = int(np.ceil(horizon_days / _STEP_DAYS))
    ends = np.linspace(0.0, horizon_days, steps + 1)[1:]
    before = discounted = np.zeros(len(histories.repeats))
    middle = horizon_days / steps / 2.0
    for end, until in zip(ends, purchases_until(rates, histories, ends), strict=True):
        worth = (1.0 + yearly_discount) ** (-(end - middle) / _DAYS_OF_A_YEAR)
        discounted = discounted + worth * (until - before)
        before = until
    return Prospects(probability_alive(rates, histories), before, discounted)


def _correlation(left: Numbers, right: Numbers) -> float:
    """Pearson's; 0 where one does not vary."""
    if np.ptp(left) == 0.0 or np.ptp(right) == 0.0:
        return 0.0
    return float(np.corrcoef(left, right)[0, 1])
