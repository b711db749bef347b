"""Everything that clustering learns: what the artifact is built from and the report tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from customer_segmentation.schema.evaluate import Learned
from customer_segmentation.schema.schema import Schema
from customer_segmentation.segmentation.naming import SegmentName
from customer_segmentation.segmentation.projection import Projection
from customer_segmentation.segmentation.scaling import Scaling


@dataclass(frozen=True)
class Segmenter:
    """A learned segmentation.

    Attributes:
        scaling: Caps, means and deviations of the selected features.
        projection: Principal components.
        centroids: (segments x components), in the order of the segments' ids.
        names: One a segment.
        decisions: The decisions that can be taken, in definition order.
        learned: Their numbers.
        schema: What a customer is, and how records are read.
        left_out: The decisions that are not taken, and why.
        expected_spend_r2: How well the expected spend predicts unseen customers: R2 out of fold;
            None where it was not learned or could not be measured.
        usual_spend: The smallest and the largest spend that is not far outside; None where a side
            has no end.
        influence: Of each feature, its share of the squared distances between customers, and of
            those between segments.
        provenance: Where the data came from: no times, so that equal data give equal artifacts.
    """

    scaling: Scaling
    projection: Projection
    centroids: NDArray[np.float64]
    names: tuple[SegmentName, ...]
    decisions: tuple[str, ...]
    learned: Learned
    schema: Schema
    provenance: dict[str, Any]
    expected_spend_r2: float | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    usual_spend: tuple[float | None, float | None] = (None, None)
    influence: Mapping[str, list[float]] = field(default_factory=dict)
