"""The block `label_generation` of the configuration."""

from __future__ import annotations

from pydantic import Field

from customer_segmentation.schema.parameters import Parameters


class LabelGenerationParameters(Parameters):
    """How customers are labelled.

    Attributes:
        border_calm: The margin below which a customer keeps the segment that they were in.
    """

    border_calm: float = Field(ge=0.0, le=1.0)
