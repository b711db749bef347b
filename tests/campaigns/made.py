"""Candidates for tests, and every list that they allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.candidates import Candidates
from customer_segmentation.campaigns.parameters import CampaignParameters

SEGMENTS = ("affluent", "low_spend")


def campaign(**changes: Any) -> CampaignParameters:
    """One offer at 3 whose answer is worth 11, and nobody held out, but for what is changed."""
    parameters: dict[str, Any] = {
        "name": "spring",
        "hold_out": 0.0,
        "quiet_days": 0,
        "offers": {"voucher": offer()},
        **changes,
    }
    return CampaignParameters.model_validate(parameters)


def offer(cost: float = 3.0, value: float = 11.0, **changes: Any) -> dict[str, Any]:
    """An offer by e-mail."""
    return {"channel": "e_mail", "cost": cost, "value": value, **changes}


def candidates(  # noqa: PLR0913 - a customer in columns
    responses: Sequence[float],
    segments: Sequence[int] | None = None,
    allowed: Sequence[Sequence[bool]] | None = None,
    barred: Sequence[int] | None = None,
    ids: Sequence[str] | None = None,
    *,
    offers: int = 1,
) -> Candidates:
    """Customers c0, c1, ... of the first segment, who may have every offer, unless told."""
    number = len(responses)
    return Candidates(
        ids=np.array(ids or [f"c{place}" for place in range(number)], dtype=object),
        segments=np.array(segments or [0] * number, dtype=np.int64),
        segment_keys=SEGMENTS,
        p_response=np.array(responses, dtype=np.float64),
        allowed=np.array(allowed or [[True] * offers] * number, dtype=np.bool_),
        barred=np.array(barred or [0] * number, dtype=np.int8),
    )


def lists(parameters: CampaignParameters, of: Candidates) -> Iterator[NDArray[np.int64]]:
    """Every list of offers (-1 for none) that keeps the limits, by trying all."""
    offers = [*parameters.offers.values()]
    choices = [
        [-1, *(place for place in range(len(offers)) if of.allowed[row, place])]
        if not of.barred[row]
        else [-1]
        for row in range(len(of.ids))
    ]
    could = (of.barred == 0) & of.allowed.any(axis=1)
    for one in product(*choices):
        chosen = np.array(one)
        if keeps_limits(chosen, parameters, of, could):
            yield chosen


def keeps_limits(
    chosen: NDArray[np.int64],
    parameters: CampaignParameters,
    of: Candidates,
    could: NDArray[np.bool_],
) -> bool:
    """Whether a list in which nobody is held out keeps the limits, read off their definitions."""
    offers = [*parameters.offers.values()]
    cost = sum(offers[place].cost for place in chosen if place >= 0)
    if parameters.budget is not None and cost > parameters.budget + 1e-9:
        return False
    if parameters.most_contacts is not None and (chosen >= 0).sum() > parameters.most_contacts:
        return False
    for place, one in enumerate(offers):
        if one.most is not None and (chosen == place).sum() > one.most:
            return False
    for key, share in parameters.shares.items():
        inside = of.segments == of.segment_keys.index(key)
        number, contacted = (could & inside).sum(), ((chosen >= 0) & inside).sum()
        fewest = np.ceil(share.least * number - 1e-9)
        if not fewest <= contacted <= max(fewest, np.floor(share.most * number + 1e-9)):
            return False
    return True


def profit_of(chosen: NDArray[np.int64], parameters: CampaignParameters, of: Candidates) -> float:
    """The expected profit of a list, one customer at a time."""
    offers = [*parameters.offers.values()]
    return sum(
        min(1.0, p * offers[place].answer_factor) * offers[place].value - offers[place].cost
        for p, place in zip(of.p_response, chosen, strict=True)
        if place >= 0
    )
