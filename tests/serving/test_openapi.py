"""The OpenAPI document says what the server does: its schema and its examples are tried on it."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from customer_segmentation.serving.access import _declared
from customer_segmentation.serving.app import make_app
from customer_segmentation.serving.openapi.customer import day_pattern
from customer_segmentation.serving.openapi.page import marked
from customer_segmentation.serving.settings import Settings

Document = dict[str, Any]
# For browsers, and what tells of the API itself.
PAGES = {"/", "/page/{name}", "/docs", "/schema/openapi.json"}


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> Document:
    return client.get("/schema/openapi.json").json()


def test_the_document_is_openapi(document: Document) -> None:
    validate(document)
    assert document["openapi"] == "3.1.0"


def test_every_example_is_answered_as_it_says(client: httpx.Client, document: Document) -> None:
    operation = document["paths"]["/v1/segments"]["post"]
    asked = operation["requestBody"]["content"]["application/json"]["examples"]
    told = operation["responses"]["200"]["content"]["application/json"]["examples"]
    assert asked.keys() == {"customer", "at_sign_up", "list"}
    for name, example in asked.items():
        answer = client.post("/v1/segments", json=example["value"])
        assert answer.json() == told[name]["value"]
    explained = client.post("/v1/segments?explain=true", json=asked["customer"]["value"])
    assert explained.json() == told["customer_explained"]["value"]


def test_the_page_sends_files_as_media_types_that_the_server_takes(
    client: httpx.Client, document: Document
) -> None:
    script = client.get("/page/drop.js").text
    table = script[script.index("const TYPES") : script.index("};")]
    sent = set(re.findall('"(.+?)"', table))
    taken = document["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]
    assert "text/csv" in sent <= taken.keys()


def test_the_example_of_a_wrong_customer_is_what_the_server_says(
    client: httpx.Client, document: Document
) -> None:
    refused = document["components"]["responses"]["UNPROCESSABLE_ENTITY"]
    told = refused["content"]["application/problem+json"]["example"]
    wrong = _customer(document) | {"year_birth": -1}
    answer = client.post("/v1/segments", json=wrong)
    assert (answer.status_code, answer.json()) == (422, told)


def test_an_invocation_is_answered_in_each_form_of_its_examples(
    client: httpx.Client, document: Document
) -> None:
    taken = document["paths"]["/invocations"]["post"]["requestBody"]["content"]
    for example in taken["application/json"]["examples"].values():
        assert len(client.post("/invocations", json=example["value"]).json()["predictions"]) == 1
    sheet = taken["text/csv"]["examples"]["file"]["value"]
    assert re.fullmatch(taken["text/csv"]["schema"]["pattern"].strip("^$"), sheet)
    answer = client.post("/invocations", content=sheet, headers={"content-type": "text/csv"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"customer_id": 7},
        {"customer_id": 7.0},
        {"customer_id": None},
        {"income": 0.5},
        {"kids_home": 2.0},
        {"education": None},
        {"education": "phd", "complained": 1},
        {"enrolled_on": "2012-02-29"},
        {"as_of": "2014-12-31"},
        {"customer_id": " "},
        {"customer_id": True},
        {"customer_id": "x" * 257},
        {"income": -1},
        {"income": "1"},
        {"income": None},
        {"income": 1e13},
        {"kids_home": 1.5},
        {"year_birth": 1850},
        {"education": "none"},
        {"enrolled_on": "2014-07-01"},
        {"enrolled_on": "2013-02-29"},
        {"as_of": "never"},
        {"spend_wines": None},
        {"unknown": 1},
    ],
)
def test_the_schema_and_the_server_agree(
    client: httpx.Client, document: Document, change: Document
) -> None:
    record = _customer(document) | change
    schema = {"$ref": "#/components/schemas/Customer", "components": document["components"]}
    is_right = Draft202012Validator(schema).is_valid(record)
    assert client.post("/v1/segments", json=record).status_code == (200 if is_right else 422)


def test_the_document_has_every_route_and_method_of_the_server(
    bundle: Path, document: Document
) -> None:
    routes = make_app(Settings(bundle=str(bundle)))._router.routes
    served = {
        (re.sub(r":\w+}", "}", route.path), method)
        for route in routes
        for method in {*_declared(route).methods} - {"HEAD", "OPTIONS"}
    }
    told = {(path, m.upper()) for path, methods in document["paths"].items() for m in methods}
    assert told == {(path, method) for path, method in served if path not in PAGES}
    assert {path for path, _ in served} > PAGES


def test_every_status_that_is_answered_is_told_of(client: httpx.Client, document: Document) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            answer = client.request(method, re.sub(r"{\w+}", "x", path))
            assert str(answer.status_code) in operation["responses"], (method, path)


def test_every_example_keeps_its_schema(document: Document) -> None:
    contents = [
        content
        for methods in document["paths"].values()
        for operation in methods.values()
        for body in (operation.get("requestBody", {}), *operation["responses"].values())
        for content in body.get("content", {}).values()
        if "schema" in content and "examples" in content
    ]
    assert len(contents) > 8
    for content in contents:
        schema = content["schema"] | {"components": document["components"]}
        for example in content["examples"].values():
            Draft202012Validator(schema).validate(example["value"])


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2000, 1, 1), date(2014, 6, 30)),
        (date(2012, 2, 28), date(2012, 3, 1)),
        (date(2011, 12, 31), date(2013, 1, 1)),
    ],
)
def test_the_pattern_of_days_is_that_of_the_days(first: date, last: date) -> None:
    pattern = day_pattern(first, last)
    around = [first + timedelta(days=n) for n in range(-400, (last - first).days + 400)]
    for day in around:
        assert bool(re.fullmatch(pattern, day.isoformat())) is (first <= day <= last)
    assert not re.fullmatch(pattern, f"{last.year}-02-30")


def test_the_documentation_escapes_what_it_shows(client: httpx.Client) -> None:
    page = client.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" not in page.text
    assert marked("<b> `<i>`") == "&lt;b&gt; <code>&lt;i&gt;</code>"


def _customer(document: Document) -> Document:
    content = document["paths"]["/v1/segments"]["post"]["requestBody"]["content"]
    return content["application/json"]["examples"]["customer"]["value"]
