"""One zip for the tests of functions."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tests.serving.aws_lambda.events import sample
from tests.serving.aws_lambda.unpacked import HERE, Unpacked
from tools.deploy import lambda_zip
from tools.lambda_runtime import unpack


@pytest.fixture(scope="session")
def scoring(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    """The scoring function's zip with the server's bundle in it."""
    folder = tmp_path_factory.mktemp("scoring")
    zipped = lambda_zip.write_scoring(folder, bundle, HERE)
    return Unpacked(zipped, unpack(zipped, folder / "task"))


@pytest.fixture(scope="session")
def by_the_api(client: httpx.Client) -> dict[str, tuple[int, str]]:
    """Each customer of the sample as a body -> the status and the body of the API's answer."""
    bodies = [json.dumps(customer) for customer in sample()]
    answers = {body: client.post("/v1/segments", content=body) for body in bodies}
    told = {body: (answer.status_code, answer.text) for body, answer in answers.items()}
    # Of 2,240 rows eleven repeat another.
    assert len(told) == 2_229
    # The others lack an income, or have what no contract takes.
    assert sum(status == 200 for status, _ in told.values()) > 2_150
    return told
