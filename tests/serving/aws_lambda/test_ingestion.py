"""What the function that takes events answers and lands, against a real server with keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from customer_segmentation.serving.aws_lambda import ingestion
from customer_segmentation.serving.bundle import Champion
from customer_segmentation.serving.ingestion.objects import key_names
from customer_segmentation.serving.keys import add_key
from customer_segmentation.sources.readers.folder import FolderReader
from tests.serving.aws_lambda.events import CONTEXT, request
from tests.serving.process import ServerProcess, serving
from tools.deploy.terraform import project

KEYS = project()["customer_keys"]
MOST = 300_000
EVENT = {"ID": 1, "bought": 3.5}
LINES = "application/x-ndjson; charset=utf-8"
# What is sent, in this order: a body, its media type and its Idempotency-Key.
SENT: dict[str, tuple[str, str, str | None]] = {
    "an object": (json.dumps(EVENT), "application/json", None),
    "a list": ('[{"ID": 1, "n": 1.10}, {"ID": "00123", "n": null}]', "application/json", None),
    "lines": ('{"ID": 1}\n\n{"ID": 2}\n', LINES, None),
    "objects in objects": ('{"ID": 1, "a": {"b.c": 1e400}}', "application/json", None),
    "what breaks the contract": ('{"ID": 1, "Income": "much"}', "application/json", None),
    "text of other letters": ('{"customer_id": "Zoë 🙂"}', "application/json", None),
    "no body": ("", "application/json", None),
    "half of a JSON": ('{"ID": 1', "application/json", None),
    "no object": ("[1]", "application/json", None),
    "an empty list": ("[]", "application/json", None),
    "no key": ('[{"ID": 1}, {"bought": 1}]', "application/json", None),
    "a key that is too long": (json.dumps({"ID": "x" * 257}), "application/json", None),
    "a list in an object": ('{"ID": 1, "n": [1]}', "application/json", None),
    "a name twice": ('{"ID": 1, "ID": 2}', "application/json", None),
    "a name that ingestion adds": ('{"ID": 1, "source_file": "x"}', "application/json", None),
    "a name that landing adds": ('{"ID": 1, "landed__change": "x"}', "application/json", None),
    "half a character": (r'{"ID": 1, "n": "\ud800"}', "application/json", None),
    "nested": ("[" * 5_000, "application/json", None),
    "too large": (json.dumps([EVENT] * 20_000), "application/json", None),
    "a table": ("ID\n1\n", "text/csv", None),
    "a key": ('{"ID": "once"}', "application/json", "k-1"),
    "the same again": ('{"ID": "once"}', "application/json", "k-1"),
    "another body with the same key": ('{"ID": "other"}', "application/json", "k-1"),
    "an empty key": (json.dumps(EVENT), "application/json", ""),
    "a key of 256 signs": (json.dumps(EVENT), "application/json", "x" * 256),
}
RECEIPT = re.compile(r"\d{8}T\d{12}Z-[0-9a-f]{16}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("posted")


@pytest.fixture(scope="module")
def by_the_server(bundle: Path, folder: Path) -> Iterator[tuple[ServerProcess, str]]:
    """A server with the function's limits, and a key of the role `ingest`."""
    key = add_key(folder / "keys.json", "shop", ("ingest",))
    options: list[str | Path] = ["--keys", folder / "keys.json", "--max-body", str(MOST)]
    for kind in ("events", "records"):
        options += [f"--ingest-{kind}", folder / "server" / kind]
    with serving(bundle, folder, *options, "--job-workers", "0") as server:
        yield server, key


