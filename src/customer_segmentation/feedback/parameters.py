"""The block `feedback` of the configuration."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from customer_segmentation.schema.declarations import Day
from customer_segmentation.schema.parameters import Parameters

Share = Annotated[float, Field(strict=False, gt=0.0, lt=1.0)]


class FeedbackParameters(Parameters):
    """How outcomes become what is known of a response model and of campaigns.

    Attributes:
        day: What happened up to its end counts; by default that of the clock, in UTC.
        answer_days: How long customers are given to answer: who was contacted later says nothing of
            the response model yet.
        least_answers: Contacts that answered, and that did not, below which nothing is said of a
            response model.
        departure: A model is wrong only if chance would show it so with a lower probability.
        tolerated: And only if its probabilities are off by a larger share, on average.
    """

    day: Day | None = None
    answer_days: Annotated[int, Field(ge=0, le=3_650)]
    least_answers: Annotated[int, Field(ge=5)]
    departure: Share
    tolerated: Share
