"""Everything that a cold-start model learns: what its artifact is built from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.schema.schema import Schema
from customer_segmentation.segmentation.naming import SegmentName
from customer_segmentation.segmentation.quantised import Layer


@dataclass(frozen=True, kw_only=True)
class SignUpModel:
    """A model from what is known at sign-up to a segment, without what it learned.

    Attributes:
        features: What it looks at, none of it behaviour.
        names: One a segment.
        segmenter_version: The artifact whose segments it predicts.
        schema: The segmenter's.
        provenance: The segmenter's.
        metrics: Cross-validated, on tenured customers.
    """

    features: tuple[str, ...]
    names: tuple[SegmentName, ...]
    segmenter_version: str
    schema: Schema
    provenance: dict[str, Any]
    metrics: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class ColdStartModel(SignUpModel):
    """A multinomial logistic regression.

    Attributes:
        caps: One a feature, above which it is cut off.
        means: Of the capped values, to standardise by.
        deviations: Of the capped values.
        weights: (segments x features), in the order of the segments' ids.
        intercepts: One a segment.
    """

    caps: NDArray[np.float64]
    means: NDArray[np.float64]
    deviations: NDArray[np.float64]
    weights: NDArray[np.float64]
    intercepts: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class QuantisedColdStart(SignUpModel):
    """A network with int8 weights.

    Attributes:
        layers: From the features to one score a segment, in the order of the segments' ids.
    """

    layers: tuple[Layer, ...]
