"""Build the response model's artifact: one float64 ONNX graph from canonical columns to a chance.

Where there is no such model, a file without a graph says why, as for the cold-start model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import spox.opset.ai.onnx.v21 as op
from spox import Var, build

from customer_segmentation.scoring import metadata
from customer_segmentation.scoring.graph import column, constant, trace, within
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.scoring.verify import verified
from customer_segmentation.segmentation import regression
from customer_segmentation.segmentation.answers import LearnedAnswers, measured
from customer_segmentation.segmentation.labelled import LeftOut
from customer_segmentation.segmentation.regression import chances
from customer_segmentation.segmentation.response import Regression, ResponseModel

_TOLERANCE = 1e-9


def build_response(model: ResponseModel) -> onnx.ModelProto:
    """The artifact: one matrix `customers` in, the probability of an answer out.

    It is NaN where an input is missing or outside the contract.
    """
    features = model.regression.scaling.features
    columns = model.schema.needed_inputs(features)
    customers, rows, values = trace(model.schema, columns, features)
    selected = op.concat([values[name] for name in features], axis=0)
    odds = _log_odds(selected, model.regression)
    # The softmax of 0 and the logarithm of the odds.
    both = op.softmax(op.concat([op.mul(odds, constant(0.0)), odds], axis=0), axis=0)
    _, probability = op.split(both, num_outputs=2, axis=0)
    known = op.where(within(rows, columns, model.schema), probability, constant(np.nan))
    answers = {metadata.P_RESPONSE: op.squeeze(known, constant([0], np.int64))}
    built = build({metadata.INPUT: customers}, answers)
    return metadata.with_metadata(built, _describe(model, columns))


def build_no_response(reason: str, segmenter: Mapping[str, Any]) -> onnx.ModelProto:
    """A file that says why there is no response model.

    Args:
        reason: In words.
        segmenter: The metadata of the segmenter that it stands beside.
    """
    return metadata.without_model(metadata.NO_RESPONSE, reason, segmenter)


def checked_response(
    learned: LearnedAnswers | LeftOut, segmenter: Mapping[str, Any]
) -> onnx.ModelProto:
    """The artifact of what was learned, checked on the customers; or a file that says why not.

    Args:
        learned: From customers.
        segmenter: The metadata of the segmenter that it stands beside.

    Raises:
        RuntimeError: The artifact answers otherwise than what was learned.
    """
    if isinstance(learned, LeftOut):
        none = build_no_response(learned.reason, segmenter)
        verified(none.SerializeToString(deterministic=True))
        return none
    schema = learned.customers.schema
    artifact = build_response(
        ResponseModel(
            response=schema.roles.response,
            regression=learned.learned,
            calibration=learned.calibration.told(),
            segmenter_version=segmenter[metadata.VERSION],
            schema=schema,
            provenance=segmenter["provenance"],
            metrics=measured(learned),
        )
    )
    _check(artifact, learned)
    return artifact


def _log_odds(selected: Var, model: Regression) -> Var:
    """(1 x rows) of (features x rows)."""
    scaling, bends = model.scaling, model.bends
    bounded = op.min([selected, column(scaling.caps)])
    terms = op.div(op.sub(bounded, column(scaling.means)), column(scaling.deviations))
    if bends.features:
        parts = op.split(terms, num_outputs=len(scaling.features), axis=0)
        bent = op.concat([parts[place] for place in bends.features], axis=0)
        beyond = op.sub(bent, column(np.array(bends.starts)))
        terms = op.concat([terms, op.max([beyond, constant(0.0)])], axis=0)
    return op.add(op.matmul(constant(model.weights[None, :]), terms), constant(model.intercept))


def _describe(model: ResponseModel, columns: tuple[str, ...]) -> dict[str, Any]:
    regression = model.regression
    scaling, bends = regression.scaling, regression.bends
    return {
        "kind": "response",
        "columns": list(columns),
        "outputs": [metadata.P_RESPONSE],
        "response": model.response,
        "customers": model.schema.model_dump(mode="json"),
        "features": list(scaling.features),
        "caps": scaling.caps.tolist(),
        "means": scaling.means.tolist(),
        "deviations": scaling.deviations.tolist(),
        "bends": {"features": list(bends.features), "starts": list(bends.starts)},
        "weights": regression.weights.tolist(),
        "intercept": regression.intercept,
        "calibration": model.calibration,
        "segmenter_version": model.segmenter_version,
        "metrics": model.metrics,
        "provenance": model.provenance,
    }


def _check(artifact: onnx.ModelProto, learned: LearnedAnswers) -> None:
    """Compare the artifact's answers with what was learned, on every customer it is from.

    Raises:
        RuntimeError: They differ.
    """
    scorer, example = Scorer(artifact.SerializeToString(deterministic=True)), learned.example
    odds = regression.predict(learned.learned, example)
    matrix = np.ascontiguousarray(learned.customers.columns(scorer.columns))
    given = scorer.score(matrix)[metadata.P_RESPONSE]
    worst = float(np.abs(given - chances(odds)).max())
    # Written so that NaN fails.
    if not worst <= _TOLERANCE:
        message = (
            f"the response model's artifact differs by {worst:.3g} from what was learned (at most "
            f"{_TOLERANCE:g} is allowed). Nothing was saved; this is a fault of the graph "
            "(scoring/response.py)."
        )
        raise RuntimeError(message)
