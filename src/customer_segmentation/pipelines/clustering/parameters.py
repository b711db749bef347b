"""The `clustering` block of the configuration."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from customer_segmentation.customers.configuration import Parameters
from customer_segmentation.customers.contract import COLUMNS
from customer_segmentation.customers.matrix import canonical_columns
from customer_segmentation.features.definitions import FEATURES, needed_inputs, uses_outcome
from customer_segmentation.segmentation.choice import ChoiceOfK
from customer_segmentation.segmentation.learned_decisions import DecisionRule

Share = Annotated[float, Field(gt=0.0, le=1.0)]


class KParameters(Parameters):
    """Which k are tried and how the best is told."""

    minimum: int = Field(ge=2)
    maximum: int = Field(ge=2)
    starts: int = Field(ge=1)
    bootstraps: int = Field(ge=1)
    min_stability: float = Field(ge=0.0, le=1.0)
    sample_rows: int = Field(ge=100)

    @model_validator(mode="after")
    def _min_is_below_max(self) -> Self:
        if self.minimum > self.maximum:
            message = f"minimum ({self.minimum}) is above maximum ({self.maximum})"
            raise ValueError(message)
        return self

    def rule(self) -> ChoiceOfK:
        """The same for `segmentation.choice`."""
        return ChoiceOfK(
            self.minimum,
            self.maximum,
            self.starts,
            self.bootstraps,
            self.min_stability,
            self.sample_rows,
        )


class DecisionParameters(Parameters):
    """What the marketer decides of tiers and offers; the rest is learned from the base."""

    comfortable_from: Share
    affluent_from: Share
    deal_share_from: Share
    min_deals: int = Field(ge=0)
    preview_from: float = Field(ge=0.0, le=100.0)

    @model_validator(mode="after")
    def _tiers_are_in_order(self) -> Self:
        if self.comfortable_from > self.affluent_from:
            message = "comfortable_from is above affluent_from"
            raise ValueError(message)
        return self

    def rule(self, cap_quantile: float) -> DecisionRule:
        """The same for `segmentation.learned_decisions`."""
        return DecisionRule(
            (self.comfortable_from, self.affluent_from),
            self.deal_share_from,
            float(self.min_deals),
            self.preview_from,
            cap_quantile,
        )


class ClusteringParameters(Parameters):
    """What segments are made of and how they are found."""

    features: list[str] = Field(min_length=2)
    cap_quantile: Share
    variance: Share
    coreset_rows: int = Field(ge=1000)
    estimator: Literal["scikit_learn", "mllib"]
    refinement_passes: int = Field(ge=0, le=10)
    seed: int
    k: KParameters
    decisions: DecisionParameters

    @field_validator("features")
    @classmethod
    def _features_exist(cls, features: list[str]) -> list[str]:
        for name in features:
            if name not in FEATURES and not canonical_columns([name]):
                message = f"{name!r} is no feature; docs/data_dictionary.md lists them"
                raise ValueError(message)
            if name in COLUMNS and COLUMNS[name].kind == "category":
                message = f"{name!r} is a code without distances: take {name}_* features instead"
                raise ValueError(message)
            if uses_outcome(name):
                message = (
                    f"{name!r} comes from campaign answers, which segments must not see "
                    f"({', '.join(needed_inputs([name]))})"
                )
                raise ValueError(message)
        if len(set(features)) < len(features):
            message = "a feature stands twice"
            raise ValueError(message)
        return features
