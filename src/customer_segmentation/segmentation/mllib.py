"""k-means by Spark's MLlib on every customer, instead of a coreset and refinement passes."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from customer_segmentation.errors import UserError
from customer_segmentation.segmentation.projection import Projection
from customer_segmentation.segmentation.rounding import rounded_standardised
from customer_segmentation.segmentation.scaling import Scaling
from customer_segmentation.segmentation.space import points

_MAX_ITERATIONS = 20


def fit_by_mllib(
    table: nw.LazyFrame[Any], scaling: Scaling, projection: Projection, k: int, seed: int
) -> NDArray[np.float64]:
    """Centroids (k x components) that MLlib finds in the same space.

    Args:
        table: A Spark table with the features of the scaling.
        scaling: What the space is measured in.
        projection: The space's components.
        k: How many.
        seed: Of MLlib's start (k-means||).

    Raises:
        UserError: The table is not Spark's.
    """
    if not table.implementation.is_spark_like():
        message = (
            "clustering.estimator is `mllib`, which needs tables of Spark: run an environment "
            "that has them (kedro run --env=prod), or set it to `scikit_learn`."
        )
        raise UserError(message)
    from pyspark.ml.clustering import KMeans  # noqa: PLC0415 - only where it is asked for
    from pyspark.ml.feature import VectorAssembler  # noqa: PLC0415 - as above

    placed = points(scaling, projection.components)
    located = nw.to_native(table.select(**placed))
    # By the order of the rows, so that the start does not depend on how they are spread.
    vectors = VectorAssembler(inputCols=list(placed), outputCol="features").transform(located)
    model = KMeans(k=k, seed=seed, maxIter=_MAX_ITERATIONS).fit(vectors)
    return rounded_standardised(np.array(model.clusterCenters()))
