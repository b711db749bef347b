"""What the customers are like that models learn from, for monitoring to compare others with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from customer_segmentation.monitoring.learned_from import make_baseline, refused_of
from customer_segmentation.segmentation.labelled import LabelledCustomers

# onnx.ModelProto: its library is imported when run.
Artifact = Any


def describe_customers(
    gold_features: IntoFrame,
    row_accounting: Mapping[str, Any],
    customers: LabelledCustomers,
    segmenter: Artifact,
    response: Artifact,
    _cold_start: Artifact,
) -> dict[str, Any]:
    """The baseline of the candidate, as JSON: counts of all customers, in bins of the sample.

    It takes the cold-start model so that nothing is saved before that is checked.
    """
    sample = dict(zip(customers.names, customers.values.T, strict=True))
    return make_baseline(
        nw.from_native(gold_features).lazy(),
        sample,
        segmenter.SerializeToString(deterministic=True),
        response.SerializeToString(deterministic=True),
        refused_of(row_accounting),
    ).stated()
