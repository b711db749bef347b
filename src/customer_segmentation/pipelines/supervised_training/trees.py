"""Fitted trees as an ONNX graph, to measure what a larger model would cost; never exported.

The operator for trees takes indices from the file and answers in float32. A server that loaded it
would have to check the indices, and would answer otherwise than scikit-learn does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import spox.opset.ai.onnx.ml.v3 as ml
import spox.opset.ai.onnx.v21 as op
from numpy.typing import NDArray
from spox import Var

from customer_segmentation.scoring.graph import column, constant

Numbers = NDArray[Any]
# Of each node: its feature, its threshold, where to go up to it and above it (-1 in a leaf), and
# what a leaf adds to each score.
Tree = tuple[Numbers, Numbers, Numbers, Numbers, Numbers]

_TINY = 1e-15


def tree_scores(model: Any) -> Callable[[Var, Var], Var]:  # noqa: ANN401 - scikit-learn has no types
    """What `build_graph` takes for a fitted random forest or gradient boosting."""
    is_forest = hasattr(model, "estimators_")
    trees = [*(_of_forest(model) if is_forest else _of_boosting(model))]
    sizes = [len(tree[0]) for tree in trees]
    features, thresholds, up_to, above, values = map(np.concatenate, zip(*trees, strict=True))
    is_leaf = up_to < 0
    tree_of = np.repeat(np.arange(len(trees)), sizes)
    node_of = np.concatenate([np.arange(size) for size in sizes])
    leaves, targets = np.nonzero(is_leaf[:, None] & (values != 0.0))

    def scores(given: Var, _is_right: Var) -> Var:
        summed = ml.tree_ensemble_regressor(
            op.transpose(given),
            n_targets=values.shape[1],
            nodes_treeids=tree_of,
            nodes_nodeids=node_of,
            nodes_modes=np.where(is_leaf, "LEAF", "BRANCH_LEQ"),
            nodes_featureids=features.clip(0),
            nodes_values_as_tensor=np.where(is_leaf, 0.0, thresholds),
            nodes_truenodeids=up_to.clip(0),
            nodes_falsenodeids=above.clip(0),
            target_treeids=tree_of[leaves],
            target_nodeids=node_of[leaves],
            target_ids=targets,
            target_weights_as_tensor=values[leaves, targets],
        )
        answer = op.transpose(op.cast(summed, to=np.float64))
        if is_forest:
            return op.log(op.max([answer, constant(_TINY)]))
        answer = op.add(answer, column(model._baseline_prediction.ravel()))  # noqa: SLF001 - public nowhere
        # Of two segments, only the second one has trees.
        return (
            answer
            if values.shape[1] > 1
            else op.concat([op.mul(answer, constant(0.0)), answer], axis=0)
        )

    return scores


def _of_forest(model: Any) -> Iterator[Tree]:  # noqa: ANN401 - as above
    for one in model.estimators_:
        tree = one.tree_
        shares = tree.value[:, 0, :] / len(model.estimators_)
        yield tree.feature, tree.threshold, tree.children_left, tree.children_right, shares


def _of_boosting(model: Any) -> Iterator[Tree]:  # noqa: ANN401 - as above
    for trees in model._predictors:  # noqa: SLF001 - as above
        for target, tree in enumerate(trees):
            nodes = tree.nodes
            values = np.zeros((len(nodes), len(trees)))
            values[:, target] = nodes["value"]
            up_to, above = (
                np.where(nodes["is_leaf"], -1, nodes[side].astype(np.int64))
                for side in ("left", "right")
            )
            yield nodes["feature_idx"], nodes["num_threshold"], up_to, above, values
