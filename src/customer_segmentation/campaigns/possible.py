"""Whether the parameters of a campaign can hold together, and what would be needed if not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from difflib import get_close_matches
from math import inf

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.candidates import Candidates
from customer_segmentation.campaigns.limits import ROUNDING, Limits
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.campaigns.problem import Problem
from customer_segmentation.campaigns.program import Units, best_counts
from customer_segmentation.errors import UserError
from customer_segmentation.tables.campaign import WHY

_BLOCK = "campaign_planning"


def check_shares(
    candidates: Candidates, parameters: CampaignParameters, contactable: NDArray[np.bool_]
) -> None:
    """Whether each share is of a segment that is there and has customers for it.

    Raises:
        UserError: One is not, or has none.
    """
    keys = candidates.segment_keys
    for key, share in parameters.shares.items():
        if key not in keys:
            near = get_close_matches(key, keys, n=1)
            hint = f": did you mean {near[0]}?" if near else f": they are {', '.join(keys)}"
            raise UserError(f"{_BLOCK}.shares: there is no segment `{key}`{hint}")
        inside = candidates.segments == keys.index(key)
        if share.least and not contactable[inside].any():
            raise UserError(
                f"{_BLOCK}.shares.{key}.least is {share.least:g}, and of the {inside.sum():,} "
                f"customers of {key} nobody may be contacted ({_reasons(candidates, inside)}): "
                "set it to 0, or change what excludes them"
            )


def explain_impossible(
    problem: Problem, limits: Limits, parameters: CampaignParameters, segment_keys: tuple[str, ...]
) -> UserError:
    """Which limits leave no list at all, with numbers."""
    needed = limits.least.sum()
    asked = ", ".join(
        f"{key}: {int(least):,}"
        for key, least in zip(segment_keys, limits.least, strict=True)
        if least
    )
    start = f"{_BLOCK}: the least shares need {int(needed):,} contacts ({asked})"
    if needed > limits.contacts:
        return UserError(
            f"{start}, and most_contacts is {parameters.most_contacts:,}: raise it to "
            f"{int(needed):,}, or lower the least shares"
        )
    # Among lists that meet the least shares alone, the one of lowest cost.
    unlimited = replace(limits, budget=inf, contacts=inf)
    cheapest = _lowest_cost(problem, unlimited)
    if cheapest is not None and cheapest > limits.budget * (1.0 + ROUNDING):
        currency = f" {parameters.currency}" if parameters.currency else ""
        return UserError(
            f"{start}, which cost {cheapest:,.2f}{currency} at least, and the budget is "
            f"{parameters.budget:,.2f}{currency}: raise the budget, or lower the least shares"
        )
    within = [
        f"offers.{name}.most ({offer.most:,})"
        for name, offer in parameters.offers.items()
        if offer.most is not None
    ]
    return UserError(
        f"{start}, which {' and '.join(within) or 'the other limits'} do not allow together with "
        "the budget and most_contacts: raise one of them, or lower the least shares"
    )


def offers_for_nobody(
    profits: NDArray[np.float64], parameters: CampaignParameters
) -> Iterator[str]:
    """Offers that no customer may get, in words."""
    for name, column in zip(parameters.offers, profits.T, strict=True):
        if not np.isfinite(column).any():
            yield f"offers.{name}: nobody may get it"


def _lowest_cost(problem: Problem, limits: Limits) -> float | None:
    allowed = problem.profits > -np.inf
    alike, of = np.unique(np.column_stack([problem.segments, allowed]), axis=0, return_inverse=True)
    sizes = np.bincount(of.ravel())
    gains = np.where(alike[:, 1:] > 0, -limits.costs, -inf)
    solved = best_counts(limits, Units(gains, alike[:, 0], sizes), whole=True)
    return None if solved is None else -solved[1].value


def _reasons(candidates: Candidates, inside: NDArray[np.bool_]) -> str:
    codes = np.where(
        candidates.barred == 0, WHY.index("no offer for this customer"), candidates.barred
    )
    counts = np.bincount(codes[inside], minlength=len(WHY))
    return ", ".join(f"{WHY[code]}: {counts[code]:,}" for code in np.flatnonzero(counts)) or "none"
