"""What the scoring function answers, against a real server with the same bundle."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from customer_segmentation.serving.aws_lambda import scoring
from customer_segmentation.serving.aws_lambda.queue import RESULTS, reply_to_messages, results_at
from customer_segmentation.serving.aws_lambda.reply import Replies
from customer_segmentation.serving.settings import Settings
from tests.serving.aws_lambda.events import CONTEXT, messages, request, sample
from tests.serving.example import a_customer, a_new_customer, who_may_answer, write_bundle

SEGMENTS = "/v1/segments"
WRONG = a_customer() | {"income": -1, "kids_home": 0.5, "agee": 3, "spend_wines": "12"}
BODIES = {
    "a customer": json.dumps(a_customer()),
    "a list": json.dumps([a_customer(), who_may_answer(), a_new_customer()]),
    "an empty list": "[]",
    "other spellings": json.dumps(a_customer() | {"marital_status": "Married", "as_of": None}),
    "wrong fields": json.dumps([a_customer(), WRONG]),
    "unknown columns": json.dumps(a_customer() | {f"column_{n}": 1 for n in range(3)}),
    "an object of nothing": "{}",
    "half of a JSON": '{"income": 5',
    "no body": "",
    "a text": '"income"',
    "too many customers": json.dumps([a_customer()] * 1_001),
    "too many customers, one of them wrong": json.dumps([WRONG] + [a_customer()] * 1_000),
    "nested": "[" * 5_000,
    "a huge number": '{"income": 1e999}',
}


@pytest.fixture(scope="module")
def replies(bundle: Path) -> Iterator[Replies]:
    with closing(Replies(Settings(bundle=str(bundle)))) as made:
        yield made


@pytest.fixture(autouse=True, scope="module")
def function(bundle: Path) -> Iterator[None]:
    """A function of the server's bundle."""
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("SEGMENTATION_SERVING_BUNDLE", str(bundle))
        changed.setenv("SEGMENTATION_SERVING_LOOK_SECONDS", "0")
        changed.delenv(RESULTS, raising=False)
        yield
        begin_anew()


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Variables of another function, which ends with the test."""
    begin_anew()
    yield monkeypatch
    begin_anew()


def begin_anew() -> None:
    if scoring._replies.cache_info().currsize:
        scoring._replies().close()
    scoring._replies.cache_clear()
    scoring._results.cache_clear()


def answer(event: Any) -> Any:
    return scoring.handle(event, CONTEXT)


@pytest.mark.parametrize("query", ["", "partial=true", "explain=true", "partial=maybe", "all=true"])
@pytest.mark.parametrize("name", BODIES)
def test_a_request_gets_the_status_and_the_bytes_that_the_api_sends(
    name: str, query: str, client: httpx.Client
) -> None:
    expected = client.post(f"{SEGMENTS}?{query}", content=BODIES[name])
    for body in (BODIES[name], BODIES[name].encode()):
        response = answer(request(body, query))
        assert (response["statusCode"], response["body"]) == (
            expected.status_code,
            expected.text,
        )
        for header in ("content-type", "artifact-version"):
            assert response["headers"][header] == expected.headers[header]


def test_a_whole_page_of_the_sample_is_answered_as_by_the_api(client: httpx.Client) -> None:
    body = json.dumps(sample()[:1_000])
    expected = client.post(SEGMENTS, params={"partial": "true"}, content=body)
    assert answer(request(body, "partial=true"))["body"] == expected.text


def test_a_plain_invocation_is_answered_with_the_same_values(client: httpx.Client) -> None:
    for event in ([a_customer(), a_new_customer()], a_customer(), WRONG, {}, [], "x", None, 5):
        assert answer(event) == client.post(SEGMENTS, content=json.dumps(event)).json()


def test_a_number_beyond_64_bits_is_refused_in_words() -> None:
    assert answer(a_customer() | {"income": 2**70})["status"] in {400, 422}


def test_a_customer_with_a_version_of_their_own_is_no_request() -> None:
    assert answer({"version": "2.0"})["status"] == 422
    assert answer({"Records": []})["status"] == 422
    assert answer({"Records": [{"eventSource": "aws:s3"}]})["status"] == 422


def test_a_stage_before_the_path_is_passed_over_and_other_paths_and_methods_are_refused() -> None:
    body = BODIES["a customer"]
    assert answer(request(body, path="/prod/v1/segments/"))["statusCode"] == 200
    assert answer(request(body, path="/v1/jobs"))["statusCode"] == 404
    wrong = answer(request(method="GET"))
    assert wrong["statusCode"] == 405
    assert wrong["headers"]["allow"] == "POST"


def test_what_is_said_to_be_base64_and_is_not_is_refused() -> None:
    response = answer(request("{}?", isBase64Encoded=True))
    assert response["statusCode"] == 400
    assert "base64" in json.loads(response["body"])["detail"]


def test_a_body_beyond_the_limit_is_refused_with_what_to_do(
    other: pytest.MonkeyPatch,
) -> None:
    other.setenv("SEGMENTATION_SERVING_MAX_BODY", "100")
    response = answer(request(BODIES["a customer"]))
    assert response["statusCode"] == 413
    assert "send fewer customers" in json.loads(response["body"])["detail"]


def test_the_log_has_a_line_for_each_reply_and_nothing_personal(
    capfd: pytest.CaptureFixture[str],
) -> None:
    answer(request(json.dumps([a_customer() | {"customer_id": "anna"}, WRONG]), "partial=true"))
    (line,) = capfd.readouterr().out.splitlines()
    told = json.loads(line)
    assert told["customers"] == 1
    assert told["wrong_fields"] == 4
    assert (told["status"], told["request_id"]) == (200, CONTEXT.aws_request_id)
    assert "anna" not in line


def test_what_somebody_waits_for_is_told_to_cloudwatch_and_nothing_else(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTATION_METRICS_NAMESPACE", "customer-segmentation-prod")
    answer(request(json.dumps(a_customer())))
    answer(a_customer())
    asked, invoked = map(json.loads, capfd.readouterr().out.splitlines())
    assert (asked["function"], asked["Answered"], asked["Customers"]) == ("scoring", 1, 1)
    assert "_aws" not in invoked


def test_each_message_has_its_answer_or_is_told_what_is_wrong_with_it(replies: Replies) -> None:
    kept: dict[str, Any] = {}
    bodies = [BODIES[n] for n in ("a customer", "half of a JSON", "wrong fields", "a list")]
    told = reply_to_messages(
        messages(*bodies), replies, lambda i, b: kept.update({i: json.loads(b)})
    )
    assert told == {"batchItemFailures": []}
    assert [kept[f"m{n}"]["status"] for n in range(4)] == [200, 400, 422, 200]
    assert kept["m0"]["answer"] == answer(a_customer())
    assert kept["m0"]["artifact_version"] == kept["m0"]["answer"]["artifact_version"]
    assert kept["m2"]["problem"] == answer([a_customer(), WRONG])


def test_attributes_of_a_message_are_its_flags_and_others_are_passed_over(replies: Replies) -> None:
    kept: dict[str, Any] = {}
    batch = messages(BODIES["wrong fields"], partial="true", traceparent="00-1")
    reply_to_messages(batch, replies, lambda i, b: kept.update({i: json.loads(b)}))
    assert kept["m0"]["status"] == 200
    assert len(kept["m0"]["answer"][1]["errors"]) == 4


def test_a_message_whose_answer_cannot_be_kept_comes_again_and_the_others_do_not(
    replies: Replies,
) -> None:
    def put(message_id: str, _: bytes) -> None:
        if message_id == "m1":
            raise OSError("the disk is full")

    told = reply_to_messages(messages(*[BODIES["a customer"]] * 3), replies, put)
    assert told == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


def test_without_a_place_for_answers_no_message_is_taken() -> None:
    with pytest.raises(Exception, match=f"{RESULTS} says where answers to messages go"):
        answer(messages(BODIES["a customer"]))
    with pytest.raises(Exception, match="s3://bucket/prefix or to the URL of a queue"):
        results_at("results")


def test_without_a_champion_each_door_says_so_and_answers_when_there_is_one(
    bundle: Path, tmp_path: Path, other: pytest.MonkeyPatch
) -> None:
    other.setenv("SEGMENTATION_SERVING_BUNDLE", str(tmp_path / "models"))
    refused = answer(request(BODIES["a customer"]))
    assert refused["statusCode"] == 503
    assert "no bundle" in json.loads(refused["body"])["detail"]
    with pytest.raises(RuntimeError, match="no bundle"):
        answer(a_customer())
    told = reply_to_messages(
        messages(BODIES["a customer"]), scoring._replies(), lambda *_: pytest.fail("no answer")
    )
    assert told == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    shutil.copytree(bundle, tmp_path / "models")
    assert answer(request(BODIES["a customer"]))["statusCode"] == 200


def test_a_new_champion_answers_and_a_broken_one_leaves_the_old(
    bundle: Path, tmp_path: Path, other: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models"
    shutil.copytree(bundle, folder)
    other.setenv("SEGMENTATION_SERVING_BUNDLE", str(folder))
    first = answer(a_customer())["artifact_version"]
    write_bundle(folder, segments=4)
    second = answer(a_customer())["artifact_version"]
    assert second != first
    (folder / "segmenter.onnx").write_bytes(b"damaged")
    assert answer(a_customer())["artifact_version"] == second


def test_the_bundle_is_the_zips_own_unless_another_is_named(
    bundle: Path, tmp_path: Path, other: pytest.MonkeyPatch
) -> None:
    other.delenv("SEGMENTATION_SERVING_BUNDLE")
    other.delenv("SEGMENTATION_SERVING_LOOK_SECONDS")
    other.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    shutil.copytree(bundle, tmp_path / "bundle")
    assert answer(a_customer())["segment"]
    assert scoring._replies()._models._seconds == 60
