"""The block `retraining` of the configuration."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from customer_segmentation.schema.parameters import Parameters


class TrialParameters(Parameters):
    """What a challenger must show beside the gates of every promotion.

    Attributes:
        min_customers: Customers that it was tried on, at least.
        max_failed: The share of them for whom it gave no answer.
        max_skipped: The share of all who were answered that it was too slow for.
        max_surprise: By how much less often, than on the customers here, it may agree with the
            champion.
        max_chance_change: The mean difference between its probabilities and the champion's, where
            there are no outcomes to tell which are right.
        min_outcomes: Contacts that answered, and that did not, at least; with fewer it is not
            judged by them.
    """

    min_customers: int = Field(ge=0)
    max_failed: float = Field(ge=0.0, le=1.0)
    max_skipped: float = Field(ge=0.0, le=1.0)
    max_surprise: float = Field(ge=0.0, le=1.0)
    max_chance_change: float = Field(ge=0.0, le=1.0)
    min_outcomes: int = Field(ge=2)


class RetrainingParameters(Parameters):
    """When a model is learned anew, and from which outcomes.

    Attributes:
        by_hand: Learn now, whatever else says.
        drift_days: For so many days an input, the segments or the response model must have been
            beyond a bound; 0 for at once, none for never.
        when_wrong: Whether to learn once what came of contacts shows the response model wrong.
        every_days: How old a champion may become; none for any age.
        min_answers: Contacts that answered, and that did not, from which the response model is
            learned from outcomes; with fewer it is learned from the answers in the source.
        half_life_days: After so many days an outcome counts half; none for always the same.
        most_weight: A contact made to explore stands for others who were not contacted: for as
            many as so many contacts that were chosen, at most.
        trial: What the challenger must show.
    """

    by_hand: bool
    drift_days: Annotated[int, Field(ge=0, le=3650)] | None
    when_wrong: bool
    every_days: Annotated[int, Field(ge=1, le=3650)] | None
    min_answers: int = Field(ge=20)
    half_life_days: Annotated[float, Field(strict=False, gt=0.0, le=36_500)] | None
    most_weight: Annotated[float, Field(strict=False, ge=1.0, le=1_000.0)]
    trial: TrialParameters
