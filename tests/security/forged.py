"""Changes to a segmenter's graph, as an attacker would make them who may write to the store."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper

Attack = Callable[[onnx.ModelProto], None]

SECRET = b"postgresql://batch:hunter2@warehouse/customers"
READ_FILE = "planted.txt"
# What the model repeats of it, as a number.
SECRET_NUMBER = float(np.frombuffer(SECRET[:8])[0])


def bare(kind: int, dims: list[int], content: bytes) -> TensorProto:
    """A constant as this project's builders write one."""
    return TensorProto(data_type=kind, dims=dims, raw_data=content)


def elsewhere(tensor: TensorProto, name: str, *, location: str = READ_FILE) -> None:
    """Make it one number that stands in another file."""
    tensor.Clear()
    tensor.name, tensor.data_type = name, TensorProto.DOUBLE
    tensor.dims.extend([1])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": "0", "length": "8"}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value


def repeat_in_margin(model: onnx.ModelProto, name: str) -> None:
    """Let every customer's margin be the value of this name."""
    last = next(node for node in model.graph.node if "margin" in node.output)
    last.output[0] = "true_margin"
    zero = helper.make_node("Sub", ["true_margin", "true_margin"], ["no_margin"])
    model.graph.node.extend([zero, helper.make_node("Max", ["no_margin", name], ["margin"])])


def external_initializer(model: onnx.ModelProto) -> None:
    elsewhere(model.graph.initializer.add(), "read")
    repeat_in_margin(model, "read")


def external_initializer_by_parent(model: onnx.ModelProto) -> None:
    elsewhere(model.graph.initializer.add(), "read", location=f"../{READ_FILE}")
    repeat_in_margin(model, "read")


def external_sparse_initializer(model: onnx.ModelProto) -> None:
    sparse = model.graph.sparse_initializer.add()
    elsewhere(sparse.values, "read")
    sparse.indices.CopyFrom(helper.make_tensor("", TensorProto.INT64, [1], [0]))
    sparse.dims.extend([1])


def external_constant(model: onnx.ModelProto) -> None:
    node = model.graph.node.add(op_type="Constant", output=["read"])
    attribute = node.attribute.add(name="value", type=AttributeProto.TENSOR)
    elsewhere(attribute.t, "read")
    repeat_in_margin(model, "read")


def external_in_subgraph(model: onnx.ModelProto) -> None:
    chosen = helper.make_tensor_value_info("chosen", TensorProto.DOUBLE, [1])
    branch = helper.make_graph(
        [helper.make_node("Identity", ["read"], ["chosen"])], "branch", [], [chosen]
    )
    elsewhere(branch.initializer.add(), "read")
    true = helper.make_tensor("", TensorProto.BOOL, [], [True])
    model.graph.node.append(helper.make_node("Constant", [], ["always"], value=true))
    model.graph.node.append(
        helper.make_node("If", ["always"], ["told"], then_branch=branch, else_branch=branch)
    )
    repeat_in_margin(model, "told")


def external_in_function(model: onnx.ModelProto) -> None:
    node = onnx.NodeProto(op_type="Constant", output=["read"])
    elsewhere(node.attribute.add(name="value", type=AttributeProto.TENSOR).t, "read")
    opsets = [helper.make_opsetid("", 21)]
    model.functions.append(helper.make_function("own", "Read", [], ["read"], [node], opsets))
    model.opset_import.append(helper.make_opsetid("own", 1))
    model.graph.node.append(helper.make_node("Read", [], ["told"], domain="own"))
    repeat_in_margin(model, "told")


def zeroed(model: onnx.ModelProto) -> None:
    """Its largest table of numbers, the weights of the segments or of the components, is zero."""
    tensors = [node.attribute[0].t for node in model.graph.node if node.op_type == "Constant"]
    largest = max(tensors, key=lambda tensor: len(tensor.raw_data) * (len(tensor.dims) == 2))
    largest.raw_data = bytes(len(largest.raw_data))


