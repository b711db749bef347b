"""The serving container as SageMaker starts it: `serve`, a port, and an unpacked model.tar.gz."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from customer_segmentation.scoring.scorer import Scorer
from tests.sagemaker.container import container, unpack
from tests.scoring.example import draw_customers
from tests.serving.example import write_bundle
from tests.serving.process import ServerProcess, start
from tools.ports import free_port

COMMAND = [sys.executable, "-m", "customer_segmentation.sagemaker"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("opt-ml")
    bundle, archive = write_bundle(folder / "made"), folder / "model.tar.gz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(bundle, arcname=".")
    unpack(archive, folder)
    return folder


@pytest.fixture(scope="module")
def server(base: Path) -> Iterator[ServerProcess]:
    port = free_port()
    started = start(
        [*COMMAND, "serve"],
        base / "logs",
        port=port,
        ready="/ping",
        environment=container(base, port),
    )
    yield started
    assert started.stop() == 0, started.stderr()


@pytest.fixture(scope="module")
def columns(base: Path) -> list[str]:
    return list(Scorer(base / "model" / "segmenter.onnx").columns)


@pytest.fixture(scope="module")
def rows(columns: list[str]) -> list[list[float]]:
    drawn: list[list[float]] = draw_customers(50, seed=3)[columns].to_numpy().tolist()
    return drawn


def test_csv_and_json_get_the_answers_of_the_api(
    server: ServerProcess, columns: list[str], rows: list[list[float]]
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([columns, *rows])
    with httpx.Client(base_url=server.url) as client:
        as_csv = client.post(
            "/invocations", content=text.getvalue(), headers={"content-type": "text/csv"}
        )
        split = {"dataframe_split": {"columns": columns, "data": rows}}
        as_json = client.post("/invocations", json=split)
        record = dict(zip(columns, rows[0], strict=True))
        sent = {n: v for n, v in record.items() if not n.startswith("as_of")}
        answer = client.post("/v1/segments", json=sent).json()
        names = [one["key"] for one in client.get("/v1/bundle").json()["segments"]]
    assert as_csv.status_code == as_json.status_code == 200
    predictions: list[dict[str, Any]] = as_csv.json()["predictions"]
    assert predictions == as_json.json()["predictions"]
    assert len(predictions) == len(rows)
    assert names[predictions[0]["segment"]] == answer["segment"]
    assert predictions[0]["margin"] == answer["margin"]


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("serve", "Error: no bundle: "),
        ("score", "Error: SageMaker starts a container with `serve` or with `train`\n"),
    ],
    ids=["no model", "another word"],
)
def test_a_container_that_cannot_start_says_why_in_one_line(
    word: str, told: str, tmp_path: Path
) -> None:
    done = subprocess.run(  # noqa: S603 - as above
        [*COMMAND, word],
        env=os.environ | container(tmp_path, free_port()),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(told)
    assert "Traceback" not in done.stderr
