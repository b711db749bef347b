"""The training container: channels and hyperparameters in, a bundle or one message out."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import httpx
import pandas as pd
import pytest

from customer_segmentation.errors import UserError
from customer_segmentation.sagemaker.folders import Folders
from customer_segmentation.sagemaker.train import hyperparameters, train
from customer_segmentation.scoring.scorer import Scorer
from tests.conftest import CONFIGURATION
from tests.runs.project import make_project
from tests.sagemaker.container import container, unpack
from tests.serving.process import start
from tools.ports import free_port

# Fewer fits.
QUICK = {
    "clustering.k.maximum": "4",
    "clustering.k.starts": "2",
    "clustering.k.bootstraps": "2",
    "eda.hopkins_repeats": "2",
    "supervised_training.folds": "2",
}


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Folders:
    monkeypatch.setenv("SEGMENTATION_CONFIGURATION", str(CONFIGURATION))
    monkeypatch.setenv("SEGMENTATION_SOURCE", "")
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    return Folders.here()


def tell(folders: Folders, **values: str) -> None:
    folders.hyperparameters.parent.mkdir(parents=True)
    folders.hyperparameters.write_text(json.dumps(values))


def test_text_becomes_settings_and_parameters_of_their_own_types(folders: Folders) -> None:
    told = {
        "clustering.k.minimum": "4",
        "customers.as_of": "'2014-07-31'",
        "supervised_training.models": "[1, 2]",
        "promotion.even_if_worse": "true",
        "SEGMENTATION_SCHEMA": '"wholesale"',
        "sagemaker_region": '"eu-central-1"',
    }
    tell(folders, **told)
    settings, parameters = hyperparameters(folders.hyperparameters)
    assert settings == {"SEGMENTATION_SCHEMA": "wholesale"}
    assert parameters == {
        "clustering": {"k": {"minimum": 4}},
        "customers": {"as_of": "2014-07-31"},
        "supervised_training": {"models": [1, 2]},
        "promotion": {"even_if_worse": True},
    }


def test_without_hyperparameters_the_project_s_own_hold(folders: Folders) -> None:
    assert hyperparameters(folders.hyperparameters) == ({}, {})


def test_hyperparameters_that_are_none_are_refused(folders: Folders) -> None:
    folders.hyperparameters.parent.mkdir(parents=True)
    folders.hyperparameters.write_text("[1]")
    with pytest.raises(UserError, match="hyperparameters: names of parameters"):
        hyperparameters(folders.hyperparameters)


def test_a_channel_without_a_file_is_told_in_the_file_of_failures(folders: Folders) -> None:
    assert train(folders) == 1
    told = folders.failure.read_text()
    assert told.startswith("the channel `training` has no file")
    assert not folders.model.exists()


def test_a_file_that_holds_no_customers_fails_with_the_project_s_own_message(
    folders: Folders,
) -> None:
    folders.channel("training").mkdir(parents=True)
    (folders.channel("training") / "customers.csv").write_text("a,b\n1,2\n")
    done = start_training(folders)
    assert done.returncode == 1
    told = folders.failure.read_text()
    assert done.stderr.endswith(f"Error: {told}\n")
    assert "customers.csv" in told
    assert "Traceback" not in done.stderr
    assert not folders.model.exists()


def start_training(folders: Folders) -> subprocess.CompletedProcess[str]:
    """As SageMaker starts the container, in a folder that is no project's."""
    return subprocess.run(
        [sys.executable, "-m", "customer_segmentation.sagemaker", "train"],
        cwd=folders.base,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.deploy
@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_what_was_trained_is_served_with_the_answers_of_a_run_of_the_same_file(
    folders: Folders, tmp_path: Path
) -> None:
    source = CONFIGURATION.parent / "data" / "sample" / "customers.csv"
    folders.channel("training").mkdir(parents=True)
    shutil.copy(source, folders.channel("training"))
    tell(folders, **QUICK)
    done = start_training(folders)
    assert done.returncode == 0, done.stderr
    assert not folders.failure.exists()
    assert (folders.reports / "report.html").is_file()
    project = make_project(tmp_path / "project")
    result = project.run(f"--params={','.join(f'{k}={v}' for k, v in QUICK.items())}")
    assert result.exit_code == 0, result.output
    made = {path.name: path.read_bytes() for path in folders.model.glob("*.onnx")}
    kept = project.root / "data" / "models" / "candidate"
    assert made == {path.name: path.read_bytes() for path in kept.iterdir()}
    # SageMaker packs the folder, and unpacks it where the model is served.
    archive, served = tmp_path / "model.tar.gz", tmp_path / "served"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(folders.model, arcname=".")
    unpack(archive, served)
    batch = pd.read_parquet(project.root / "data" / "gold" / "segments.parquet")
    batch = batch.set_index("customer_id").loc[lambda table: table["segment_id"] >= 0]
    silver = pd.read_parquet(project.root / "data" / "silver" / "customers.parquet")
    silver = silver.set_index("customer_id").loc[batch.index]
    columns = list(Scorer(served / "model" / "segmenter.onnx").columns)
    matrix = silver.assign(as_of_year=silver["as_of"].dt.year)[columns].astype(float)
    port = free_port()
    server = start(
        [sys.executable, "-m", "customer_segmentation.sagemaker", "serve"],
        tmp_path / "logs",
        port=port,
        ready="/ping",
        environment=container(served, port),
    )
    try:
        answer = httpx.post(
            f"{server.url}/invocations",
            content=matrix.to_csv(index=False),
            headers={"content-type": "text/csv"},
            timeout=60.0,
        )
    finally:
        assert server.stop() == 0
    found = pd.DataFrame(answer.json()["predictions"])
    assert found["segment"].tolist() == batch["segment_id"].tolist()
    assert found["margin"].tolist() == batch["margin"].tolist()
