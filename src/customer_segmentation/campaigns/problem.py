"""Which offer each customer gets: the question, its answer, and what no limits can meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NONE = -1


@dataclass(frozen=True)
class Problem:
    """Customers who may be contacted, m of them, in any order.

    Attributes:
        profits: (m x offers) the expected profit of each offer; -inf where it is not allowed.
        responses: (m,) the probability that profits are computed from.
        segments: (m,) index of the segment.
        ties: (m,) whole numbers that order customers who are equal in all else.
    """

    profits: NDArray[np.float64]
    responses: NDArray[np.float64]
    segments: NDArray[np.int64]
    ties: NDArray[np.uint64]


@dataclass(frozen=True)
class Prices:
    """What one more of each limit would bring; 0 where it does not bind.

    Attributes:
        budget: An amount of money for an amount of money.
        contacts: For a contact.
        by_offer: (offers,) for a contact.
        by_segment: (segments,) for a customer; below 0 where a least share binds.
    """

    budget: float
    contacts: float
    by_offer: NDArray[np.float64]
    by_segment: NDArray[np.float64]

    def of_offers(self, costs: NDArray[np.float64]) -> NDArray[np.float64]:
        """(offers,) what a contact takes from others."""
        return self.budget * costs + self.contacts + self.by_offer


@dataclass(frozen=True)
class Answer:
    """A list within the limits.

    Attributes:
        offers: (m,) the index of each customer's offer; -1 for none.
        bound: No list within the limits has a higher expected profit.
        prices: Of the limits.
    """

    offers: NDArray[np.int64]
    bound: float
    prices: Prices
