"""Build the segmenter's artifact: one float64 ONNX graph from canonical columns to decisions.

Source of the distances: |x - c|^2 = |x|^2 - 2 x.c + |c|^2, as scikit-learn computes them.
"""

from __future__ import annotations

from collections.abc import Callable

import ndonnx as ndx
import numpy as np
import onnx
import spox.opset.ai.onnx.v21 as op
from numpy.typing import NDArray
from spox import Tensor, Var, argument, build

from customer_segmentation.features.decisions import DECISIONS, INTERMEDIATE
from customer_segmentation.features.definitions import needed_inputs
from customer_segmentation.features.evaluate import on_arrays
from customer_segmentation.scoring.metadata import INPUT, describe_segmenter, with_metadata
from customer_segmentation.segmentation.segmenter import Segmenter

MISSING = -1.0


def build_segmenter(segmenter: Segmenter) -> onnx.ModelProto:
    """The artifact: one matrix `customers` in, one vector an answer out, all in the metadata."""
    decisions = [name for name in segmenter.decisions if name not in INTERMEDIATE]
    columns = input_columns(segmenter)
    customers = argument(Tensor(np.float64, ("N", len(columns))))
    # A column is (1 x rows): arithmetic with a constant is ten times slower on (rows x 1).
    rows = op.transpose(customers)
    split = op.split(rows, num_outputs=len(columns), axis=0)
    arrays = {name: ndx.asarray(part) for name, part in zip(columns, split, strict=True)}
    features = segmenter.scaling.features
    values = on_arrays([*features, *decisions], arrays, segmenter.learned)

    selected = op.concat([values[name].unwrap_spox() for name in features], axis=0)
    outputs = _segments(selected, segmenter) | {
        name: values[name].unwrap_spox() for name in decisions
    }
    # A sum is NaN where any part is.
    missing = op.isnan(_reduced(op.reduce_sum, rows))
    answers = _answers(outputs, missing)
    model = build({INPUT: customers}, answers)
    return with_metadata(model, describe_segmenter(segmenter, columns, list(answers)))


def input_columns(segmenter: Segmenter) -> tuple[str, ...]:
    """The numeric canonical columns that the graph reads, in the order of its matrix."""
    names: list[str] = list(segmenter.scaling.features)
    for decision in segmenter.decisions:
        names += [name for name in DECISIONS[decision].inputs if name not in DECISIONS]
    return needed_inputs(names)


def _segments(selected: Var, segmenter: Segmenter) -> dict[str, Var]:
    """Segment, runner-up and margin of (features x rows)."""
    scaling, centroids = segmenter.scaling, segmenter.centroids
    capped = op.min([selected, _column(scaling.caps)])
    standardised = op.div(op.sub(capped, _column(scaling.means)), _column(scaling.deviations))
    points = op.matmul(_constant(segmenter.projection.components.T), standardised)
    cross = op.matmul(_constant(-2.0 * centroids), points)
    distances = op.add(cross, _column((centroids * centroids).sum(axis=1)))
    # Of equal distances, the lowest index.
    first = op.arg_min(distances, axis=0, keepdims=1)
    ids = _constant(np.arange(len(centroids))[:, None], np.int64)
    others = op.where(op.equal(ids, first), _constant(np.inf), distances)
    second = op.arg_min(others, axis=0, keepdims=1)
    norm = _reduced(op.reduce_sum, op.mul(points, points))
    own, other = (_root(op.add(_reduced(op.reduce_min, d), norm)) for d in (distances, others))
    margin = op.sub(_constant(1.0), op.div(own, op.max([other, _constant(1e-300)])))
    return {"segment": first, "runner_up": second, "margin": margin}


def _reduced(reduce: Callable[..., Var], values: Var) -> Var:
    return reduce(values, _constant([0], np.int64), keepdims=1)


def _root(squares: Var) -> Var:
    # Rounding may leave a square just below 0.
    return op.sqrt(op.max([squares, _constant(0.0)]))


def _answers(values: dict[str, Var], missing: Var) -> dict[str, Var]:
    """One vector an answer, in the order given; -1 or NaN where an input is missing."""
    axis = _constant([0], np.int64)
    codes = [name for name in values if is_code(name)]
    # Codes are masked and cast together: one step costs as much for one as for all of them.
    stacked = op.concat([op.cast(values[name], to=np.float64) for name in codes], axis=0)
    whole = op.cast(op.where(missing, _constant(MISSING), stacked), to=np.int64)
    parts = op.split(whole, num_outputs=len(codes), axis=0)
    answers = {name: op.squeeze(part, axis) for name, part in zip(codes, parts, strict=True)}
    for name in values:
        if not is_code(name):
            answers[name] = op.squeeze(op.where(missing, _constant(np.nan), values[name]), axis)
    return {name: answers[name] for name in values}


def is_code(name: str) -> bool:
    """Whether an answer is a whole number that stands for something: a segment or a label."""
    return name in ("segment", "runner_up") or (name in DECISIONS and bool(DECISIONS[name].labels))


def _column(values: NDArray[np.float64]) -> Var:
    return _constant(values[:, None])


def _constant(values: object, dtype: type = np.float64) -> Var:
    return op.constant(value=np.asarray(values, dtype=dtype))
