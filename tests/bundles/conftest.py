"""Two bundles, and a store of each kind: a folder and two S3 servers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from s3fs import S3FileSystem

from customer_segmentation.bundles.bundle import StoredBundle
from customer_segmentation.bundles.store import BundleStore
from tests.promotion.example import a_bundle
from tests.services.s3 import S3Server


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> StoredBundle:
    return a_bundle(tmp_path_factory.mktemp("three"), 3)


@pytest.fixture(scope="module")
def four(tmp_path_factory: pytest.TempPathFactory) -> StoredBundle:
    return a_bundle(tmp_path_factory.mktemp("four"), 4)


@pytest.fixture(params=["folder", "moto_server", "versitygw_server"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BundleStore]:
    if request.param == "folder":
        yield BundleStore(str(tmp_path / "models"), "staging")
        return
    server: S3Server = request.getfixturevalue(request.param)
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    bucket = f"bundles-{uuid.uuid4().hex[:8]}"
    server.make_bucket(bucket)
    yield BundleStore(f"s3a://{bucket}/models", "staging")
    S3FileSystem.clear_instance_cache()
