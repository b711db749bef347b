"""The `eda` block of the configuration."""

from __future__ import annotations

from pydantic import Field

from customer_segmentation.schema.parameters import Parameters


class EdaParameters(Parameters):
    """How much is looked at, and how much of it is shown."""

    sample_rows: int = Field(ge=100)
    seed: int = Field(ge=0)
    hopkins_probes: int = Field(ge=1)
    hopkins_repeats: int = Field(ge=1)
    top_features: int = Field(ge=1)
    heat_map_features: int = Field(ge=2)
