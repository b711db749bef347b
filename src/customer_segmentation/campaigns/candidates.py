"""The customers that a campaign could contact, as plain arrays, and what became of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.tables.campaign import (
    CHOSEN,
    CONTACTED,
    DOES_NOT_PAY,
    EXPLORATION,
    HELD_OUT,
    LIMIT,
    NEVER,
    NO_CONSENT,
    NO_OFFER,
    NOT_SEGMENTED,
    UNKNOWN,
    WHY,
)

__all__ = [
    "CHOSEN",
    "CONTACTED",
    "DOES_NOT_PAY",
    "EXPLORATION",
    "HELD_OUT",
    "LIMIT",
    "NEVER",
    "NOT_SEGMENTED",
    "NO_CONSENT",
    "NO_OFFER",
    "UNKNOWN",
    "WHY",
    "Candidates",
    "Plan",
]


@dataclass(frozen=True)
class Candidates:
    """All customers of a snapshot, n of them, in the order of their ids.

    Attributes:
        ids: (n,) their ids, as text.
        segments: (n,) index into `segment_keys`; -1 where there is none.
        segment_keys: Keys of segments.
        p_response: (n,) the probability of an answer to a usual contact; NaN where it is unknown.
        allowed: (n x offers) whether an offer's `among` and consent let the customer have it.
        barred: (n,) the code, in `WHY`, of what bars a customer from any campaign; 0 for nothing.
    """

    ids: NDArray[np.object_]
    segments: NDArray[np.int64]
    segment_keys: tuple[str, ...]
    p_response: NDArray[np.float64]
    allowed: NDArray[np.bool_]
    barred: NDArray[np.int8]


@dataclass(frozen=True)
class Plan:
    """What a campaign does with each candidate.

    Attributes:
        offers: (n,) the index of the customer's offer, also of who is held out; -1 for none.
        expected: (n,) the expected profit of that offer; 0 without one.
        held_out: (n,) whether the customer is chosen and gets nothing, to be compared with.
        explored: (n,) whether the customer's offer does not pay, and was drawn by chance.
        chance: (n,) of being listed: 1 of who is chosen, the share that is explored of others who
            may be contacted and do not pay, 0 of the rest.
        why: (n,) codes in `WHY`.
        binding: The limits that keep the profit lower, each in words.
        bound: No list within the limits has a higher expected profit.
    """

    offers: NDArray[np.int64]
    expected: NDArray[np.float64]
    held_out: NDArray[np.bool_]
    explored: NDArray[np.bool_]
    chance: NDArray[np.float64]
    why: NDArray[np.int8]
    binding: tuple[str, ...]
    bound: float

    @property
    def contacted(self) -> NDArray[np.bool_]:
        """(n,) who gets an offer."""
        return (self.offers >= 0) & ~self.held_out
