"""The block `campaign_planning` of the configuration."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from customer_segmentation.schema.declarations import NAME, Day, ShownWord
from customer_segmentation.schema.parameters import Parameters, Shown

Amount = Annotated[float, Field(strict=False, ge=0.0, le=1e12, allow_inf_nan=False)]
Share = Annotated[float, Field(strict=False, ge=0.0, le=1.0)]


class OfferParameters(Parameters):
    """An offer, which a customer gets at most one of.

    Attributes:
        channel: How it is sent.
        purpose: The purpose, of the schema's `campaigns.consent`, that one must have agreed to.
        cost: Of one contact.
        value: Of one answer, before the cost.
        answer_factor: How many times as often as the response model says people answer this offer.
            It is an assumption: 1 unless a campaign has shown otherwise.
        among: Answer, such as `offer` or `segment` -> those of its values who may get it.
        most: Contacts at most.
    """

    channel: ShownWord
    purpose: str = ""
    cost: Amount
    value: Amount
    answer_factor: Annotated[float, Field(strict=False, gt=0.0, le=100.0)] = 1.0
    among: dict[str, Annotated[list[str], Field(min_length=1)]] = Field({})
    most: Annotated[int, Field(ge=0)] | None = None


class ShareParameters(Parameters):
    """Of the customers of a segment who may be contacted, the share that is."""

    least: Share = 0.0
    most: Share = 1.0

    @model_validator(mode="after")
    def _least_is_below_most(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"least ({self.least:g}) is above most ({self.most:g})")
        return self


class CampaignParameters(Parameters):
    """A campaign.

    Attributes:
        name: It names the campaign in the send log, and decides who is held out.
        day: Consent and rest are as of it; by default the snapshot's.
        currency: Of costs, values and the budget; by default the schema's unit of money.
        budget: For contacts, at most; none for as much as pays.
        most_contacts: Of all offers, at most.
        hold_out: The share of customers, drawn by chance, who get nothing, so that what the
            campaign brings can be measured.
        exploration: The share of those who do not pay that is contacted all the same, drawn by
            chance, so that the response model learns of them, too.
        quiet_days: Whom any campaign contacted so many days before `day`, or later, is left alone.
        without_consent: On what ground customers may be contacted whose consent is not known, in
            words; without one nobody is.
        updated_calibration: Whether probabilities are corrected by what came of earlier contacts
            with them, where the pipeline `feedback` has learned how.
        shares: Segment -> the least and the largest share of it that is contacted.
        offers: By name.
    """

    name: Annotated[str, Field(pattern=NAME)]
    day: Day | None = None
    currency: Shown = ""
    budget: Amount | None = None
    most_contacts: Annotated[int, Field(ge=0)] | None = None
    hold_out: Annotated[float, Field(strict=False, ge=0.0, le=0.5)]
    exploration: Annotated[float, Field(strict=False, ge=0.0, le=1.0)] = 0.0
    quiet_days: int = Field(ge=0, le=36_500)
    without_consent: Shown = ""
    updated_calibration: bool = True
    shares: dict[str, ShareParameters] = Field({})
    offers: dict[Annotated[str, Field(pattern=NAME)], OfferParameters] = Field(
        min_length=1, max_length=20
    )
