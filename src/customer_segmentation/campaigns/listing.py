"""Whom a campaign could contact: consent, rest and what else bars a customer."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.campaigns.candidates import Candidates
from customer_segmentation.campaigns.consent import Statements, has_consent
from customer_segmentation.campaigns.consent_file import SETTING
from customer_segmentation.campaigns.known import Known
from customer_segmentation.campaigns.parameters import CampaignParameters
from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.tables.campaign import (
    CONTACTED,
    NEVER,
    NO_CONSENT,
    NOT_SEGMENTED,
    UNKNOWN,
    WHY,
)

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Consented:
    """What is known of consent on a campaign's day.

    Attributes:
        may: (n x offers) whether a customer may be contacted for the purpose of an offer.
        strangers: How many have said something and are no customers.
        on_ground: How many may be contacted for some offer only on the ground that is stated.
    """

    may: NDArray[np.bool_]
    strangers: int
    on_ground: int


def check_purposes(schema: Schema, parameters: CampaignParameters) -> None:
    """Whether the schema declares the purpose of every offer.

    Raises:
        UserError: It does not; names the nearest.
    """
    declared = [*schema.campaigns.consent]
    for name, offer in parameters.offers.items():
        if offer.purpose and offer.purpose not in declared:
            near = get_close_matches(offer.purpose, declared, n=1)
            there = ", ".join(declared) or "none: add `campaigns.consent` to it"
            hint = f"did you mean {near[0]}?" if near else f"the schema declares {there}"
            raise UserError(
                f"campaign_planning.offers.{name}.purpose: the schema declares no purpose "
                f"`{offer.purpose}`: {hint}"
            )


def consented(
    known: Known, statements: Statements, schema: Schema, parameters: CampaignParameters, day: date
) -> Consented:
    """Who may be contacted for the purpose of each offer.

    Raises:
        UserError: A purpose is not declared, or nobody has said anything of consent and no ground
            is stated; says the ways out.
    """
    check_purposes(schema, parameters)
    purposes = {offer.purpose for offer in parameters.offers.values()} - {""}
    ground = parameters.without_consent.strip()
    if purposes and not len(statements) and not ground:
        raise UserError(
            "nothing is known of the customers' consent, and nobody is contacted without it. "
            f"Either set {SETTING} to a file of consents (customer_id, purpose, status, on); or "
            "name the columns of their days in the schema, under campaigns.consent; or state on "
            "what other ground they may be contacted: "
            '--params "campaign_planning.without_consent=..."'
        )
    ids = known.ids.tolist()
    agreed, unknown = {}, {}
    for purpose in purposes:
        agreed[purpose] = _are_in(ids, has_consent(statements, purpose, day))
        said = {*statements.customers[statements.purposes == purpose].tolist()}
        unknown[purpose] = ~_are_in(ids, said) & bool(ground)
    everybody = np.ones(len(ids), dtype=np.bool_)
    of_offers = [offer.purpose for offer in parameters.offers.values()]
    with_consent = np.column_stack([agreed.get(one, everybody) for one in of_offers])
    may = np.column_stack([agreed[one] | unknown[one] if one else everybody for one in of_offers])
    on_ground = np.asarray((may & ~with_consent).any(axis=1))
    strangers = {*statements.customers.tolist()} - {*ids}
    return Consented(may, len(strangers), int(on_ground.sum()))


def list_candidates(
    known: Known, allowed: Consented, contacts: pa.Table, parameters: CampaignParameters, day: date
) -> Candidates:
    """Everybody, with what bars them.

    Args:
        known: Of every customer.
        allowed: What they agreed to.
        contacts: `customer_id`, `campaign`, `day` and `in_hold_out` of what was delivered.
        parameters: Of the campaign.
        day: Of the campaign.
    """
    since = day - timedelta(days=parameters.quiet_days)
    rested_not = _are_in(known.ids.tolist(), _contacted(contacts, parameters.name, since))
    rested_not |= known.contacted_on >= np.datetime64(since)
    reasons = {
        NOT_SEGMENTED: known.segments < 0,
        NEVER: known.never,
        NO_CONSENT: ~allowed.may.any(axis=1),
        CONTACTED: rested_not,
        UNKNOWN: np.isnan(known.p_response),
    }
    barred = np.select([*reasons.values()], [WHY.index(reason) for reason in reasons], 0)
    return Candidates(
        ids=known.ids,
        segments=known.segments,
        segment_keys=known.keys,
        p_response=known.p_response,
        allowed=known.among & allowed.may,
        barred=barred.astype(np.int8),
    )


def _contacted(contacts: pa.Table, campaign: str, since: date) -> set[str]:
    """Whom another campaign has contacted since a day."""
    columns = (contacts[name].to_pylist() for name in (KEY, "campaign", "day", "in_hold_out"))
    return {
        customer
        for customer, name, on, is_held in zip(*columns, strict=True)
        if name != campaign and not is_held and on >= since.isoformat()
    }


def _are_in(ids: list[str], some: Collection[str]) -> NDArray[np.bool_]:
    return np.fromiter((one in some for one in ids), dtype=np.bool_, count=len(ids))
