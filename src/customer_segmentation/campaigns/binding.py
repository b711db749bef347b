"""What keeps the profit of a list lower, in words."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.limits import Limits
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.campaigns.problem import Prices

# A price below it, in money, is rounding.
_NOTHING = 1e-6


def binding_limits(
    prices: Prices, limits: Limits, parameters: CampaignParameters, segment_keys: tuple[str, ...]
) -> Iterator[str]:
    """Each limit without which the list would bring more, with its number."""
    if prices.budget > _NOTHING:
        more = f"one more would bring about {prices.budget:,.2f}"
        yield f"budget: {in_money(parameters.budget or 0.0, parameters)}, of which {more}"
    if prices.contacts > _NOTHING:
        yield f"most_contacts: {parameters.most_contacts:,}"
    for (name, offer), price in zip(parameters.offers.items(), prices.by_offer, strict=True):
        if price > _NOTHING:
            yield f"offers.{name}.most: {offer.most:,}"
    for place, (key, price) in enumerate(zip(segment_keys, prices.by_segment, strict=True)):
        if abs(price) > _NOTHING:
            share = parameters.shares[key]
            if price > 0.0:
                yield f"shares.{key}.most: {share.most:g}, {int(limits.most[place]):,} customers"
            else:
                yield f"shares.{key}.least: {share.least:g}, {int(limits.least[place]):,} customers"


def nobody_pays(
    profits: NDArray[np.float64], responses: NDArray[np.float64], parameters: CampaignParameters
) -> str:
    """Why no contact is worth its cost: the best one there is."""
    best = profits.max(initial=-inf)
    if best == -inf:
        return "nobody may be contacted"
    customers, offers = np.nonzero(profits == best)
    name, response = [*parameters.offers][offers.min()], responses[customers].max()
    one = parameters.offers[name]
    return (
        f"costs: no contact pays; the best would be {name}, which costs "
        f"{in_money(one.cost, parameters)} and is expected to bring "
        f"{in_money(best + one.cost, parameters)} (an answer of probability "
        f"{min(1.0, response * one.answer_factor):.3f}, worth "
        f"{in_money(one.value, parameters)})"
    )


def in_money(amount: float, parameters: CampaignParameters) -> str:
    """An amount with its currency."""
    return f"{amount:,.2f} {parameters.currency}".rstrip()
