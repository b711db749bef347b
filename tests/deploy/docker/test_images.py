"""The serving image, made in a folder as the Dockerfile says and started as Docker would."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.deploy.docker.dockerfile import chain, make, settings, stages
from tests.serving.example import a_customer, write_bundle
from tests.serving.process import start
from tools.ports import free_port

pytestmark = pytest.mark.deploy

# Of what a serving image is to be without.
HEAVY = ("kedro", "mlflow", "pandas", "sklearn", "matplotlib", "pyspark", "pip")
MOST_MEGABYTES = 900


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's environment."""
    root = tmp_path_factory.mktemp("image")
    make("serving-packages", root)
    return root / "opt" / "segmentation" / "env"


@pytest.fixture(params=["api", "sagemaker"])
def started(
    request: pytest.FixtureRequest, environment: Path, tmp_path: Path
) -> Iterator[httpx.Client]:
    """An image's server, with its own variables but for ports, places and who may hear it."""
    image, port = str(request.param), free_port()
    entry = json.loads(chain(image)[-1].all("ENTRYPOINT")[0])
    given = {
        "PATH": f"{environment / 'bin'}:/usr/bin:/bin",
        "PYTHONPATH": "",
        "SEGMENTATION_SERVING_HOST": "127.0.0.1",
        "SEGMENTATION_SERVING_JOBS": str(tmp_path / "jobs"),
    }
    bundle = write_bundle(tmp_path / "model")
    if image == "api":
        given |= {
            "SEGMENTATION_SERVING_BUNDLE": str(bundle),
            "SEGMENTATION_SERVING_PORT": str(port),
        }
    else:
        given |= {"SAGEMAKER_BASE_DIR": str(tmp_path), "SAGEMAKER_BIND_TO_PORT": str(port)}
    server = start(
        [environment / "bin" / entry[0], *entry[1:], "serve"],
        tmp_path / "logs",
        port=port,
        ready="/ping",
        environment=settings(image) | given,
    )
    with httpx.Client(base_url=server.url, timeout=30.0) as client:
        yield client
    assert server.stop() == 0, server.stderr()


def test_each_image_s_server_answers(started: httpx.Client) -> None:
    assert started.post("/v1/segments", json=a_customer()).json()["segment"]


def test_the_serving_image_is_slim(environment: Path) -> None:
    look = f"from importlib.util import find_spec as f; print([n for n in {HEAVY} if f(n)])"
    python = environment / "bin" / "python"
    found = subprocess.run(  # noqa: S603 - made above
        [python, "-I", "-c", look], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout == "[]\n"
    size = sum(path.lstat().st_size for path in environment.rglob("*") if not path.is_symlink())
    assert size < MOST_MEGABYTES * 1e6, size


def test_the_api_image_asks_for_keys_unless_something_else_guards_it(environment: Path) -> None:
    (entry,) = stages()["api"].all("ENTRYPOINT")
    python = environment / "bin" / "python"
    done = subprocess.run(  # noqa: S603 - made above
        [python, *json.loads(entry)[1:], "serve"],
        env={**os.environ, "PYTHONPATH": "", **settings("api")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert "host 0.0.0.0 is not loopback, and there are no API keys" in done.stderr
