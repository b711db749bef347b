"""How good a bundle is on some of an environment's customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.bundles.bundle import COLD_START, SEGMENTER, StoredBundle
from customer_segmentation.customers.matrix import numeric_expressions
from customer_segmentation.schema.evaluate import on_arrays
from customer_segmentation.schema.parts import AS_OF, SAMPLE_KEY
from customer_segmentation.scoring.metadata import has_model, scaling_of, schema_of
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.scoring.verify import verified
from customer_segmentation.segmentation.choice import ChoiceOfK, stability

Array = NDArray[np.float64]
Labels = NDArray[np.int64]

_KEYS = 2.0**31


def draw_customers(customers: nw.LazyFrame[Any], rows: int) -> nw.LazyFrame[Any]:
    """About so many customers, the same on every engine; all where they are no more."""
    total = int(customers.select(nw.len().alias("rows")).collect()["rows"][0])
    if total <= rows:
        return customers
    return customers.filter(nw.col(SAMPLE_KEY) < rows / total * _KEYS)


def needed_columns(metadata: Mapping[str, Any]) -> list[str]:
    """The canonical columns that a model reads."""
    return [*schema_of(metadata).canonical_columns(metadata["columns"]), AS_OF]


def labels_of(model: bytes, drawn: nw.DataFrame[Any]) -> Labels:
    """(rows) the segment of each customer by a model; -1 where something is missing."""
    scorer = Scorer(model)
    answers: Labels = scorer.score(_matrix(scorer.metadata, drawn))["segment"]
    return answers


def standardised(metadata: Mapping[str, Any], drawn: nw.DataFrame[Any]) -> Array:
    """(rows x features) of customers as a segmenter sees them; NaN where something is missing."""
    matrix, schema, scaling = _matrix(metadata, drawn), schema_of(metadata), scaling_of(metadata)
    columns = {name: matrix[None, :, i] for i, name in enumerate(metadata["columns"])}
    values = on_arrays(schema, scaling.features, columns)
    table: Array = scaling.standardised(np.concatenate([values[n] for n in scaling.features]).T)
    return table


def silhouette(space: Array, labels: Labels) -> float | None:
    """The mean silhouette of the labelled rows; None where fewer than two segments are used."""
    from sklearn.metrics import silhouette_score  # noqa: PLC0415 - slow import
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - as above

    is_known = (labels >= 0) & ~np.isnan(space).any(axis=1)
    known, used = space[is_known], labels[is_known]
    if not 1 < len(np.unique(used)) < len(used):
        return None
    # One thread sums in one order.
    with threadpool_limits(limits=1):
        return float(silhouette_score(known, used))


def cold_start_accuracy(bundle: StoredBundle, drawn: nw.DataFrame[Any]) -> float | None:
    """The balanced accuracy with which the cold-start model finds the segmenter's segments.

    The customers have bought before: it is a comparison of models, and no estimate for new ones.
    None where there is no such model, or the customers lack its columns.
    """
    metadata = verified(bundle.files[COLD_START])
    if not has_model(metadata):
        return None
    if {*needed_columns(metadata)} - {*drawn.columns}:
        return None
    told, found = (labels_of(bundle.files[name], drawn) for name in (SEGMENTER, COLD_START))
    recalls = [
        float((found[told == segment] == segment).mean()) for segment in np.unique(told[told >= 0])
    ]
    return float(np.mean(recalls)) if recalls else None


def resampled_ari(
    metadata: Mapping[str, Any], space: Array, bootstraps: int, seed: int
) -> float | None:
    """The stability of a segmenter's segments on these customers, as choosing k measures it.

    Args:
        metadata: The segmenter's.
        space: (rows x features) as it sees them.
        bootstraps: How many resamples.
        seed: Of their draw.
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - with scikit-learn

    known = space[~np.isnan(space).any(axis=1)]
    centroids = np.array(metadata["centroids"])
    if len(known) < len(centroids):
        return None
    points = known @ np.array(metadata["components"])
    rows = max(100, len(points))
    rule = ChoiceOfK(
        minimum=2, maximum=2, starts=1, bootstraps=bootstraps, min_stability=0.0, sample_rows=rows
    )
    with threadpool_limits(limits=1):
        return stability(points, np.ones(len(points)), centroids, rule, seed)


def _matrix(metadata: Mapping[str, Any], drawn: nw.DataFrame[Any]) -> Array:
    names: Sequence[str] = metadata["columns"]
    expressions = numeric_expressions(schema_of(metadata), needed_columns(metadata))
    numbers = drawn.select(**{name: expressions[name] for name in names})
    return np.ascontiguousarray(numbers.to_numpy(), dtype=np.float64)
