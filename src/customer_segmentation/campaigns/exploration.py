"""Contacts that do not pay, drawn by chance, so that what the response model learns is not its own.

Whoever is contacted only where an answer is likely learns nothing of the others, and never notices
when these begin to answer. So a share of those whose contact does not pay is contacted all the
same. Each has the same chance, which is written down: an answer of theirs stands for 1 / chance
customers where answers are learned from (Horvitz and Thompson 1952).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.limits import ROUNDING, Limits
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.errors import UserError


def does_not_pay(profits: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(n,) who may be contacted, and whose best offer brings nothing, by (n x offers) profits."""
    best = profits.max(axis=1)
    return np.asarray(np.isfinite(best) & (best <= 0.0))


def left_by(
    explored: NDArray[np.int64],
    contacts: NDArray[np.int64],
    limits: Limits,
    parameters: CampaignParameters,
) -> Limits:
    """What explored customers leave of the limits.

    Args:
        explored: (segments,) of them, held out or not.
        contacts: (offers,) of them, without those held out.
        limits: Of the campaign.
        parameters: Of the campaign, which the message names.

    Raises:
        UserError: They alone break a limit.
    """
    used = np.array([contacts @ limits.costs, contacts.sum(), *contacts, *explored], np.float64)
    most = np.array([limits.budget, limits.contacts, *limits.by_offer, *limits.most])
    over = used > most * (1.0 + ROUNDING)
    if over.any():
        fits = float((most[over] / used[over]).min()) * parameters.exploration
        raise UserError(
            f"exploration alone would contact {int(contacts.sum()):,} customers for "
            f"{contacts @ limits.costs:,.2f}, beyond a limit of the campaign: lower "
            f"`campaign_planning.exploration` from {parameters.exploration:g} to about {fits:.2g}, "
            "or raise the limit"
        )
    left = np.maximum(most - used, 0.0)
    offers = len(contacts)
    return replace(
        limits,
        budget=float(left[0]),
        contacts=float(left[1]),
        by_offer=left[2 : 2 + offers],
        least=np.maximum(limits.least - explored, 0.0),
        most=left[2 + offers :],
    )