@pytest.fixture(autouse=True)
def function(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for kind in ("events", "records"):
        place = str(folder / "function" / kind)
        monkeypatch.setenv(f"SEGMENTATION_SERVING_INGEST_{kind.upper()}", place)
    monkeypatch.setenv("SEGMENTATION_SERVING_MAX_BODY", str(MOST))
    monkeypatch.setenv(ingestion.KEYS, json.dumps(KEYS))
    begin_anew()
    yield
    begin_anew()


def begin_anew() -> None:
    for each in (ingestion._settings, ingestion._targets, ingestion._keys):
        each.cache_clear()


def posted(
    body: str | bytes,
    media_type: str = "application/json",
    key: str | None = None,
    path: str = "/v1/events",
    caller: str = "arn:aws:iam::000000000000:user/shop",
) -> Any:
    """The function's response to a request that API Gateway has let through."""
    headers = {"content-type": media_type} | ({} if key is None else {"idempotency-key": key})
    event = request(body, path=path, headers=headers)
    event["requestContext"]["authorizer"] = {"iam": {"userArn": caller}}
    return ingestion.handle(event, CONTEXT)


def landed(folder: Path) -> list[bytes]:
    """The content of every file below a folder, in the order in which they landed."""
    return [path.read_bytes() for path in sorted(folder.glob("*/2*/*.jsonl"))]


@pytest.mark.parametrize("is_base64", [False, True], ids=["text", "base64"])
@pytest.mark.parametrize("path", ["/v1/events", "/v1/records"])
def test_each_body_is_answered_and_landed_as_by_the_server(
    by_the_server: tuple[ServerProcess, str], folder: Path, path: str, *, is_base64: bool
) -> None:
    server, secret = by_the_server
    receipts: tuple[list[str], list[str]] = ([], [])
    for name, (body, media_type, given) in SENT.items():
        # The same key may come again in the next of these tests.
        key = f"{given}-{is_base64}" if given == "k-1" else given
        headers = {"authorization": f"Bearer {secret}", "content-type": media_type}
        headers |= {} if key is None else {"idempotency-key": key}
        expected = httpx.post(f"{server.url}{path}", content=body.encode(), headers=headers)
        found = posted(body.encode() if is_base64 else body, media_type, key, path)
        assert found["statusCode"] == expected.status_code, name
        told = [json.loads(each) for each in (expected.text, found["body"])]
        for number, each in enumerate(told):
            if receipt := each.pop("receipt", None):
                assert RECEIPT.fullmatch(receipt)
                receipts[number].append(receipt)
        assert told[0] == told[1], name
        for header in ("content-type", "cache-control", "retry-after", "allow"):
            assert found["headers"].get(header) == expected.headers.get(header), name
    assert landed(folder / "function") == landed(folder / "server")
    of_the_key = [each[-2:] for each in receipts]
    assert all(first == second for first, second in of_the_key)


def test_keys_are_their_callers_own_and_sessions_of_a_role_are_one_caller() -> None:
    role = "arn:aws:sts::000000000000:assumed-role/shop"
    first = posted('{"ID": 1}', key="mine", caller=f"{role}/monday")
    again = posted('{"ID": 1}', key="mine", caller=f"{role}/tuesday")
    other = posted('{"ID": 2}', key="mine", caller="arn:aws:iam::000000000000:user/other")
    assert first["body"] == again["body"] != other["body"]
    assert other["statusCode"] == 202


def test_what_was_posted_is_read_as_a_landing_folder_each_request_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEGMENTATION_SERVING_INGEST_RECORDS", str(tmp_path))
    begin_anew()
    body = '[{"ID": 1, "Income": 5}, {"ID": 2}]'
    for key in ("a", "a", None):
        assert posted(body, key=key, path="/v1/records")["statusCode"] == 202
    read = [*FolderReader(place=str(tmp_path), settled_seconds=0).read_after([])]
    # Two requests with the same words are two.
    rows = [row for each in read for row in each.rows.select(["ID", "Income"]).to_pylist()]
    assert rows == [{"ID": "1", "Income": "5"}, {"ID": "2", "Income": ""}] * 2


def test_a_store_that_is_away_is_told_and_its_place_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("SEGMENTATION_SERVING_INGEST_EVENTS", str(tmp_path / "file"))
    begin_anew()
    found = posted(json.dumps(EVENT), key="away")
    assert found["statusCode"] == 503
    assert int(found["headers"]["retry-after"]) >= 1
    assert str(tmp_path) not in found["body"]
    assert str(tmp_path) in caplog.text


def test_other_paths_and_methods_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert posted("{}", path="/v1/segments")["statusCode"] == 404
    asked = ingestion.handle(request(path="/prod/v1/events", method="GET"), CONTEXT)
    assert (asked["statusCode"], asked["headers"]["allow"]) == (405, "POST")
    assert posted(json.dumps(EVENT), path="/prod/v1/events")["statusCode"] == 202
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["kind"], line["objects"], line["status"]) == ("events", 1, 202)


def test_the_function_knows_a_customers_key_by_the_names_that_the_server_does(
    bundle: Path,
) -> None:
    schema = Champion(str(bundle)).current.contract.schema
    assert tuple(KEYS) == key_names(schema)
