"""The block `uplift` of the configuration."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from customer_segmentation.schema.parameters import Parameters

Cost = Annotated[float, Field(strict=False, ge=0.0, le=1e12, allow_inf_nan=False)]


class TreeParameters(Parameters):
    """How large boosted trees are."""

    rounds: int = Field(ge=1, le=1_000)
    leaves: int = Field(ge=2, le=256)
    min_leaf: int = Field(ge=1)


class UpliftParameters(Parameters):
    """How targeting is tried on a randomised test.

    Attributes:
        costs: Outcome -> what a contact costs, in the unit of the outcome.
        splits: How often customers are halved, to learn from one half for the other.
        permutations: Treatments that are drawn at random, for the band that noise stays in.
        sample_rows: About so many customers are drawn from more.
        seed: Of all that is drawn.
        trees: Of the method with one model an arm.
    """

    costs: dict[str, Cost] = Field({})
    splits: int = Field(ge=1, le=1_000)
    permutations: int = Field(ge=100, le=100_000)
    sample_rows: int = Field(ge=100)
    seed: int = Field(ge=0)
    trees: TreeParameters
