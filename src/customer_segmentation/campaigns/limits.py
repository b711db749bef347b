"""The limits of a campaign, as numbers of customers and amounts of money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.parameters import CampaignParameters

# Of the rounding of a sum of amounts.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Limits:
    """What a list must keep to; `inf` where there is no limit.

    Attributes:
        costs: (offers,) of one contact.
        budget: Of all costs.
        contacts: Of all offers.
        by_offer: (offers,) contacts at most.
        least: (segments,) customers who are chosen at least, held out or not.
        most: (segments,) at most.
    """

    costs: NDArray[np.float64]
    budget: float
    contacts: float
    by_offer: NDArray[np.float64]
    least: NDArray[np.float64]
    most: NDArray[np.float64]

    def loosened(self, factor: float) -> Limits:
        """The same, with a larger budget and more contacts."""
        return replace(
            self,
            budget=self.budget * factor,
            contacts=self.contacts * factor,
            by_offer=self.by_offer * factor,
        )

    def lowered(self, wanted: Limits, counts: NDArray[np.int64]) -> Limits | None:
        """Lower where contacts break what is wanted, by as much as they do; None where they do not.

        Args:
            wanted: The limits of the campaign.
            counts: (offers,) contacts.
        """
        used = np.array([counts @ self.costs, counts.sum(), *counts], dtype=np.float64)
        most = np.array([wanted.budget, wanted.contacts, *wanted.by_offer])
        over = used > most * (1.0 + ROUNDING)
        if not over.any():
            return None
        factors = np.where(over, most / np.where(over, used, 1.0), 1.0)
        return replace(
            self,
            budget=self.budget * factors[0],
            contacts=self.contacts * factors[1],
            by_offer=self.by_offer * factors[2:],
        )


def limits_of(
    parameters: CampaignParameters, segment_keys: Sequence[str], contactable: NDArray[np.int64]
) -> Limits:
    """The limits of a campaign.

    A least share is rounded up to whole customers, a largest one down, but not below the least.

    Args:
        parameters: Of the campaign.
        segment_keys: (segments,)
        contactable: (segments,) customers who may be contacted.
    """
    offers = parameters.offers.values()
    shares = [parameters.shares.get(key) for key in segment_keys]
    least = np.array([one.least if one else 0.0 for one in shares])
    most = np.array([one.most if one else inf for one in shares])
    fewest = np.ceil(least * contactable - ROUNDING)
    limited = np.floor(np.where(np.isinf(most), 0.0, most) * contactable + ROUNDING)
    return Limits(
        costs=np.array([offer.cost for offer in offers]),
        budget=inf if parameters.budget is None else parameters.budget,
        contacts=inf if parameters.most_contacts is None else float(parameters.most_contacts),
        by_offer=np.array([inf if one.most is None else float(one.most) for one in offers]),
        least=fewest,
        most=np.where(np.isinf(most), inf, np.maximum(limited, fewest)),
    )
