"""ONNX models in files: what is saved comes back, byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from kedro.io import DatasetError
from onnx import TensorProto, helper

from customer_segmentation.datasets.onnx_model import OnnxModelDataset


@pytest.fixture
def model() -> onnx.ModelProto:
    """A graph that doubles its input, with metadata."""
    shape = (TensorProto.DOUBLE, ["N"])
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "double",
        [helper.make_tensor_value_info("x", *shape)],
        [helper.make_tensor_value_info("y", *shape)],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    helper.set_model_props(made, {"b": "2", "a": "1"})
    return made


def test_a_saved_model_comes_back_and_runs(tmp_path: Path, model: onnx.ModelProto) -> None:
    dataset = OnnxModelDataset(filepath=str(tmp_path / "deep" / "model.onnx"))
    assert not dataset.exists()
    dataset.save(model)
    assert dataset.exists()
    loaded = dataset.load()
    assert loaded == model
    session = ort.InferenceSession(loaded.SerializeToString(), providers=["CPUExecutionProvider"])
    (doubled,) = session.run(None, {"x": np.array([1.5])})
    assert doubled.tolist() == [3.0]


def test_the_same_model_is_the_same_bytes(tmp_path: Path, model: onnx.ModelProto) -> None:
    paths = [tmp_path / "one.onnx", tmp_path / "two.onnx"]
    OnnxModelDataset(filepath=str(paths[0])).save(model)
    OnnxModelDataset(filepath=str(paths[1])).save(OnnxModelDataset(filepath=str(paths[0])).load())
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_model_may_be_kept_wherever_fsspec_reaches(model: onnx.ModelProto) -> None:
    dataset = OnnxModelDataset(filepath="memory://models/model.onnx")
    dataset.save(model)
    assert dataset.load() == model


@pytest.mark.parametrize("content", [b"", b"no model", b"\x80\x04K\x01."])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"model\.onnx"):
        OnnxModelDataset(filepath=str(path)).load()


def test_a_model_that_keeps_data_in_another_file_is_refused(
    tmp_path: Path, model: onnx.ModelProto
) -> None:
    (tmp_path / "beside.bin").write_bytes(bytes(8))
    constant = model.graph.initializer.add(name="c", data_type=TensorProto.DOUBLE, dims=[1])
    constant.data_location = TensorProto.EXTERNAL
    constant.external_data.add(key="location", value="beside.bin")
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(DatasetError, match="keeps data in another file"):
        OnnxModelDataset(filepath=str(path)).load()


def test_a_large_model_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with path.open("wb") as file:
        file.truncate(50_000_000_000)
    with pytest.raises(DatasetError, match="is larger than the 1000000 bytes"):
        OnnxModelDataset(filepath=str(path)).load()


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"none\.onnx"):
        OnnxModelDataset(filepath=str(tmp_path / "none.onnx")).load()
