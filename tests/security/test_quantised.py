"""A cold-start network with int8 weights is held to its graph and its metadata like all others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from customer_segmentation.scoring.metadata import metadata_of
from tests.security.forged import Attack, bare
from tests.security.promotion import promoted, read, refused, signed
from tests.serving.example import write_bundle

KIND = "cold_start"


@pytest.fixture(scope="module")
def quantised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("quantised"), quantised=True)


def weights_of(model: onnx.ModelProto) -> list[TensorProto]:
    constants = [node.attribute[0].t for node in model.graph.node if node.op_type == "Constant"]
    return [tensor for tensor in constants if tensor.data_type == TensorProto.INT8]


def products_of(model: onnx.ModelProto) -> list[onnx.NodeProto]:
    return [node for node in model.graph.node if node.op_type == "MatMulInteger"]


def one_weight_changed(model: onnx.ModelProto) -> None:
    tensor = weights_of(model)[0]
    values = np.frombuffer(tensor.raw_data, dtype=np.int8).copy()
    values[0] = -values[0]
    tensor.raw_data = values.tobytes()


def zeroed_weights(model: onnx.ModelProto) -> None:
    for tensor in weights_of(model):
        tensor.raw_data = bytes(len(tensor.raw_data))


def a_byte_short(model: onnx.ModelProto) -> None:
    tensor = weights_of(model)[0]
    tensor.raw_data = tensor.raw_data[:-1]


def eight_times_as_long(model: onnx.ModelProto) -> None:
    tensor = weights_of(model)[0]
    tensor.raw_data *= 8


def unsigned_weights(model: onnx.ModelProto) -> None:
    weights_of(model)[0].data_type = TensorProto.UINT8


def four_bits(model: onnx.ModelProto) -> None:
    weights_of(model)[0].data_type = TensorProto.INT4


def zero_point(model: onnx.ModelProto) -> None:
    """Every weight one less than it says."""
    one = helper.make_node("Constant", [], ["one"], value=bare(TensorProto.INT8, [1], b"\1"))
    products_of(model)[0].input.extend(["", "one"])
    model.graph.node.insert(0, one)


def multiplied(model: onnx.ModelProto, *, over_customers: bool) -> None:
    """The levels by themselves."""
    nodes, product = model.graph.node, products_of(model)[0]
    place, levels = [*nodes].index(product), product.input[0]
    factors = ["turned", levels] if over_customers else [levels, "turned"]
    nodes.insert(place, helper.make_node("MatMulInteger", factors, ["everybody"]))
    nodes.insert(place, helper.make_node("Transpose", [levels], ["turned"]))


def every_customer_by_every_customer(model: onnx.ModelProto) -> None:
    multiplied(model, over_customers=False)


def sum_of_all_customers(model: onnx.ModelProto) -> None:
    multiplied(model, over_customers=True)


# Each with a part of what is told of it.
GRAPHS: list[tuple[Attack, str]] = [
    (one_weight_changed, "contradicting its metadata"),
    (zeroed_weights, "contradicting its metadata"),
    (a_byte_short, "no table of float64, int64 or int8 numbers"),
    (eight_times_as_long, "no table of float64, int64 or int8 numbers"),
    (unsigned_weights, "no table of float64, int64 or int8 numbers"),
    (four_bits, "no table of float64, int64 or int8 numbers"),
    (zero_point, "with zero points"),
    (every_customer_by_every_customer, "not one row of numbers per customer"),
    (sum_of_all_customers, "not one row of numbers per customer"),
]


@pytest.mark.parametrize(("attack", "why"), GRAPHS, ids=lambda part: getattr(part, "__name__", ""))
def test_a_graph_that_is_not_ours_is_refused(
    quantised: Path, tmp_path: Path, attack: Attack, why: str
) -> None:
    model = read(quantised, KIND)
    attack(model)
    told = refused(promoted(quantised, tmp_path / "champion", signed(model), KIND))
    assert told.startswith("cold_start.onnx is refused")
    assert why in told


def without_last(layers: list[Any]) -> list[Any]:
    return layers[:-1]


def set_in(layers: list[Any], layer: int, key: str, value: Any) -> list[Any]:
    return [one | ({key: value} if place == layer else {}) for place, one in enumerate(layers)]


def weights_with(number: object) -> Any:
    def change(layers: list[Any]) -> list[Any]:
        rows = layers[0]["weights"]
        return set_in(layers, 0, "weights", [[number, *rows[0][1:]], *rows[1:]])

    return change


STATED: dict[str, Any] = {
    "none": lambda _: [],
    "without the last": without_last,
    "in another order": lambda layers: layers[::-1],
    "too many": lambda layers: layers[:1] + [layers[1]] * 4,
    "weight of nine bits": weights_with(128),
    "weight that a byte has and ours have not": weights_with(-128),
    "weight with a fraction": weights_with(0.5),
    "weight that is no number": weights_with("1"),
    "another weight": weights_with(0),
    "step of 0": lambda layers: set_in(layers, 0, "steps", [0.0] * len(layers[0]["steps"])),
    "scale below 0": lambda layers: set_in(layers, 1, "scales", [-1.0] * len(layers[1]["scales"])),
    "low too few": lambda layers: set_in(layers, 0, "lows", layers[0]["lows"][1:]),
    "infinite offset": lambda layers: set_in(layers, 1, "offsets", [1e300] * 3),
    "one key more": lambda layers: set_in(layers, 0, "zero_points", [0.0]),
    "no list": lambda _: {"weights": []},
}


@pytest.mark.parametrize("change", STATED.values(), ids=STATED)
def test_a_network_that_states_nonsense_is_refused(
    quantised: Path, tmp_path: Path, change: Any
) -> None:
    model = read(quantised, KIND)
    model = signed(model, layers=change(metadata_of(model)["layers"]))
    told = refused(promoted(quantised, tmp_path / "champion", model, KIND))
    assert told.startswith("cold_start.onnx is refused")


def test_a_model_states_one_kind_of_learned_numbers(
    bundle: Path, quantised: Path, tmp_path: Path
) -> None:
    regression = {name: metadata_of(read(bundle, KIND))[name] for name in ("weights", "caps")}
    both = signed(read(quantised, KIND), **regression)
    told = refused(promoted(quantised, tmp_path / "champion", both, KIND))
    assert "weights" in told or "caps" in told


def test_a_segmenter_with_layers_is_refused(bundle: Path, tmp_path: Path) -> None:
    told = refused(promoted(bundle, tmp_path / "champion", signed(read(bundle), layers=[])))
    assert told.startswith("segmenter.onnx is refused")
