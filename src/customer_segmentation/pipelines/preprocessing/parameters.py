"""The `preprocessing` block of the configuration."""

from __future__ import annotations

from pydantic import Field

from customer_segmentation.schema.parameters import Parameters


class PreprocessingParameters(Parameters):
    """How much of a source may be left out before a run stops."""

    max_left_out: float = Field(ge=0.0, le=1.0)
