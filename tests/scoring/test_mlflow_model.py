"""The MLflow model of an artifact: what is in its folder, and what the command refuses.

What it answers is held against every other way in `tests/serving/test_same_answer.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
import yaml

from customer_segmentation.errors import UserError
from customer_segmentation.scoring.mlflow_model import example_customer, save_model
from customer_segmentation.scoring.scorer import Scorer


@pytest.fixture(scope="module")
def folder(artifact: onnx.ModelProto, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a model with the command, in a process of its own: MLflow warns of itself."""
    folder = tmp_path_factory.mktemp("model")
    bundle = folder / "segmenter.onnx"
    bundle.write_bytes(artifact.SerializeToString(deterministic=True))
    command = [sys.executable, "-m", "customer_segmentation.scoring.mlflow_model"]
    options = ["--artifact", bundle, "--out", folder / "out"]
    subprocess.run([*command, *options], check=True, timeout=120)  # noqa: S603 - our own command
    return folder


def test_it_holds_the_artifact_unchanged_and_nothing_that_could_run(folder: Path) -> None:
    found = {path.name for path in (folder / "out").rglob("*") if path.is_file()}
    described = {"MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt"}
    examples = {"input_example.json", "serving_input_example.json"}
    assert found == described | examples | {"model.onnx"}
    written = (folder / "out" / "model.onnx").read_bytes()
    assert written == (folder / "segmenter.onnx").read_bytes()


def test_it_says_its_version_its_columns_and_its_answers(folder: Path, scorer: Scorer) -> None:
    said = yaml.safe_load((folder / "out" / "MLmodel").read_text())
    assert said["metadata"] == {"artifact_version": scorer.version, "as_of": "2014-06-30"}
    assert said["flavors"]["python_function"]["loader_module"] == "mlflow.onnx"
    inputs = json.loads(said["signature"]["inputs"])
    assert [column["name"] for column in inputs] == list(scorer.columns)
    assert {(column["type"], column["required"]) for column in inputs} == {("double", True)}
    outputs = {c["name"]: c["type"] for c in json.loads(said["signature"]["outputs"])}
    assert list(outputs) == list(scorer.outputs)
    assert (outputs["segment"], outputs["margin"]) == ("long", "double")


def test_its_example_is_a_customer_whom_it_answers(folder: Path, scorer: Scorer) -> None:
    example = json.loads((folder / "out" / "serving_input_example.json").read_text())
    customer = example_customer(scorer)
    expected = {"columns": list(customer), "data": [list(customer.values())]}
    assert example == {"dataframe_split": expected}


def test_what_is_there_is_not_overwritten(folder: Path) -> None:
    with pytest.raises(UserError, match="is there already: name another folder"):
        save_model(folder, folder / "out")


def test_what_is_no_segmenter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"segmenter\.onnx is not there: run kedro run"):
        save_model(tmp_path / "segmenter.onnx", tmp_path / "out")
    (tmp_path / "segmenter.onnx").write_bytes(b"no model")
    with pytest.raises(UserError, match="is no ONNX file that can be run"):
        save_model(tmp_path, tmp_path / "out")
