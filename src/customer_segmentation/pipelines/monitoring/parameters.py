"""The block `monitoring` of the configuration."""

from __future__ import annotations

from pydantic import Field

from customer_segmentation.monitoring.bounds import Bounds
from customer_segmentation.schema.parameters import Parameters


class MonitoringParameters(Parameters):
    """What is watched, and what is beyond its bound.

    Attributes:
        remembered: Windows of each source that are remembered, and shown on the page.
        pictures: Of what is beyond its bound, at most so many are drawn.
        moved: The share of customers whom other data moved to another segment, beyond which it is
            an alarm.
        gone: The share of the state before's customers who have no segment any more, likewise.
        bounds: Of what is compared with the champion's baseline.
    """

    remembered: int = Field(ge=1, le=10_000)
    pictures: int = Field(ge=0, le=100)
    moved: float = Field(strict=False, ge=0.0, le=1.0)
    gone: float = Field(strict=False, ge=0.0, le=1.0)
    bounds: Bounds
