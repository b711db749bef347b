"""The `supervised_training` block of the configuration."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from customer_segmentation.schema.parameters import Parameters


class ModelParameters(Parameters):
    """Sizes of the models: enough for the published file, small enough for seconds.

    Attributes:
        cap_quantile: Of each input, where linear models and neural networks cut it off.
        inverse_penalty: scikit-learn's `C` of the logistic regression.
        trees: Of the random forest.
        min_leaf: Customers in a leaf of the random forest, at least.
        rounds: Of the gradient boosting.
        leaves: Of a tree of the gradient boosting, at most.
        units: In the one hidden layer of a neural network.
        iterations: Of a neural network's fit, at most.
    """

    cap_quantile: float = Field(gt=0, le=1)
    inverse_penalty: float = Field(gt=0, allow_inf_nan=False)
    trees: int = Field(ge=1)
    min_leaf: int = Field(ge=1)
    rounds: int = Field(ge=1)
    leaves: int = Field(ge=2)
    units: int = Field(ge=1, le=64)
    iterations: int = Field(ge=1)


class ResponseParameters(Parameters):
    """The regressions of answers to campaigns to choose from, by cross-validation.

    Attributes:
        inverse_penalties: scikit-learn's `C`.
        bends: At how many points a feature's effect may change.
    """

    inverse_penalties: list[Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(
        min_length=1, max_length=10
    )
    bends: list[Annotated[int, Field(ge=0, le=5)]] = Field(min_length=1, max_length=5)


class TrainingParameters(Parameters):
    """What to learn from, how to validate, and how large the models are.

    Attributes:
        sample_rows: Customers that are learned from, at most.
        folds: Of the cross-validation.
        seed: Of the sample, the folds and the models.
        calibration_bins: Of the expected calibration error and of the plot.
        exported: The cold-start model that is exported, or `auto`: chosen by the table of models.
        models: Their sizes.
        response: Those of answers to campaigns.
    """

    sample_rows: int = Field(ge=10)
    folds: int = Field(ge=2)
    seed: int = Field(ge=0, lt=2**31)
    calibration_bins: int = Field(ge=2)
    exported: Literal["auto", "logistic_regression", "quantised_network"]
    models: ModelParameters
    response: ResponseParameters
