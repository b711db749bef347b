"""The block `campaign_measurement` of the configuration."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from customer_segmentation.schema.parameters import Parameters


class MeasurementParameters(Parameters):
    """How outcomes of a campaign become profit.

    Attributes:
        margin: The share of what customers bought that is profit, where outcomes are amounts.
    """

    margin: Annotated[float, Field(strict=False, gt=0.0, le=1.0)]
