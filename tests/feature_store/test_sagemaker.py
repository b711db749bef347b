"""Features in SageMaker's Feature Store: moto's, and a stand-in for its runtime.

Nothing here ran on Amazon: tests/services/sagemaker.py says what the stand-in is.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from botocore.loaders import create_loader

from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.definitions import feature_set
from customer_segmentation.feature_store.online import StoreDownError
from customer_segmentation.feature_store.targets.sagemaker import SageMakerTarget
from customer_segmentation.feature_store.targets.target import publish
from tests.feature_store.features import DAY, FEW, changed, table
from tests.feature_store.test_definitions import METADATA
from tests.services.sagemaker import RefusedError, SageMaker, serve_sagemaker

# moto makes no group without an offline store.
PLACE = "sagemaker://shop?offline=s3://lake/features&role=arn:aws:iam::123456789012:role/features"
RAW, SEEN = "shop_customer_features_v1", "shop_customer_model_inputs_v1"
ROWS = {"1": (3.0, 0.25), "2": (7.0, None), "a b/ü": (0.1 + 0.2, 1.0)}
NEXT = DAY + timedelta(days=28)


@pytest.fixture(scope="module")
def server() -> Iterator[SageMaker]:
    # Each client would read the description of the service anew, for a second.
    loader = create_loader()
    with pytest.MonkeyPatch.context() as patch, serve_sagemaker() as found:
        patch.setattr("botocore.session.create_loader", lambda *_: loader)
        yield found


@pytest.fixture
def sagemaker(server: SageMaker, monkeypatch: pytest.MonkeyPatch) -> SageMaker:
    """Without any group or record."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    server.clear()
    return server


def published(rows: Any = None, day: date = DAY, features: Any = FEW) -> list[str]:
    return publish(PLACE, features, table(ROWS if rows is None else rows, day), day)


def test_a_snapshot_is_written_once_and_read_as_it_was_written(sagemaker: SageMaker) -> None:
    assert published() == [
        f"sagemaker://shop: {RAW}: 3 customers of 2026-01-31, 3 written, 0 removed",
        f"sagemaker://shop: {SEEN}: 3 customers of 2026-01-31, 3 written, 0 removed",
    ]
    target = SageMakerTarget(PLACE, FEW)
    assert target.read("a b/ü") == {
        "customer_features": {"income": 0.1 + 0.2, "deal_share": 1.0},
        "customer_model_inputs": {
            "artifact_version": "artifact-1",
            "income_standardised": (0.1 + 0.2 - 5) / 2,
        },
    }
    assert target.read("2")["customer_features"] == {"income": 7.0, "deal_share": None}
    assert target.read("3") == {}
    assert sagemaker.records[RAW]["2"] == {
        "customer_id": "2",
        "event_timestamp": "2026-01-31T00:00:00.000Z",
        "income": "7.0",
    }
    before = sagemaker.calls.count("PutRecord")
    assert [line.split("01-31, ")[1] for line in published()] == ["0 written, 0 removed"] * 2
    assert sagemaker.calls.count("PutRecord") == before == 6


def test_a_group_says_what_its_features_are(sagemaker: SageMaker) -> None:
    published()
    group = sagemaker.group(RAW)
    assert group.record_identifier_feature_name == "customer_id"
    assert group.event_time_feature_name == "event_timestamp"
    assert group.feature_definitions == [
        {"FeatureName": "customer_id", "FeatureType": "String"},
        {"FeatureName": "event_timestamp", "FeatureType": "String"},
        {"FeatureName": "income", "FeatureType": "Fractional"},
        {"FeatureName": "deal_share", "FeatureType": "Fractional"},
    ]
    assert group.offline_store_config["S3StorageConfig"]["S3Uri"] == "s3://lake/features"
    assert group.role_arn == "arn:aws:iam::123456789012:role/features"
    assert {tag["Key"]: tag["Value"] for tag in group.tags} == {
        "version": "1",
        "hash": FEW.hashes["customer_features"],
        "owner": "shop example.org",
        "artifact_version": "artifact-1",
        "as_of": "2026-01-31",
    }
    told = sagemaker.metadata[RAW, "deal_share"]
    assert told["Description"] == "Bought at a discount"
    assert told["ParameterAdditions"] == [
        {"Key": "unit", "Value": "share of 1  100"},
        {"Key": "role", "Value": "feature"},
    ]
    # Learned numbers would be another segmenter's after the next training.
    assert "less 5" not in sagemaker.metadata[SEEN, "income_standardised"]["Description"]


def test_the_next_snapshot_writes_who_changed_and_removes_who_left(sagemaker: SageMaker) -> None:
    published()
    lines = published({"1": ROWS["1"], "2": (8.0, None), "4": (1.0, 0.0)}, NEXT)
    assert [line.split("02-28, ")[1] for line in lines] == ["2 written, 1 removed"] * 2
    assert set(sagemaker.records[RAW]) == {"1", "2", "4"}
    times = {customer: one["event_timestamp"] for customer, one in sagemaker.records[RAW].items()}
    assert times["1"] == "2026-01-31T00:00:00.000Z"
    assert times["2"] == times["4"] == "2026-02-28T00:00:00.000Z"


