"""What is told of a customer's coming purchases, where a schema declares `orders.lifetime`."""

from __future__ import annotations

from collections.abc import Mapping

from customer_segmentation.schema.declarations import Lifetime
from customer_segmentation.schema.parts import SHARE

PROBABILITY_ALIVE = "probability_alive"
EXPECTED_PURCHASES = "expected_purchases"
VALUE_PER_PURCHASE = "value_per_purchase"
LIFETIME_VALUE = "lifetime_value"
# The columns of `gold_lifetime_value`, in their order, and the largest value of those with one.
VALUES = (PROBABILITY_ALIVE, EXPECTED_PURCHASES, VALUE_PER_PURCHASE, LIFETIME_VALUE)
HIGHEST: Mapping[str, float] = {PROBABILITY_ALIVE: 1.0}


def described(lifetime: Lifetime, money: str) -> dict[str, tuple[str, str, str]]:
    """Column -> what it is, its unit, and how it comes about.

    Args:
        lifetime: What the schema declares.
        money: The unit of amounts.
    """
    coming = f"in the next {lifetime.horizon_days} days"
    discount = f"discounted by {100.0 * lifetime.yearly_discount:g} % a year"
    what = "spend" if lifetime.margin == 1.0 else f"{100.0 * lifetime.margin:g} % of spend"
    worth = f"{what} {coming}, {discount}"
    return {
        PROBABILITY_ALIVE: ("Probability that the customer still buys", SHARE, "BG/NBD"),
        EXPECTED_PURCHASES: (
            f"Expected purchases {coming}",
            "purchases",
            f"BG/NBD, {lifetime.horizon_days} days on,",
        ),
        VALUE_PER_PURCHASE: ("Expected spend on a coming purchase", money, "Gamma-Gamma"),
        LIFETIME_VALUE: (f"Expected {worth}", money, f"BG/NBD and Gamma-Gamma, {worth},"),
    }
