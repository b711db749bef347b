"""Which landed files start a run, and that each version of one starts one."""

from __future__ import annotations

from typing import Any

import pytest

from customer_segmentation.serving.aws_lambda import landing
from customer_segmentation.sources.files import ENDINGS

KEY = "landing/shop one/march & april.csv"


def of_bucket(key: str = "landing/shop+one/march+%26+april.csv", **changed: Any) -> dict[str, Any]:
    told = {"key": key, "size": 12, "eTag": "d41d8cd9", "sequencer": "0A1B2C"} | changed
    s3 = {"bucket": {"name": "shop"}, "object": told}
    return {"Records": [{"eventName": "ObjectCreated:Put", "s3": s3}]}


def of_bridge(key: str = KEY, **changed: Any) -> dict[str, Any]:
    told = {"key": key, "size": 12, "etag": "d41d8cd9", "sequencer": "0A1B2C"} | changed
    detail = {"bucket": {"name": "shop"}, "object": told, "reason": "PutObject"}
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}


def landed(event: dict[str, Any]) -> landing.Landed:
    (found,) = landing._landed(event)
    return found


def test_both_ways_of_an_event_name_the_same_run() -> None:
    assert landed(of_bucket()) == landed(of_bridge())
    assert landed(of_bucket()).uri == f"s3://shop/{KEY}"
    assert len(landed(of_bucket()).name) <= 80


def test_a_file_that_is_written_again_is_another_run_even_with_the_same_content() -> None:
    names = {landed(of_bucket(sequencer=one)).name for one in ("0A1B2C", "0A1B2D")} | {
        landed(of_bucket(versionId=one)).name for one in ("v1", "v2")
    }
    assert len(names) == 4


def test_a_bucket_that_keeps_no_versions_calls_them_null() -> None:
    assert landed(of_bucket(versionId="null")).version_id is None


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("landing/customers.csv.part", "being written"),
        ("landing/customers.tmp", "being written"),
        ("landing/shop/", "a folder"),
        ("landing/_SUCCESS", "a hidden file"),
        ("landing/.customers.csv.crc", "a hidden file"),
        ("landing/notes.pdf", "not one that is read"),
        ("bronze/customers.parquet", "not below landing/"),
    ],
)
def test_what_is_no_file_of_customers_starts_nothing_and_is_told(key: str, why: str) -> None:
    (told,) = landing.handle(of_bridge(key), None)["files"]
    assert why in told["ignored"]


def test_an_empty_file_starts_nothing() -> None:
    (told,) = landing.handle(of_bucket(size=0), None)["files"]
    assert told["ignored"] == "it is empty"


@pytest.mark.parametrize("event", [{}, {"Event": "s3:TestEvent"}, {"Records": [{}]}])
def test_an_event_of_no_object_is_told(event: dict[str, Any]) -> None:
    assert landing.handle(event, None) == {"files": [{"ignored": "the event tells of no object"}]}


def test_endings_are_those_that_sources_read() -> None:
    assert frozenset(ENDINGS) == landing.ENDINGS