def test_other_values_of_the_same_day_and_of_somebody_who_is_back_are_taken(
    sagemaker: SageMaker,
) -> None:
    """SageMaker drops a record whose event time is not later than the one before."""
    published()
    published(ROWS | {"1": (4.0, None)})
    published({"2": ROWS["2"]})
    published(ROWS | {"1": (5.0, None)})
    assert sagemaker.records[RAW]["1"]["income"] == "5.0"
    assert set(sagemaker.records[RAW]) == set(ROWS)


def test_numbers_of_another_segmenter_are_written_with_its_version(sagemaker: SageMaker) -> None:
    published()
    published(features=replace(FEW, artifact_version="artifact-2"))
    assert sagemaker.records[SEEN]["1"]["artifact_version"] == "artifact-2"
    assert sagemaker.records[SEEN]["1"]["event_timestamp"] == "2026-01-31T00:00:00.001Z"


def test_an_older_snapshot_changes_nothing(sagemaker: SageMaker) -> None:
    published(ROWS | {"4": (1.0, 0.0)}, NEXT)
    before = deepcopy(sagemaker.records)
    with pytest.raises(UserError, match="holds values of 2026-02-28, and what is to be written"):
        published(ROWS | {"1": (4.0, None)})
    assert sagemaker.records == before


def test_another_meaning_needs_another_version(sagemaker: SageMaker) -> None:
    published()
    with pytest.raises(UserError, match=f"{RAW} was made with .* raise `feature_store.version`"):
        published(features=changed())
    published(features=changed(version=2))
    assert set(sagemaker.records) == {RAW, SEEN, RAW[:-1] + "2", SEEN[:-1] + "2"}


def test_a_customer_is_forgotten_in_every_group(sagemaker: SageMaker) -> None:
    published()
    SageMakerTarget(PLACE, FEW).forget("1")
    assert "1" not in sagemaker.records[RAW]
    assert "1" not in sagemaker.records[SEEN]
    SageMakerTarget(PLACE, FEW).forget("nobody")
    assert len(sagemaker.records[RAW]) == 2


def test_a_busy_store_is_asked_again(sagemaker: SageMaker) -> None:
    target = SageMakerTarget(PLACE, FEW)
    target.create()
    busy = [RefusedError("ThrottlingException"), RefusedError("ServiceUnavailable", 503)]
    sagemaker.refusals += busy
    target.write(pl.from_pandas(table(ROWS)).lazy(), DAY)
    assert not sagemaker.refusals
    assert set(sagemaker.records[RAW]) == set(sagemaker.records[SEEN]) == set(ROWS)


def test_a_store_that_refuses_is_told_in_one_line(sagemaker: SageMaker) -> None:
    published()
    sagemaker.refusals += [RefusedError("AccessForbidden", 403)]
    with pytest.raises(StoreDownError, match=r"^sagemaker://shop refuses \(.*AccessForb"):
        SageMakerTarget(PLACE, FEW).read("1")


def test_a_group_that_could_not_be_made_is_told_with_the_reason(
    sagemaker: SageMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    published()
    group = sagemaker.group(RAW)
    failed = group.describe() | {"FeatureGroupStatus": "CreateFailed", "FailureReason": "no role"}
    monkeypatch.setattr(group, "describe", lambda: failed)
    with pytest.raises(UserError, match=f"{RAW} is CreateFailed: no role. Delete it"):
        published()


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("sagemaker://shop?offline=s3://lake", "give both, and nothing else"),
        ("sagemaker://shop?rôle=a", "give both, and nothing else"),
        ("sagemaker://my.shop", "takes no name such as my.shop_customer_features_v1"),
        ("sagemaker://", "there is no feature store"),
        ("vertex://shop", "give sagemaker://PREFIX, databricks or"),
    ],
)
def test_a_place_that_cannot_be_is_refused(place: str, why: str) -> None:
    with pytest.raises(UserError, match=why):
        publish(place, FEW, table(ROWS), DAY)


def test_names_and_descriptions_of_the_shipped_schema_are_taken(sagemaker: SageMaker) -> None:
    features = feature_set(METADATA)
    SageMakerTarget(PLACE, features).create()
    assert len(sagemaker.metadata) == len(features.features)


def test_a_table_without_customers_empties_nothing(sagemaker: SageMaker) -> None:
    published()
    with pytest.raises(UserError, match="holds no customer"):
        published({})
    assert len(sagemaker.records[RAW]) == 3


def test_without_a_region_the_message_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(StoreDownError, match="You must specify a region"):
        published()