def one_threshold_moved(model: onnx.ModelProto) -> None:
    """The income from which a customer counts as affluent, in the graph alone."""
    node = next(
        n for n in model.graph.node if n.op_type == "Constant" and 2 in n.attribute[0].t.dims
    )
    node.attribute[0].t.raw_data = np.array([1.0, 2.0]).tobytes()


def string_output(model: onnx.ModelProto) -> None:
    told = helper.make_tensor("", TensorProto.STRING, [1], [SECRET])
    model.graph.node.append(helper.make_node("Constant", [], ["told"], value=told))
    model.graph.output.append(helper.make_tensor_value_info("told", TensorProto.STRING, [1]))


def one_more_output(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Identity", ["margin"], ["again"]))
    model.graph.output.append(helper.make_tensor_value_info("again", TensorProto.DOUBLE, ["N"]))


def float32_output(model: onnx.ModelProto) -> None:
    last = next(node for node in model.graph.node if "margin" in node.output)
    last.output[0] = "wide"
    model.graph.node.append(helper.make_node("Cast", ["wide"], ["margin"], to=TensorProto.FLOAT))
    (output,) = (one for one in model.graph.output if one.name == "margin")
    output.type.tensor_type.elem_type = TensorProto.FLOAT


def one_input_more(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[1].ClearField("dim_value")


def unknown_operator(model: onnx.ModelProto) -> None:
    """One that makes a value as large as it is told."""
    size = bare(TensorProto.INT64, [2], np.array([1000, 1]).tobytes())
    model.graph.node.append(helper.make_node("Constant", [], ["told"], value=size))
    model.graph.node.append(helper.make_node("Expand", ["margin", "told"], ["wide"]))


def foreign_domain(model: onnx.ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    model.graph.node.append(
        helper.make_node("Gelu", ["margin"], ["curved"], domain="com.microsoft")
    )


def another_opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 20


def another_producer(model: onnx.ModelProto) -> None:
    model.doc_string = "trust me"


def doubled_again_and_again(model: onnx.ModelProto) -> None:
    """Only allowed operators, and 2^16 numbers a customer at the end."""
    axis = {"axis": 0}
    model.graph.node.append(helper.make_node("Transpose", ["customers"], ["wide0"]))
    for step in range(12):
        parts = [f"wide{step}"] * 2
        model.graph.node.append(helper.make_node("Concat", parts, [f"wide{step + 1}"], **axis))


def every_customer_by_every_customer(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Transpose", ["customers"], ["turned"]))
    model.graph.node.append(helper.make_node("MatMul", ["customers", "turned"], ["all_by_all"]))


def sum_of_all_customers(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Transpose", ["customers"], ["turned"]))
    model.graph.node.append(helper.make_node("MatMul", ["turned", "customers"], ["summed"]))


def softmax_of_all_customers(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Softmax", ["margin"], ["mixed"], axis=0))


def two_constants_in_one(model: onnx.ModelProto) -> None:
    """The first is small; onnxruntime takes the one that is named `value`."""
    node = next(node for node in model.graph.node if node.op_type == "Constant")
    large = bare(TensorProto.DOUBLE, [100_000], bytes(800_000))
    node.attribute[0].name = "other"
    node.attribute.add(name="value", type=AttributeProto.TENSOR, t=large)


def constants_by_constants(model: onnx.ModelProto) -> None:
    """Three rows of 100 numbers, added up to a cube of a million."""
    for place in range(3):
        dims = [100 if axis == place else 1 for axis in range(3)]
        row = bare(TensorProto.DOUBLE, dims, bytes(800))
        model.graph.node.append(helper.make_node("Constant", [], [f"row{place}"], value=row))
    model.graph.node.append(helper.make_node("Add", ["row0", "row1"], ["square"]))
    model.graph.node.append(helper.make_node("Add", ["square", "row2"], ["cube"]))


def too_many_nodes(model: onnx.ModelProto) -> None:
    model.graph.node.extend(
        helper.make_node("Identity", ["margin"], [f"copy{n}"]) for n in range(1_000)
    )
