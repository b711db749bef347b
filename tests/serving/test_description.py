"""What the server tells of its bundle."""

from __future__ import annotations

from pathlib import Path

import httpx
import numpy as np
import pytest

from customer_segmentation.schema.file import read_schema
from customer_segmentation.serving.bundle import Bundle
from customer_segmentation.serving.description import Stored, _inputs_of, describe_bundle
from customer_segmentation.serving.stored import SegmentCounts, Summary
from tests.marketing import FOLDER


@pytest.fixture(scope="module")
def opened(bundle: Path) -> Bundle:
    return Bundle(*((bundle / f"{n}.onnx").read_bytes() for n in ("segmenter", "cold_start")))


def test_the_typical_features_lie_on_the_centroid(opened: Bundle) -> None:
    said = opened.segmenter.metadata
    scaling = said["scaling"]
    for segment, centroid in zip(
        describe_bundle(opened, None).segments, said["centroids"], strict=True
    ):
        values = np.array([part.value for part in segment.typical])
        standardised = (values - scaling["means"]) / scaling["deviations"]
        np.testing.assert_allclose(standardised @ np.array(said["components"]), centroid, atol=1e-9)


def test_each_typical_customer_is_answered_with_their_segment(opened: Bundle) -> None:
    for segment in describe_bundle(opened, None).segments:
        (answer,) = opened.answer([opened.contract.read(segment.customer, "$")])
        assert answer.segment == segment.key


def test_stored_answers_give_shares_and_offers(opened: Bundle) -> None:
    summary = Summary("state", 8, opened.version, {"s1": SegmentCounts(2, "discount", 0.5)})
    described = describe_bundle(opened, summary)
    found = described.segments[1]
    assert (found.customers, found.share) == (2, 0.25)
    assert (found.offer, found.offer_share) == ("discount", 0.5)
    assert described.segments[0].share is None
    assert described.stored == Stored(8, opened.version, is_of_champion=True)


def test_what_another_artifact_stored_is_counted_for_no_segment(opened: Bundle) -> None:
    """Its segments may have the same keys, and be others."""
    summary = Summary("state", 8, "trial", {"s1": SegmentCounts(2, "discount", 0.5)})
    described = describe_bundle(opened, summary)
    assert described.stored == Stored(8, "trial", is_of_champion=False)
    assert [(s.customers, s.share, s.offer, s.offer_share) for s in described.segments] == [
        (None, None, None, None)
    ] * 3


def test_the_bundle_is_told_without_stored_answers_and_only_once(client: httpx.Client) -> None:
    first = client.get("/v1/bundle")
    assert first.json()["stored"] is None
    income = next(field for field in first.json()["fields"] if field["name"] == "income")
    assert (income["minimum"], income["maximum"], income["unit"]) == (0.0, 1e12, "monetary units")
    labels = first.json()["labels"]
    assert (labels["income"], labels["gold"]) == ("yearly income", "gold products")
    again = client.get("/v1/bundle", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("feature", "known", "found"),
    [
        ("spend_net", {"spend_net": 60.0}, {"spend_bought": 60.0}),
        ("spend_net", {"spend_net": 60.0, "spend_refunded": 30.0}, {"spend_bought": 90.0}),
        ("lines_per_order", {"lines_per_order": 2.5, "orders": 4.0}, {"lines": 10.0}),
        # Any number of lines would do.
        ("lines_per_order", {"lines_per_order": 2.5}, {}),
        ("days_since_last_order", {"days_since_last_order": 9.0}, {"last_order_on": 9.0}),
    ],
)
def test_columns_are_found_that_give_a_feature_its_value(
    feature: str, known: dict[str, float], found: dict[str, float]
) -> None:
    schema = read_schema(FOLDER / "online_retail.yml")
    assert _inputs_of(schema, schema.features[feature], known) == found
