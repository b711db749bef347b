"""Whom a campaign contacts with what: the list of the highest expected profit within its limits.

Whom the hold-out leaves without an offer is drawn by chance before anything is chosen, and the
choice does not look at it: all candidates are chosen among alike, as if each contact counted by
1 - hold_out. So among the chosen, who is held out differs from who is contacted by chance alone,
and the two can be compared. If more of the chosen than expected happen to be contacted, so that a
limit would be broken, that limit is lowered for all and the choice is made again: it depends on
chance through a total, never through a customer's own draw.

Whom exploration contacts is drawn before that, too, and takes its part of the limits first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.binding import binding_limits, nobody_pays
from customer_segmentation.campaigns.candidates import Candidates, Plan
from customer_segmentation.campaigns.exploration import does_not_pay, left_by
from customer_segmentation.campaigns.hold_out import Chances, draw_chances, held_out
from customer_segmentation.campaigns.limits import Limits, limits_of
from customer_segmentation.campaigns.many_offers import ManyOffers
from customer_segmentation.campaigns.one_offer import OneOffer
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.campaigns.possible import (
    check_shares,
    explain_impossible,
    offers_for_nobody,
)
from customer_segmentation.campaigns.problem import NONE, Answer, Problem
from customer_segmentation.campaigns.profit import expected_profits
from customer_segmentation.tables.campaign import (
    CHOSEN,
    DOES_NOT_PAY,
    EXPLORATION,
    HELD_OUT,
    LIMIT,
    NO_OFFER,
    WHY,
)

_TRIES = 6


def make_plan(
    candidates: Candidates, parameters: CampaignParameters, chances: Chances | None = None
) -> Plan:
    """The best plan of a campaign, the same in any order of the candidates.

    Args:
        candidates: All customers.
        parameters: Of the campaign.
        chances: Of the campaign's name and the candidates' ids, if they are known already; drawing
            them takes a second for 10^6.

    Raises:
        UserError: Limits do not hold together; says which, and what would be needed.
    """
    chances = chances or draw_chances(parameters.name, candidates.ids)
    profits = expected_profits(candidates, parameters)
    contactable = np.asarray(np.isfinite(profits).any(axis=1))
    check_shares(candidates, parameters, contactable)
    unusable = tuple(offers_for_nobody(profits, parameters))
    offers = np.full(len(candidates.ids), NONE)
    is_held = held_out(chances, parameters.hold_out)
    is_poor = does_not_pay(profits)
    explored = is_poor & (chances.exploration < parameters.exploration)
    offers[explored] = profits[explored].argmax(axis=1)
    binding: tuple[str, ...] = ()
    bound = 0.0
    is_open = contactable & ~explored
    if contactable.any():
        counted = _by_segment(candidates, contactable)
        limits = limits_of(parameters, candidates.segment_keys, counted)
        if explored.any():
            contacts = np.bincount(offers[explored & ~is_held], minlength=len(limits.costs))
            limits = left_by(_by_segment(candidates, explored), contacts, limits, parameters)
    if is_open.any():
        problem = Problem(
            profits[is_open],
            candidates.p_response[is_open],
            candidates.segments[is_open],
            chances.ties[is_open],
        )
        answer = _within(problem, limits, is_held[is_open], parameters.hold_out)
        if answer is None:
            raise explain_impossible(problem, limits, parameters, candidates.segment_keys)
        offers[is_open] = answer.offers
        bound = answer.bound
        binding = tuple(binding_limits(answer.prices, limits, parameters, candidates.segment_keys))
    if not (profits > 0.0).any():
        binding += (nobody_pays(profits, candidates.p_response, parameters),)
    chosen = offers != NONE
    return Plan(
        offers=offers,
        expected=np.where(chosen, np.take_along_axis(profits, offers[:, None], 1)[:, 0], 0.0),
        held_out=chosen & is_held,
        explored=explored,
        chance=np.select(
            [explored, chosen, is_poor], [parameters.exploration, 1.0, parameters.exploration], 0.0
        ),
        why=_why(candidates, profits, chosen, is_held, explored),
        binding=unusable + binding,
        bound=bound,
    )


def _within(
    problem: Problem, limits: Limits, is_held: NDArray[np.bool_], share: float
) -> Answer | None:
    """The best list whose contacts, without those held out, keep the limits."""
    is_one = len(limits.costs) == 1
    offered = OneOffer(problem) if is_one else ManyOffers(problem, limits.least)
    current = limits.loosened(1.0 / (1.0 - share))
    for _ in range(_TRIES):
        answer = offered.best(current)
        if answer is None:
            break
        contacted = answer.offers[(answer.offers != NONE) & ~is_held]
        lower = current.lowered(limits, np.bincount(contacted, minlength=len(limits.costs)))
        if lower is None:
            return answer
        current = lower
    # As if nobody was held out, which breaks no limit.
    return offered.best(limits)


def _by_segment(candidates: Candidates, some: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(segments,) how many of some customers, all of whom have a segment."""
    return np.bincount(candidates.segments[some], minlength=len(candidates.segment_keys))


def _why(
    candidates: Candidates,
    profits: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    is_held: NDArray[np.bool_],
    explored: NDArray[np.bool_],
) -> NDArray[np.int8]:
    best = profits.max(axis=1)
    reasons = [
        (candidates.barred != 0, candidates.barred),
        (chosen & is_held, WHY.index(HELD_OUT)),
        (explored, WHY.index(EXPLORATION)),
        (chosen, WHY.index(CHOSEN)),
        (np.isneginf(best), WHY.index(NO_OFFER)),
        (best <= 0.0, WHY.index(DOES_NOT_PAY)),
    ]
    conditions, codes = zip(*reasons, strict=True)
    return np.select(conditions, codes, WHY.index(LIMIT)).astype(np.int8)
