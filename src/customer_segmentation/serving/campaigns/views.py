"""What is answered of a campaign, and of a plan of it."""

from __future__ import annotations

from datetime import date

import msgspec
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.candidates import Candidates, Plan
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.campaigns.value import LEVEL, Expected, Value, value_of
from customer_segmentation.serving.campaigns.changes import SegmentShares
from customer_segmentation.serving.campaigns.stored import PlannedCampaign
from customer_segmentation.tables.campaign import (
    CHOSEN,
    DOES_NOT_PAY,
    EXPLORATION,
    HELD_OUT,
    LIMIT,
    NO_OFFER,
    WHY,
)

# Why somebody is, or is not, chosen who may be contacted.
_OPEN = (CHOSEN, HELD_OUT, DOES_NOT_PAY, LIMIT, EXPLORATION)


class OfferView(msgspec.Struct):
    """An offer as it was planned; `candidates` may get it."""

    offer: str
    channel: str
    cost: float
    value: float
    answer_factor: float
    most: int | None
    candidates: int


class SegmentView(msgspec.Struct):
    """A segment: its customers, and those of them who may be contacted."""

    segment: str
    customers: int
    candidates: int


class CampaignView(msgspec.Struct):
    """The campaign that was planned last, with the terms that a plan may change.

    `candidates` may be contacted; `left_out`: why the others may not -> how many. `highest_cost` is
    that of contacting all of them with the dearest offer, as they were planned.
    """

    campaign: str
    campaign_day: date
    as_of: date
    artifact_version: str
    currency: str
    customers: int
    candidates: int
    left_out: dict[str, int]
    segments: list[SegmentView]
    offers: list[OfferView]
    budget: float | None
    most_contacts: int | None
    hold_out: float
    shares: dict[str, SegmentShares]
    highest_cost: float


class Part(msgspec.Struct):
    """What contacting some customers is expected to bring."""

    contacted: int
    cost: float
    expected_profit: float


class SegmentPart(Part):
    """The same of a segment."""

    segment: str
    candidates: int


class OfferPart(Part):
    """The same of an offer."""

    offer: str
    channel: str


class Policy(msgspec.Struct):
    """The plan or another list, with the same customers held out; of a random one, the means.

    `cheaper` and `dearer`: the expected profit were every contact 20 % cheaper, or dearer.
    """

    policy: str
    contacted: float
    cost: float
    expected_profit: float
    cheaper: float
    dearer: float


class CurvePoint(msgspec.Struct):
    """The expected profit of so many contacts, those first that bring most, in no regard of limits.

    As many are held out as the plan holds out.
    """

    contacted: float
    expected_profit: float


class PlanView(msgspec.Struct):
    """A plan, and what it is expected to bring.

    The profit is from `low` to `high` with probability `level`. `binding`: what keeps it lower, in
    words. `highest_profit`: no list within the limits is expected to bring more. `not_chosen`: why
    a customer who may be contacted is not -> how many.
    """

    contacted: int
    held_out: int
    cost: float
    expected_answers: float
    expected_profit: float
    low: float
    high: float
    level: float
    binding: list[str]
    highest_profit: float
    not_chosen: dict[str, int]
    segments: list[SegmentPart]
    offers: list[OfferPart]
    curve: list[CurvePoint]
    policies: list[Policy]


def describe_campaign(campaign: PlannedCampaign) -> CampaignView:
    """The campaign as it was planned."""
    parameters, candidates = campaign.parameters, campaign.candidates
    allowed = candidates.allowed & (candidates.barred == 0)[:, None]
    is_open = allowed.any(axis=1)
    costs = np.array([offer.cost for offer in parameters.offers.values()])
    reasons = np.where(candidates.barred == 0, WHY.index(NO_OFFER), candidates.barred)
    return CampaignView(
        campaign=parameters.name,
        campaign_day=parameters.day or campaign.as_of,
        as_of=campaign.as_of,
        artifact_version=campaign.artifact_version,
        currency=parameters.currency,
        customers=len(candidates.ids),
        candidates=int(is_open.sum()),
        left_out=_counted(reasons[~is_open]),
        segments=[
            SegmentView(key, *sizes)
            for key, *sizes in zip(
                candidates.segment_keys,
                _by_segment(candidates, candidates.segments >= 0),
                _by_segment(candidates, is_open),
                strict=True,
            )
        ],
        offers=[
            OfferView(name, one.channel, one.cost, one.value, one.answer_factor, one.most, number)
            for (name, one), number in zip(
                parameters.offers.items(), allowed.sum(axis=0).tolist(), strict=True
            )
        ],
        budget=parameters.budget,
        most_contacts=parameters.most_contacts,
        hold_out=parameters.hold_out,
        shares={
            key: SegmentShares(share.least, share.most) for key, share in parameters.shares.items()
        },
        highest_cost=float((allowed * costs).max(axis=1).sum()),
    )


def describe_plan(
    campaign: PlannedCampaign, parameters: CampaignParameters, plan: Plan
) -> PlanView:
    """A plan of a campaign with other parameters, and what could be done instead."""
    candidates = campaign.candidates
    value = value_of(candidates, plan, parameters, campaign.calibration, campaign.chances)
    low, high = value.plan.interval()
    is_open = np.isin(plan.why, [WHY.index(why) for why in _OPEN])
    lists = {"plan": value.plan, **value.alternatives}
    return PlanView(
        contacted=int(value.plan.contacts),
        held_out=int(plan.held_out.sum()),
        cost=value.plan.cost,
        expected_answers=value.plan.answers,
        expected_profit=value.plan.profit(),
        low=low,
        high=high,
        level=LEVEL,
        binding=list(plan.binding),
        highest_profit=plan.bound,
        not_chosen=_counted(plan.why[np.isin(plan.why, [*map(WHY.index, (DOES_NOT_PAY, LIMIT))])]),
        segments=[
            SegmentPart(*_part(one), key, number)
            for (key, one), number in zip(
                value.by_segment.items(), _by_segment(candidates, is_open), strict=True
            )
        ],
        offers=[
            OfferPart(*_part(one), name, parameters.offers[name].channel)
            for name, one in value.by_offer.items()
        ],
        curve=_curve(value, int(is_open.sum()), 1.0 - parameters.hold_out),
        policies=[
            Policy(name, one.contacts, one.cost, one.profit(), one.profit(-0.2), one.profit(0.2))
            for name, one in lists.items()
        ],
    )


def _part(expected: Expected) -> tuple[int, float, float]:
    return int(expected.contacts), expected.cost, expected.profit()


def _curve(value: Value, candidates: int, contacted: float) -> list[CurvePoint]:
    """The curve of a campaign that contacts this share of whom it chooses."""
    return [
        CurvePoint(share * candidates * contacted, profit * contacted)
        for share, profit in value.curve.tolist()
    ]


def _by_segment(candidates: Candidates, chosen: NDArray[np.bool_]) -> list[int]:
    """How many of each segment are chosen."""
    inside = candidates.segments[chosen & (candidates.segments >= 0)]
    return np.bincount(inside, minlength=len(candidates.segment_keys)).tolist()


def _counted(codes: NDArray[np.int8]) -> dict[str, int]:
    """Why -> how many, of those that there are."""
    counts = np.bincount(codes, minlength=len(WHY))
    return {WHY[code]: int(counts[code]) for code in np.flatnonzero(counts)}
