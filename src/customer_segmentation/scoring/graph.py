"""Build the segmenter's artifact: one float64 ONNX graph from canonical columns to decisions.

Source of the distances: |x - c|^2 = |x|^2 - 2 x.c + |c|^2, as scikit-learn computes them.
"""

from __future__ import annotations

from collections.abc import Sequence

import ndonnx as ndx
import numpy as np
import onnx
import spox.opset.ai.onnx.v21 as op
from numpy.typing import NDArray
from spox import Tensor, Var, argument, build

from customer_segmentation.schema.decisions import INTERMEDIATE, inputs_of
from customer_segmentation.schema.evaluate import Learned, on_arrays
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring import metadata
from customer_segmentation.scoring.ranges import ends_of, spans, weights_of
from customer_segmentation.segmentation.segmenter import Segmenter

MISSING = -1.0
_TINY = 1e-300


def build_segmenter(segmenter: Segmenter) -> onnx.ModelProto:
    """The artifact: one matrix `customers` in, one vector an answer out, all in the metadata."""
    decisions = [name for name in segmenter.decisions if name not in INTERMEDIATE]
    columns = input_columns(segmenter)
    features = segmenter.scaling.features
    schema = segmenter.schema
    customers, rows, values = trace(schema, columns, [*features, *decisions], segmenter.learned)
    selected = op.concat([values[name] for name in features], axis=0)
    ids, margin = _segments(selected, segmenter)
    decided = {"margin": margin} | {name: values[name] for name in decisions}
    codes = [name for name in decisions if schema.decisions[name].labels]
    answers = _answers(ids, decided, codes, within(rows, columns, schema))
    model = build({metadata.INPUT: customers}, answers)
    return metadata.with_metadata(
        model, metadata.describe_segmenter(segmenter, columns, list(answers))
    )


def input_columns(segmenter: Segmenter) -> tuple[str, ...]:
    """The numeric canonical columns that the graph reads, in the order of its matrix."""
    schema = segmenter.schema
    decided = inputs_of(schema, segmenter.decisions)
    return schema.needed_inputs([*segmenter.scaling.features, *decided])


def trace(
    schema: Schema, columns: Sequence[str], names: Sequence[str], learned: Learned | None = None
) -> tuple[Var, Var, dict[str, Var]]:
    """The graph's input, the same as (columns x rows), and each named value as (1 x rows)."""
    customers = argument(Tensor(np.float64, ("N", len(columns))))
    # A column is (1 x rows): arithmetic with a constant is ten times slower on (rows x 1).
    rows = op.transpose(customers)
    split = op.split(rows, num_outputs=len(columns), axis=0)
    arrays = {name: ndx.asarray(part) for name, part in zip(columns, split, strict=True)}
    values = on_arrays(schema, names, arrays, learned)
    return customers, rows, {name: value.unwrap_spox() for name, value in values.items()}


def _segments(selected: Var, segmenter: Segmenter) -> tuple[Var, Var]:
    """The nearest two segments (2 x rows) and the margin (1 x rows) of (features x rows)."""
    scaling, centroids = segmenter.scaling, segmenter.centroids
    capped = op.min([selected, column(scaling.caps)])
    if scaling.logs:
        logs = constant([[name in scaling.logs] for name in scaling.features], np.int64)
        logarithms = op.log(op.add(capped, constant(1.0)))
        capped = op.where(op.cast(logs, to=np.bool_), logarithms, capped)
    # (x - mean) / deviation, and then the components: one product and one sum.
    weights = segmenter.projection.components.T / scaling.deviations
    points = _affine(weights, capped, -(weights * scaling.means).sum(axis=1))
    distances = _affine(-2.0 * centroids, points, (centroids * centroids).sum(axis=1))
    # Of equal distances, the lowest index: TopK's own rule.
    squares, ids = op.top_k(distances, constant([2], np.int64), axis=0, largest=0)
    norm = op.reduce_sum_square(points, constant([0], np.int64), keepdims=1)
    # Rounding may leave a square just below 0.
    own, other = op.split(op.max([op.add(squares, norm), constant(_TINY)]), num_outputs=2, axis=0)
    margin = op.sub(constant(1.0), op.sqrt(op.div(own, other)))
    return op.cast(ids, to=np.float64), margin


def _affine(weights: NDArray[np.float64], values: Var, offsets: NDArray[np.float64]) -> Var:
    return op.gemm(constant(weights), values, column(offsets))


def within(rows: Var, columns: Sequence[str], schema: Schema) -> Var:
    """Whether each customer of (columns x rows) is whole and within the contract: (1 x rows)."""
    allowed = spans(columns, schema)
    numbers = rows
    if len(allowed) > len(columns):
        numbers = op.matmul(constant(weights_of(allowed, columns)), rows)
    minimum, maximum, whole_numbers = ends_of(allowed)
    whole = op.cast(constant(whole_numbers[:, None], np.int64), to=np.bool_)
    # Nearest to each: without its fraction where it may have none, and not beyond the ends.
    nearest = op.where(whole, op.floor(numbers), numbers)
    nearest = op.max([op.min([nearest, column(maximum)]), column(minimum)])
    # Of absolute values, since squares of the smallest are 0; NaN where any number is.
    away = op.reduce_l1(op.sub(numbers, nearest), constant([0], np.int64), keepdims=1)
    return op.equal(away, constant(0.0))


def _answers(
    ids: Var, values: dict[str, Var], codes: Sequence[str], is_right: Var
) -> dict[str, Var]:
    """One vector an answer: the two segments and the values; -1 or NaN where not `is_right`."""
    axis = constant([0], np.int64)
    # Codes are masked and cast together: one step costs as much for one as for all of them.
    stacked = op.concat([ids, *(values[name] for name in codes)], axis=0)
    whole = op.cast(op.where(is_right, stacked, constant(MISSING)), to=np.int64)
    names = ["segment", "runner_up", *codes]
    parts = dict(zip(names, op.split(whole, num_outputs=len(names), axis=0), strict=True))
    for name, value in values.items():
        if name not in parts:
            parts[name] = op.where(is_right, value, constant(np.nan))
    return {name: op.squeeze(parts[name], axis) for name in ("segment", "runner_up", *values)}


def column(values: NDArray[np.float64]) -> Var:
    """One number a feature, against (features x rows)."""
    return constant(values[:, None])


def constant(values: object, dtype: type = np.float64) -> Var:
    """A constant of the graph, float64 unless told otherwise."""
    return op.constant(value=np.asarray(values, dtype=dtype))
