"""What a body holds: objects as sent, one a line, each with its customer's key."""

from __future__ import annotations

import json

import pytest

from customer_segmentation.schema.file import read_schema
from customer_segmentation.serving.ingestion.objects import Objects, key_names, read_objects
from customer_segmentation.serving.problems import RefusedError
from tests.conftest import CONFIGURATION
from tests.marketing import SCHEMA

KEYS = ("CustomerID", "customer_id")
JSON, LINES = "application/json", "application/x-ndjson"


def read(body: bytes, media_type: str = JSON) -> Objects:
    return read_objects(body, media_type, KEYS)


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b'[{"CustomerID": "1", "n": 1.10},\r\n {"CustomerID": "2"}]', JSON),
        (b'{"CustomerID": "1", "n": 1.10}\n\n{"CustomerID": "2"}', LINES),
    ],
)
def test_a_list_and_lines_are_the_same_objects_as_sent(body: bytes, media_type: str) -> None:
    found = read(body, media_type)
    assert found.lines == (b'{"CustomerID": "1", "n": 1.10}', b'{"CustomerID": "2"}')
    assert found.keys == ("1", "2")


def test_one_object_may_take_several_lines() -> None:
    assert read(b'{\n "CustomerID": "1"\n}').lines == (b'{  "CustomerID": "1" }',)


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ("7", "7"),
        ("7.0", "7"),
        ('"00123"', "00123"),
        ('" 7 "', "7"),
        ("12345678901234567890", "12345678901234567890"),
    ],
)
def test_the_key_is_the_cell_that_the_landing_folder_gives(sent: str, key: str) -> None:
    assert read(f'{{"CustomerID": {sent}}}'.encode()).keys == (key,)


def test_either_name_of_the_key_is_taken() -> None:
    body = b'[{"CustomerID": 1}, {"customer_id": 2}, {"CustomerID": null, "customer_id": 3}]'
    assert read(body).keys == ("1", "2", "3")


def test_objects_in_objects_are_named_by_their_path_and_numbers_stay_as_written() -> None:
    [line] = read(b'{"CustomerID": 1, "address": {"city": "Bonn", "at": {"x": 1.10}}}').lines
    assert line == b'{"CustomerID": 1, "address.city": "Bonn", "address.at.x": 1.10}'
    [line] = read(b'{"CustomerID": 1, "a.b": 2, "a": {"b": 3}}').lines
    assert line == rb'{"CustomerID": 1, "a\\.b": 2, "a.b": 3}'


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"", 400, "the body is empty"),
        (b" \n", 400, "the body is empty"),
        (b"[]", 400, "holds no object"),
        (b"{", 400, "is not JSON"),
        (b'{"CustomerID": 1} {', 400, "is not JSON"),
        (b"\xff", 400, "is not JSON"),
        (b"[" * 100_000, 400, "is not JSON"),
        (b"[1]", 422, "is not an object"),
        (b'{"CustomerID": 1, "n": [1]}', 422, "holds a list"),
        (b'{"CustomerID": 1, "CustomerID": 2}', 422, "a name is repeated"),
        (b'{"CustomerID": 1, "a": {"b": 3, "b": 4}}', 422, "a name is repeated"),
        (b'{"CustomerID": 1, "landed__change": "removed"}', 422, "names that landing adds"),
        (
            b'{"CustomerID": 1, "a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {}}}}}}}}}',
            422,
            "deep",
        ),
        (b'{"CustomerID": 1, "n": NaN}', 422, "is no number of JSON"),
        (b'{"CustomerID": 1, "row_number": 2}', 422, "names that ingestion adds"),
        (b'{"CustomerID": "a\\u0000"}', 422, "holds a NUL"),
    ],
)
def test_what_could_not_be_landed_is_refused_with_its_reason(
    body: bytes, status: int, told: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        read(body)
    assert (refused.value.status, told in str(refused.value)) == (status, True)


def test_each_object_without_a_key_is_named() -> None:
    body = b'[{"n": 1}, {"CustomerID": 1}, {"CustomerID": ""}, {"CustomerID": "%s"}]' % (b"x" * 257)
    with pytest.raises(RefusedError) as refused:
        read(body)
    problems = json.loads(refused.value.body)["errors"]
    assert [(each["path"], each["problem"]) for each in problems] == [
        ("$[0].CustomerID", "missing"),
        ("$[2].CustomerID", "missing"),
        ("$[3].CustomerID", "too long"),
    ]


def test_the_schema_says_how_the_key_is_called() -> None:
    lines = read_schema(CONFIGURATION / "schemas" / "online_retail.yml")
    assert key_names(lines) == ("CustomerID", "customer_id")
    assert key_names(SCHEMA) == ("ID", "customer_id")
