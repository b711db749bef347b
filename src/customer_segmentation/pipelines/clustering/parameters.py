"""The `clustering` block of the configuration."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from customer_segmentation.schema.parameters import Parameters
from customer_segmentation.segmentation.choice import ChoiceOfK
from customer_segmentation.segmentation.learned_decisions import DecisionRule, Share


class ClusteringParameters(Parameters):
    """How segments are found; the schema says of which features."""

    cap_quantile: Share
    variance: Share
    coreset_rows: int = Field(ge=1000)
    estimator: Literal["scikit_learn", "mllib"]
    refinement_passes: int = Field(ge=0, le=10)
    seed: int
    # Beyond a half, a segment could be that near to two of the champion's.
    keep_names_within: float = Field(ge=0.0, le=0.5)
    k: ChoiceOfK
    decisions: DecisionRule
