"""What a contact is expected to bring."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.candidates import Candidates
from customer_segmentation.campaigns.parameters import CampaignParameters, OfferParameters


def answer_probability(
    p_response: NDArray[np.float64], offer: OfferParameters
) -> NDArray[np.float64]:
    """(n,) the probability that a customer answers an offer."""
    return np.minimum(1.0, p_response * offer.answer_factor)


def expected_profits(candidates: Candidates, parameters: CampaignParameters) -> NDArray[np.float64]:
    """(n x offers) what each offer would bring; -inf where a customer may not have it."""
    profits = np.column_stack(
        [
            answer_probability(candidates.p_response, offer) * offer.value - offer.cost
            for offer in parameters.offers.values()
        ]
    )
    is_out = (candidates.barred != 0) | (candidates.segments < 0) | np.isnan(candidates.p_response)
    profits[~candidates.allowed | is_out[:, None]] = -np.inf
    return profits
