"""Build the cold-start artifact: one float64 ONNX graph from sign-up data to probabilities.

Where there is no model worth it, a file without a graph says so and why: the files of a bundle
always belong together, and one that is absent would be one that was not copied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import onnx
import spox.opset.ai.onnx.v21 as op
from spox import Var, build

from customer_segmentation.scoring import metadata
from customer_segmentation.scoring.graph import MISSING, column, constant, trace, within
from customer_segmentation.segmentation.cold_start import (
    ColdStartModel,
    QuantisedColdStart,
    SignUpModel,
)
from customer_segmentation.segmentation.naming import SegmentName
from customer_segmentation.segmentation.quantised import MAX_LEVEL, Layer


def build_cold_start(model: SignUpModel) -> onnx.ModelProto:
    """The artifact: one matrix `customers` in, the segment and one probability a segment out.

    A row with a missing input gets segment -1 and probabilities NaN.
    """
    if isinstance(model, QuantisedColdStart):
        layers = [{n: v.tolist() for n, v in vars(layer).items()} for layer in model.layers]
        return build_graph(model, partial(_network_scores, model.layers), {"layers": layers})
    if isinstance(model, ColdStartModel):
        names = ("caps", "means", "deviations", "weights", "intercepts")
        numbers = {name: getattr(model, name).tolist() for name in names}
        return build_graph(model, partial(_regression_scores, model), numbers)
    raise TypeError(type(model))


def build_graph(
    model: SignUpModel, scores: Callable[[Var, Var], Var], learned: Mapping[str, Any]
) -> onnx.ModelProto:
    """An artifact of any kind of model.

    Args:
        model: What it predicts, and from which features.
        scores: Gives (segments x rows), of which a softmax makes probabilities, for features
            (features x rows) and for whether each row is whole and within the contract (1 x rows).
        learned: What the metadata say that it learned.
    """
    columns = model.schema.needed_inputs(model.features)
    customers, rows, values = trace(model.schema, columns, model.features)
    features = op.concat([values[name] for name in model.features], axis=0)
    is_right = within(rows, columns, model.schema)
    answers = _answers(scores(features, is_right), is_right, model.names)
    built = build({metadata.INPUT: customers}, answers)
    return metadata.with_metadata(built, _describe(model, learned, columns, list(answers)))


def build_no_cold_start(reason: str, segmenter: Mapping[str, Any]) -> onnx.ModelProto:
    """A file that says why there is no cold-start model.

    Args:
        reason: In words.
        segmenter: The metadata of the segmenter that it stands beside.
    """
    return metadata.without_model(metadata.NO_COLD_START, reason, segmenter)


def probability_output(segment: SegmentName) -> str:
    """The name of the output with the probability of a segment."""
    return f"probability_{segment.key}"


def _regression_scores(model: ColdStartModel, features: Var, _is_right: Var) -> Var:
    capped = op.min([features, column(model.caps)])
    standardised = op.div(op.sub(capped, column(model.means)), column(model.deviations))
    return op.add(op.matmul(constant(model.weights), standardised), column(model.intercepts))


def _network_scores(layers: Sequence[Layer], features: Var, is_right: Var) -> Var:
    # What NaN becomes as a whole number is up to the processor.
    values = op.where(is_right, features, constant(0.0))
    for layer in layers:
        levels = op.div(op.sub(values, column(layer.lows)), column(layer.steps))
        levels = op.floor(op.add(levels, constant(0.5)))
        levels = op.max([op.min([levels, constant(float(MAX_LEVEL))]), constant(0.0)])
        levels = op.transpose(op.cast(levels, to=np.uint8))
        sums = op.matmul_integer(levels, constant(layer.weights, np.int8))
        values = op.mul(op.transpose(op.cast(sums, to=np.float64)), column(layer.scales))
        values = op.add(values, column(layer.offsets))
    return values


def _answers(scores: Var, is_right: Var, names: Sequence[SegmentName]) -> dict[str, Var]:
    """One vector an answer, from (segments x rows) scores; of equal ones, the lowest index."""
    axis = constant([0], np.int64)
    best = op.cast(op.arg_max(scores, axis=0, keepdims=1), to=np.float64)
    segment = op.cast(op.where(is_right, best, constant(MISSING)), to=np.int64)
    probabilities = op.where(is_right, op.softmax(scores, axis=0), constant(np.nan))
    parts = op.split(probabilities, num_outputs=len(names), axis=0)
    return {"segment": op.squeeze(segment, axis)} | {
        probability_output(name): op.squeeze(part, axis)
        for name, part in zip(names, parts, strict=True)
    }


def _describe(
    model: SignUpModel, learned: Mapping[str, Any], columns: Sequence[str], outputs: Sequence[str]
) -> dict[str, Any]:
    return {
        "kind": "cold_start",
        "columns": list(columns),
        "outputs": list(outputs),
        "segments": [asdict(name) for name in model.names],
        "customers": model.schema.model_dump(mode="json"),
        "features": list(model.features),
        **learned,
        "segmenter_version": model.segmenter_version,
        "metrics": model.metrics,
        "provenance": model.provenance,
    }
