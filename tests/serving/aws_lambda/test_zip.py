"""The zips, unpacked where nothing else is, run by AWS's own client of Lambda's runtime."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from customer_segmentation.bundles.bundle import SEGMENTER, sha256
from customer_segmentation.bundles.store import BUNDLES, PROMOTIONS, BundleStore
from customer_segmentation.errors import UserError
from tests.promotion.example import a_bundle, an_entry
from tests.serving.aws_lambda.events import request, sample
from tests.serving.aws_lambda.unpacked import HERE, Unpacked
from tests.serving.example import a_customer
from tools.access.places import CHECKOUT
from tools.deploy import lambda_zip
from tools.lambda_runtime import Function, running, unpack
from tools.rehearsal import S3Server
from tools.versitygw import add_user

pytestmark = pytest.mark.deploy

HANDLER = "customer_segmentation.serving.aws_lambda.scoring.handle"
SEGMENTS = "/v1/segments"
# Prints where each module is from that was imported to answer.
_MODULES = """
import sys; sys.path.insert(0, {task!r})
from customer_segmentation.serving.aws_lambda import ingestion, scoring
class Context: aws_request_id = "r"
assert "segment" in scoring.handle({customer!r}, Context)
assert ingestion.handle({posted!r}, Context)["statusCode"] == 202
places = [getattr(m, "__file__", None) for m in list(sys.modules.values())]
print("\\n".join(place for place in places if place), file=sys.stderr)
"""

# Answers each event of standard input.
_EVENTS = """
import json, sys; sys.path.insert(0, {task!r})
from customer_segmentation.serving.aws_lambda import scoring
class Context: aws_request_id = "r"
for line in sys.stdin:
    told = scoring.handle(json.loads(line), Context)
    print(json.dumps([told["statusCode"], told["body"]]), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def function(scoring: Unpacked, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Function]:
    with running(scoring.folder, HANDLER, tmp_path_factory.mktemp("function")) as started:
        yield started


def test_the_zip_keeps_lambdas_limits_and_names_no_place_of_this_machine(scoring: Unpacked) -> None:
    with zipfile.ZipFile(scoring.zipped) as read:
        entries = read.infolist()
        own = [one for one in entries if one.filename.startswith(lambda_zip.PACKAGE)]
        assert not any(str(CHECKOUT).encode() in read.read(one) for one in own)
        compiled = [one.filename for one in own if one.filename.endswith(".pyc")]
    assert scoring.zipped.stat().st_size <= 50 * 1024**2
    assert sum(one.file_size for one in entries) <= 250 * 1024**2
    assert compiled
    assert not any("/tests/" in one.filename or "litestar" in one.filename for one in entries)


def test_the_same_input_gives_the_same_bytes(
    scoring: Unpacked, bundle: Path, tmp_path: Path
) -> None:
    again = lambda_zip.write_scoring(tmp_path, bundle, HERE)
    assert sha256(again.read_bytes()) == sha256(scoring.zipped.read_bytes())


def test_the_zip_for_lambdas_newest_python_answers_as_the_api_does(
    bundle: Path, tmp_path: Path, by_the_api: dict[str, tuple[int, str]]
) -> None:
    zipped = lambda_zip.write_scoring(tmp_path, bundle)
    task = unpack(zipped, tmp_path / "task")
    compiled = [path.name for path in task.rglob("*.cpython-*.so")]
    tag = f".cpython-{lambda_zip.PYTHON.replace('.', '')}-x86_64-linux-gnu.so"
    assert len(compiled) > 10
    assert all(name.endswith(tag) for name in compiled)
    python = lambda_zip.interpreter(lambda_zip.PYTHON)
    if python is None:
        pytest.skip(f"Python {lambda_zip.PYTHON} is not there: install it beside this one")
    told = subprocess.run(  # noqa: S603 - our own
        [python, "-I", "-S", "-c", _EVENTS.format(task=str(task))],
        env={"LAMBDA_TASK_ROOT": str(task)},
        input="\n".join(json.dumps(request(body)) for body in by_the_api),
        capture_output=True,
        text=True,
        check=True,
    )
    for expected, line in zip(by_the_api.values(), told.stderr.splitlines(), strict=True):
        assert json.loads(line) == [*expected]


def test_an_answer_imports_nothing_but_the_zip_and_the_standard_library(
    scoring: Unpacked, tmp_path: Path
) -> None:
    posted = request('{"ID": 1}', path="/v1/events")
    code = _MODULES.format(task=str(scoring.folder), customer=a_customer(), posted=posted)
    told = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-I", "-S", "-c", code],
        env={
            "LAMBDA_TASK_ROOT": str(scoring.folder),
            "SEGMENTATION_SERVING_INGEST_EVENTS": str(tmp_path),
            "SEGMENTATION_CUSTOMER_KEYS": '["ID"]',
        },
        capture_output=True,
        text=True,
        check=True,
    )
    places = told.stderr.splitlines()
    library = str(Path(json.__file__).parents[1])
    elsewhere = [p for p in places if not p.startswith((str(scoring.folder), library))]
    assert not [place for place in elsewhere if not place.startswith("<")]
    of_library = [place for place in places if place.startswith(library)]
    assert not [place for place in of_library if "site-packages" in place]
    assert len(places) > len(of_library)


