"""A bundle of another schema is served whole, and tells nothing of the published file's columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from tests.serving.jobs.posting import done, fetched
from tests.serving.process import ServerProcess, serving
from tests.serving.wholesale import (
    NO_COLD_START,
    PRODUCTS,
    SCHEMA,
    a_client,
    foreign,
    write_wholesale,
)

HEADERS = ("Channel", "Region", "Fresh", "Milk", "Grocery", "Frozen", "Detergents_Paper")
HEADER = ",".join((*HEADERS, "Delicassen"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Start a server of the wholesaler's bundle."""
    folder = write_wholesale(tmp_path_factory.mktemp("wholesale"))
    with serving(folder, tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture(scope="module")
def asked(site: ServerProcess) -> Iterator[httpx.Client]:
    """Connect to it."""
    with httpx.Client(base_url=site.url, timeout=30.0) as connected:
        yield connected


@pytest.fixture(scope="module")
def described(asked: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = asked.get("/v1/bundle").raise_for_status().json()
    return found


@pytest.fixture(scope="module")
def document(asked: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = asked.get("/schema/openapi.json").raise_for_status().json()
    return found


def test_clients_get_segments_in_both_sets_of_names(asked: httpx.Client) -> None:
    in_headers = dict(zip(("Fresh", "Milk"), (30_000, 3_000), strict=True))
    client = a_client() | {"customer_id": 7}
    sent = {n: v for n, v in client.items() if n not in {"spend_fresh", "spend_milk"}} | in_headers
    listed = asked.post("/v1/segments", json=[client, sent]).raise_for_status().json()
    assert listed[0] == listed[1]
    answer = listed[0]
    assert answer.keys() == {
        *("segment", "segment_name", "artifact_version", "model", "customer_id", "runner_up"),
        *("margin", "product"),
    }
    assert (answer["customer_id"], answer["product"]) == ("7", "fresh")
    assert foreign(listed) == []


def test_different_kinds_of_clients_are_of_different_segments(asked: httpx.Client) -> None:
    grocer = a_client(spend_fresh=4_000, spend_milk=12_000, spend_grocery=25_000) | {
        "spend_detergents": 11_000
    }
    clients = [a_client(), grocer, dict.fromkeys(a_client(), 3_000)]
    answers = asked.post("/v1/segments", json=clients).raise_for_status().json()
    assert len({answer["segment"] for answer in answers}) == 3
    assert answers[1]["product"] in {"grocery", "detergents", "milk"}


def test_a_segment_is_explained_by_the_schemas_features(asked: httpx.Client) -> None:
    body = a_client()
    answer = asked.post("/v1/segments?explain=true", json=body).raise_for_status().json()
    explanation = answer["explanation"]
    assert {part["feature"] for part in explanation["pulls"]} == {*SCHEMA.segment_features}
    change = explanation["smallest_change"]
    moved = asked.post("/v1/segments", json=body | {change["field"]: change["to"]}).json()
    assert moved["segment"] == explanation["against"]
    assert foreign(answer) == []


def test_what_is_wrong_is_told_in_the_schemas_words(asked: httpx.Client) -> None:
    sent = a_client(spend_fresh=-1, sector="hotel", income=5) | {"as_of": "never"}
    told = asked.post("/v1/segments", json=sent)
    assert told.status_code == 422
    problems = {error["path"]: error["accepted"] for error in told.json()["errors"]}
    assert problems == {
        "$.spend_fresh": "a number from 0 to 1000000000000",
        "$.sector": "one of hospitality, retail",
        "$.income": "a canonical column or an alias",
        "$.as_of": "a day, as 2014-12-31",
    }


def test_numbers_are_scored_as_records_are(asked: httpx.Client, document: dict[str, Any]) -> None:
    taken = document["paths"]["/invocations"]["post"]["requestBody"]["content"]
    for example in taken["application/json"]["examples"].values():
        found = asked.post("/invocations", json=example["value"]).raise_for_status().json()
        assert found["predictions"][0]["segment"] >= 0
    sheet = taken["text/csv"]["examples"]["file"]["value"]
    assert re.fullmatch(taken["text/csv"]["schema"]["pattern"].strip("^$"), sheet)


def test_the_bundle_is_described_in_the_schemas_words(
    asked: httpx.Client, described: dict[str, Any]
) -> None:
    assert (described["as_of"], described["period"]) == ("2014-12-31", "a year")
    fields = {field["name"]: field for field in described["fields"]}
    assert fields.keys() == SCHEMA.columns.keys()
    assert {name for name, field in fields.items() if field["needed"]} == {*a_client()}
    assert described["decisions"].keys() == {"product"}
    assert described["labels"]["spend_fresh"] == "spend on fresh products"
    for segment in described["segments"]:
        answer = asked.post("/v1/segments", json=segment["customer"]).raise_for_status().json()
        assert answer["segment"] == segment["key"]
    # Why a decision is not taken names the role that the schema has not.
    reasons = described["left_out"]
    assert reasons["cold_start"] == NO_COLD_START
    assert foreign({**described, "left_out": None}) == []


def test_the_openapi_document_is_of_the_schema(
    asked: httpx.Client, document: dict[str, Any]
) -> None:
    validate(document)
    schemas = document["components"]["schemas"]
    assert schemas["Customer"]["required"] == [*a_client()]
    assert schemas["Customer"]["properties"].keys() == {*SCHEMA.columns, "as_of"}
    assert "product" in schemas["Answer"]["properties"]
    operation = document["paths"]["/v1/segments"]["post"]
    sent = operation["requestBody"]["content"]["application/json"]["examples"]
    told = operation["responses"]["200"]["content"]["application/json"]["examples"]
    schema = {"$ref": "#/components/schemas/Customer", "components": document["components"]}
    Draft202012Validator(schema).validate(sent["customer"]["value"])
    answer = asked.post("/v1/segments", json=sent["customer"]["value"]).json()
    assert answer == told["customer"]["value"]
    assert foreign(document) == []
    assert foreign(asked.get("/docs").text) == []


def test_a_file_with_the_published_headers_and_no_key_is_scored(asked: httpx.Client) -> None:
    rows = ["1,3,30000,3000,5000,8000,1000,3000", "2,3,4000,12000,25000,2000,11000,2000"]
    wrong = "1,3,-5,3000,5000,8000,1000,3000"
    text = "\n".join([HEADER, *rows, wrong, ""])
    job = done(asked, text)
    assert (job["rows"], job["rows_rejected"]) == (3, 1)
    results = list(csv.DictReader(io.StringIO(fetched(asked, job, "results").decode())))
    assert [row["customer_id"] for row in results] == ["1", "2"]
    alone = asked.post("/v1/segments", json=a_client()).json()
    assert [results[0][name] for name in ("segment", "product")] == [alone["segment"], "fresh"]
    rejected = fetched(asked, job, "rejected").decode()
    assert "spend_fresh" in rejected
    assert foreign([results, rejected, job]) == []


def test_a_file_without_a_column_is_refused_by_its_names(asked: httpx.Client) -> None:
    job = asked.post("/v1/jobs", content="Fresh,Milk\n1,2\n", headers={"content-type": "text/csv"})
    found = job.json()
    while found["state"] in {"queued", "running"}:
        found = asked.get(f"/v1/jobs/{found['id']}").json()
    assert found["state"] == "failed"
    assert all(
        f"spend_{name}" in found["message"] for name in PRODUCTS if name not in {"fresh", "milk"}
    )
    assert foreign(found) == []


def test_the_pages_own_files_name_no_column(asked: httpx.Client) -> None:
    page = asked.get("/").text
    scripts = {*re.findall(r"page/\w+\.(?:js|css)", page), *_imported(asked, "page/page.js")}
    assert len(scripts) > 5
    for path in scripts:
        assert foreign(asked.get(f"/{path}").text) == [], path
    assert foreign(page) == []


def _imported(asked: httpx.Client, path: str) -> set[str]:
    """The scripts that one imports, through all."""
    found = {f"page/{name}" for name in re.findall(r'from "\./(\w+\.js)"', asked.get(path).text)}
    return found.union(*(_imported(asked, each) for each in found))
