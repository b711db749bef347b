"""The `clustering` block of the configuration."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from customer_segmentation.customers.configuration import Parameters
from customer_segmentation.customers.contract import COLUMNS
from customer_segmentation.customers.matrix import canonical_columns
from customer_segmentation.features.definitions import FEATURES, needed_inputs, uses_outcome
from customer_segmentation.segmentation.choice import ChoiceOfK
from customer_segmentation.segmentation.learned_decisions import DecisionRule, Share


class ClusteringParameters(Parameters):
    """What segments are made of and how they are found."""

    features: list[str] = Field(min_length=2)
    cap_quantile: Share
    variance: Share
    coreset_rows: int = Field(ge=1000)
    estimator: Literal["scikit_learn", "mllib"]
    refinement_passes: int = Field(ge=0, le=10)
    seed: int
    k: ChoiceOfK
    decisions: DecisionRule

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
