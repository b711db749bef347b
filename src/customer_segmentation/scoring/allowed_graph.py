"""What a graph may do: use our operators on numbers, at a cost that is known beforehand.

No operator makes a value larger than its inputs, but a chain of sums and concatenations could.
So the shape of every value is inferred, and its numbers per customer are counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from customer_segmentation.scoring.artifact_file import WrongArtifactError, require, shown
from customer_segmentation.scoring.metadata import INPUT, IR_VERSION, OPSET, PRODUCER

if TYPE_CHECKING:
    import onnx

# Of onnx's own domain: all that our builders use, which a test checks.
OPERATORS = frozenset(
    {
        *("Add", "And", "ArgMax", "Cast", "Concat", "Constant", "Div", "Equal", "Floor", "Gemm"),
        *("Greater", "GreaterOrEqual", "Identity", "Less", "LessOrEqual", "Log", "MatMul", "Max"),
        *(
            "MatMulInteger",
            "Min",
            "Mul",
            "Not",
            "ReduceL1",
            "ReduceSum",
            "ReduceSumSquare",
            "Softmax",
            "Split",
            "Sqrt",
            "Squeeze",
        ),
        *("Sub", "TopK", "Transpose", "Where"),
    }
)
OPSETS = frozenset({OPSET})
IR_VERSIONS = frozenset({IR_VERSION})

# With every feature and column there is and twelve segments, ours have 330 nodes, constants of
# 4,500 numbers, and values of 600 numbers a customer.
_MAX_NODES = 600
_MAX_CONSTANTS = 20_000
_MAX_A_CUSTOMER = 2_000

_ROWS = "N"
# A length is a number, or the name of one.
Shape = tuple[int | str, ...]
Values = dict[str, tuple[int, Shape]]
_UNKNOWN: Shape = (0,)


def check_graph(model: onnx.ModelProto, columns: int, outputs: Sequence[str]) -> None:
    """Refuse a graph unlike those that this project builds.

    Args:
        model: As read from its file.
        columns: Of its input, as its metadata state them.
        outputs: Their names, in order, as its metadata state them.

    Raises:
        WrongArtifactError: The first thing that is wrong.
    """
    from onnx import TensorProto  # noqa: PLC0415 - only who opens a model needs it

    _check_versions(model)
    nodes = model.graph.node
    require(
        len(nodes) <= _MAX_NODES, f"has {len(nodes)} nodes, and at most {_MAX_NODES} are allowed"
    )
    for node in nodes:
        name = shown(f"{node.domain}.{node.op_type}".removeprefix("."))
        is_ours = not node.domain and node.op_type in OPERATORS
        require(is_ours, f"uses the operator {name}, which none of ours uses")
        has_zero_points = node.op_type == "MatMulInteger" and len(node.input) != 2  # noqa: PLR2004 - its factors
        require(
            not has_zero_points, "multiplies whole numbers with zero points, as none of ours does"
        )
    _check_constants(nodes)
    declared = {INPUT: (TensorProto.DOUBLE, (_ROWS, columns))}
    require(
        len(model.graph.input) == 1 and _values(model.graph.input) == declared,
        f"does not take one float64 matrix `{INPUT}` of {columns} columns",
    )
    inferred = _inferred(model)
    _check_cost(model.graph, inferred)
    answered = _values(model.graph.output)
    is_vector = all(
        shape == (_ROWS,) and kind in {TensorProto.DOUBLE, TensorProto.INT64}
        for kind, shape in answered.values()
    )
    require(
        [output.name for output in model.graph.output] == [*outputs] and is_vector,
        "does not answer one vector of numbers for each output that its metadata name",
    )
    require(
        all(inferred.get(name) == value for name, value in answered.items()),
        "declares outputs of another type or shape than it computes",
    )


def check_no_graph(model: onnx.ModelProto) -> None:
    """Refuse a file that says it has no model, yet has a part of one.

    Raises:
        WrongArtifactError: It computes something.
    """
    _check_versions(model)
    has_graph = model.graph.node or model.graph.input or model.graph.output
    require(not has_graph, "says that it holds no model, and has a graph")


def _check_versions(model: onnx.ModelProto) -> None:
    opsets = [(opset.domain, opset.version) for opset in model.opset_import]
    is_known = len(opsets) == 1 and not opsets[0][0] and opsets[0][1] in OPSETS
    # All else that a model may say of itself is part of its version.
    is_ours = model.producer_name == PRODUCER and not model.doc_string
    require(
        is_ours and is_known and model.ir_version in IR_VERSIONS,
        "was not made by this project, or is of another version of ONNX",
    )


def _check_constants(nodes: Sequence[onnx.NodeProto]) -> None:
    """Check that each constant holds all its numbers, and that there are not too many in all."""
    from onnx import TensorProto  # noqa: PLC0415 - as above

    # Of a number, in bytes.
    widths = {TensorProto.DOUBLE: 8, TensorProto.INT64: 8, TensorProto.INT8: 1}
    count = 0
    for node in nodes:
        tensors = [attribute.name for attribute in node.attribute if attribute.HasField("t")]
        is_constant = node.op_type == "Constant"
        require(
            tensors == ["value"] * is_constant and not (is_constant and len(node.attribute) > 1),
            "has a constant in a place where ours have none",
        )
        if is_constant:
            tensor = node.attribute[0].t
            size = math.prod(tensor.dims)
            is_whole = all(length > 0 for length in tensor.dims)
            width = widths.get(tensor.data_type)
            require(
                is_whole and width and size * width == len(tensor.raw_data),
                "has a constant that is no table of float64, int64 or int8 numbers",
            )
            count += size
    require(
        count <= _MAX_CONSTANTS,
        f"has constants of {count} numbers, and at most {_MAX_CONSTANTS} are allowed",
    )


def _inferred(model: onnx.ModelProto) -> Values:
    """Type and shape of every value by the operators alone, whatever the file claims."""
    import onnx  # noqa: PLC0415 - as above
    from onnx.shape_inference import InferenceError, infer_shapes  # noqa: PLC0415 - as above

    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for output in bare.graph.output:
        output.ClearField("type")
    try:
        graph = infer_shapes(bare, check_type=True, strict_mode=True).graph
    # onnx raises a RuntimeError of its own for some.
    except (InferenceError, RuntimeError) as error:
        message = f"cannot be run: {shown(error, 120)}"
        raise WrongArtifactError(message) from error
    return _values([*graph.value_info, *graph.output])


def _check_cost(graph: onnx.GraphProto, values: Values) -> None:
    """Count the numbers held per customer and in common; no value may mix customers."""
    from onnx import TensorProto  # noqa: PLC0415 - as above

    kinds = {TensorProto.DOUBLE, TensorProto.INT64, TensorProto.BOOL}
    kinds |= {TensorProto.INT8, TensorProto.UINT8, TensorProto.INT32}
    # Name -> whether it has one entry a customer.
    known = {INPUT: True}
    counts = {True: 0, False: 0}
    for node in graph.node:
        is_computed = all(name in known for name in node.input)
        require(is_computed, "uses a value before it is computed")
        of_customers = any(known[name] for name in node.input)
        for name in node.output:
            kind, shape = values.get(name, (0, _UNKNOWN))
            sizes = [length for length in shape if isinstance(length, int)]
            is_sized = all(length > 0 for length in sizes)
            rows = [length for length in shape if isinstance(length, str)]
            is_each = rows == [_ROWS] * of_customers and not _is_over_customers(node, shape)
            require(
                kind in kinds and is_sized and is_each and name not in known,
                f"computes {shown(name)}, which is not one row of numbers per customer",
            )
            counts[of_customers] += math.prod(sizes)
            known[name] = of_customers
    require(
        counts[True] <= _MAX_A_CUSTOMER and counts[False] <= _MAX_CONSTANTS,
        f"computes {counts[True]} numbers a customer and {counts[False]} in common, and "
        f"at most {_MAX_A_CUSTOMER} and {_MAX_CONSTANTS} are allowed",
    )


def _is_over_customers(node: onnx.NodeProto, shape: Shape) -> bool:
    """Whether it is a softmax over all customers, the one shape-keeping operator to mix them."""
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), -1)
    return node.op_type == "Softmax" and shape[axis] == _ROWS


def _values(declared: Iterable[onnx.ValueInfoProto]) -> Values:
    """Name -> type and shape; a length that is not known is 0."""
    values = {}
    for value in declared:
        tensor = value.type.tensor_type
        shape = tuple(dim.dim_param or dim.dim_value for dim in tensor.shape.dim)
        values[value.name] = tensor.elem_type, shape if tensor.HasField("shape") else _UNKNOWN
    return values
