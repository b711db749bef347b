"""Check an artifact against scikit-learn before it is used."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np
import onnx
from numpy.typing import NDArray

from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.segmentation.segmenter import Segmenter


def scikit_learn_pipeline(segmenter: Segmenter) -> Any:  # noqa: ANN401 - scikit-learn has no types
    """The same model in scikit-learn, over (rows x selected features): cap, scale, PCA, k-means."""
    from sklearn import cluster, decomposition, pipeline, preprocessing  # noqa: PLC0415 - slow

    features = len(segmenter.scaling.features)
    count = len(segmenter.centroids)
    scaler = preprocessing.StandardScaler().fit(np.eye(features))
    scaler.mean_, scaler.scale_ = segmenter.scaling.means, segmenter.scaling.deviations
    components = segmenter.projection.components.T
    pca = decomposition.PCA(n_components=len(components)).fit(np.eye(features + 1)[:, :features])
    pca.components_, pca.mean_ = components, np.zeros(features)
    kmeans = cluster.KMeans(count, init=segmenter.centroids, n_init=1, max_iter=1)
    kmeans.fit(segmenter.centroids)
    # scikit-learn needs rows that are contiguous in memory.
    kmeans.cluster_centers_ = np.ascontiguousarray(segmenter.centroids)
    bound = preprocessing.FunctionTransformer(segmenter.scaling.bounded)
    return pipeline.make_pipeline(bound, scaler, pca, kmeans)


def check_against_scikit_learn(
    model: onnx.ModelProto, segmenter: Segmenter, rows: nw.DataFrame[Any]
) -> None:
    """Compare the artifact's segments with scikit-learn's, row by row.

    Args:
        model: The artifact.
        segmenter: What it was built from.
        rows: Numeric canonical columns and features.

    Raises:
        RuntimeError: A label differs; the message counts them.
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - with scikit-learn

    scorer = Scorer(model.SerializeToString())
    answered = scorer.score(_matrix(rows, scorer.columns))["segment"]
    features = _matrix(rows, segmenter.scaling.features)
    reference = scikit_learn_pipeline(segmenter)
    # As many threads as a busy machine has cores make k-means a hundred times slower.
    with threadpool_limits(limits=1):
        expected = reference.predict(features)
    differing = int((answered != expected).sum())
    if differing:
        message = f"the artifact and scikit-learn differ on {differing} of {len(rows)} customers"
        raise RuntimeError(message)


def _matrix(rows: nw.DataFrame[Any], columns: tuple[str, ...]) -> NDArray[np.float64]:
    return np.ascontiguousarray(rows.select(*columns).to_numpy(), dtype=np.float64)
