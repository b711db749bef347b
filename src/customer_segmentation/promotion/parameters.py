"""The block `promotion` of the configuration."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from customer_segmentation.schema.parameters import Parameters, Shown


class Bounds(Parameters):
    """What the gates of a promotion demand.

    Attributes:
        max_days_behind: Days that this environment's customers may be older than those that the
            bundle was learned from.
        min_ari: The adjusted Rand index between the segments of bundle and champion.
        max_movers: The share of customers whom the bundle puts into another segment.
        max_share_change: By how much the share of a segment may change.
        max_silhouette_loss: How much worse than the champion's the silhouette may be.
        max_cold_start_loss: The same for the balanced accuracy of the cold-start model.
        min_silhouette: What the silhouette of a first champion must be.
        min_stability: The mean adjusted Rand index between the bundle's segments and those found
            again on resamples of this environment's customers.
        bootstraps: How many resamples.
        sample_rows: About how many customers quality and stability are measured on.
    """

    max_days_behind: int = Field(ge=0)
    min_ari: float = Field(ge=-1.0, le=1.0)
    max_movers: float = Field(ge=0.0, le=1.0)
    max_share_change: float = Field(ge=0.0, le=1.0)
    max_silhouette_loss: float = Field(ge=0.0, le=2.0)
    max_cold_start_loss: float = Field(ge=0.0, le=1.0)
    min_silhouette: float = Field(ge=-1.0, le=1.0)
    min_stability: float = Field(ge=-1.0, le=1.0)
    bootstraps: int = Field(ge=1)
    sample_rows: int = Field(ge=100)


class PromotionParameters(Parameters):
    """How a bundle becomes the champion.

    Attributes:
        after_whole_run: Whether a whole successful run makes its candidate the champion.
        even_if_worse: Also if one of its learned parts is worse than none.
        source: Which bundle goes through the gates: `below`, the champion of the environment below,
            `here`, this environment's candidate, or `challenger`, what is tried here.
        bounds: What the gates demand.
        approver: Who takes the responsibility for gates that fail.
        reason: Why they may.
    """

    after_whole_run: bool
    even_if_worse: bool
    source: Literal["below", "here", "challenger"]
    bounds: Bounds
    approver: Shown = ""
    reason: Shown = ""

    @model_validator(mode="after")
    def _override_is_whole(self) -> Self:
        if bool(self.approver.strip()) != bool(self.reason.strip()):
            message = "an override takes both `approver` and `reason`"
            raise ValueError(message)
        return self
