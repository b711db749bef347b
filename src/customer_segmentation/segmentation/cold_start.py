"""Everything that the cold-start model learns: what its artifact is built from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.schema.schema import Schema
from customer_segmentation.segmentation.naming import SegmentName


@dataclass(frozen=True)
class ColdStartModel:
    """A multinomial logistic regression from what is known at sign-up to a segment.

    Attributes:
        features: What it looks at, none of it behaviour.
        caps: One a feature, above which it is cut off.
        means: Of the capped values, to standardise by.
        deviations: Of the capped values.
        weights: (segments x features), in the order of the segments' ids.
        intercepts: One a segment.
        names: One a segment.
        segmenter_version: The artifact whose segments it predicts.
        schema: The segmenter's.
        provenance: The segmenter's.
        metrics: Cross-validated, on tenured customers.
    """

    features: tuple[str, ...]
    caps: NDArray[np.float64]
    means: NDArray[np.float64]
    deviations: NDArray[np.float64]
    weights: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    names: tuple[SegmentName, ...]
    segmenter_version: str
    schema: Schema
    provenance: dict[str, Any]
    metrics: dict[str, Any]