def test_every_customer_of_the_sample_is_answered_as_by_the_api(
    function: Function, by_the_api: dict[str, tuple[int, str]]
) -> None:
    for number, (body, (status, answer)) in enumerate(by_the_api.items()):
        response: Any = function.invoke(request(body)).answer
        assert (response["statusCode"], response["body"]) == (status, answer)
        if number % 20 == 0:
            assert function.invoke(json.loads(body)).answer == json.loads(answer)


def test_every_customer_of_the_sample_is_answered_in_lists_as_by_the_api(
    function: Function, client: httpx.Client
) -> None:
    customers = sample()
    for first in range(0, len(customers), 1_000):
        body = json.dumps(customers[first : first + 1_000])
        expected = client.post(SEGMENTS, params={"partial": "true"}, content=body)
        response: Any = function.invoke(request(body, "partial=true")).answer
        assert response["body"] == expected.text


@pytest.mark.parametrize("body", ["", "{", "[]", json.dumps([a_customer()] * 1_001), '{"agee": 1}'])
def test_what_is_refused_is_refused_in_the_apis_words(
    body: str, function: Function, client: httpx.Client
) -> None:
    expected = client.post(SEGMENTS, content=body)
    response: Any = function.invoke(request(body)).answer
    assert (response["statusCode"], response["body"]) == (expected.status_code, expected.text)


def test_a_broken_bundle_is_not_put_into_a_zip(bundle: Path, tmp_path: Path) -> None:
    for name in ("segmenter.onnx", "cold_start.onnx"):
        (tmp_path / name).write_bytes((bundle / name).read_bytes()[:-1])
    with pytest.raises(UserError, match=r"segmenter\.onnx is refused"):
        lambda_zip.write_scoring(tmp_path / "out", tmp_path, HERE)
    with pytest.raises(UserError, match="has no champion"):
        lambda_zip.write_scoring(tmp_path / "out", tmp_path / "empty", HERE)


def test_the_champion_on_s3_is_read_with_the_least_rights_and_only_as_it_was_promoted(
    scoring: Unpacked,
    versitygw_server: S3Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in versitygw_server.environment().items():
        monkeypatch.setenv(name, value)
    s3 = versitygw_server.client()
    s3.create_bucket(Bucket="lake")
    reader = add_user(versitygw_server, "function")
    may = {"Effect": "Allow", "Principal": {"AWS": ["function"]}}
    lake = "arn:aws:s3:::lake"
    kept = [f"{lake}/models/{name}/*" for name in (PROMOTIONS, BUNDLES)]
    statements = [
        {**may, "Action": "s3:ListBucket", "Resource": lake},
        {**may, "Action": "s3:GetObject", "Resource": kept},
    ]
    s3.put_bucket_policy(Bucket="lake", Policy=json.dumps({"Statement": statements}))
    models = BundleStore("s3://lake/models", "staging")
    first, second = (a_bundle(tmp_path / str(count), count) for count in (3, 4))
    told = reader.environment() | {
        "SEGMENTATION_SERVING_BUNDLE": "s3://lake/models",
        "SEGMENTATION_SERVING_LOOK_SECONDS": "0",
    }

    def version(started: Function) -> Any:
        answer: Any = started.invoke(request(json.dumps(a_customer()))).answer
        body = json.loads(answer["body"])
        return body.get("artifact_version") or body["detail"]

    with running(scoring.folder, HANDLER, tmp_path, told) as started:
        assert "nothing was promoted" in version(started)
        models.add(first)
        models.append(an_entry(first, None))
        assert version(started) == first.about["artifact_version"]
        models.add(second)
        models.append(an_entry(second, first.id))
        assert version(started) == second.about["artifact_version"]
        # The file of another bundle in the champion's place.
        key = f"models/{BUNDLES}/{second.id}/{SEGMENTER}"
        s3.put_object(Bucket="lake", Key=key, Body=first.files[SEGMENTER])
        assert version(started) == second.about["artifact_version"]
    with running(scoring.folder, HANDLER, tmp_path, told) as anew:
        assert "is not the file that was promoted" in version(anew)
    s3.delete_bucket_policy(Bucket="lake")
    with running(scoring.folder, HANDLER, tmp_path, told) as refused:
        assert "s3:ListBucket" in version(refused)
