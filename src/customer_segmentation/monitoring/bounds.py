"""From where on a figure is an alarm."""

from __future__ import annotations

from pydantic import Field

from customer_segmentation.schema.parameters import Parameters


class Bounds(Parameters):
    """The block `monitoring.bounds`: how much matters, and how sure it must be.

    A figure is an alarm if it is beyond its bound, and chance alone makes as much too rarely.

    Attributes:
        psi: Of a column, of segments, margins and probabilities of an answer. For a normal column
            0.1 is a move by a third of a deviation.
        wasserstein: Of a column, in deviations of the baseline; for a move it is its size.
        share: By how much a segment's share, or that of missing values, may be another.
        rejected: By how much the share of customers who are refused for one reason may grow.
        false_alarms: Of windows on unchanged data, the share with any alarm at most.
    """

    psi: float = Field(0.1, strict=False, gt=0.0)
    wasserstein: float = Field(0.3, strict=False, gt=0.0)
    share: float = Field(0.05, strict=False, gt=0.0, le=1.0)
    rejected: float = Field(0.02, strict=False, gt=0.0, le=1.0)
    false_alarms: float = Field(0.01, strict=False, gt=0.0, le=0.5)
