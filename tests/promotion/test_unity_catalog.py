"""Bundles in the registry of Unity Catalog, as MLflow's own client of it asks for them.

There is no Unity Catalog here. A registry in memory answers in its place, to the messages that the
client sends, by the rules that the client documents: versions are found by a name alone, and come
without their tags.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from google.protobuf.json_format import ParseDict
from mlflow.exceptions import RestException
from mlflow.protos import databricks_uc_registry_messages_pb2 as uc
from mlflow.store._unity_catalog.registry.rest_store import UcModelRegistryStore
from mlflow.store.artifact.local_artifact_repo import LocalArtifactRepository
from mlflow.tracking import fluent

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.promotion.registry import CHAMPION, model_name, register
from tests.promotion.example import a_bundle

# What MLflow and its libraries warn of depends on which of them other tests have loaded.
pytestmark = pytest.mark.filterwarnings("ignore")
SEGMENTER = "prod.gold.customer_segmentation_segmenter"


class Registry:
    """Registered models and their versions, in memory."""

    def __init__(self) -> None:
        self.models: dict[str, list[uc.ModelVersion]] = {}
        self.aliases: dict[tuple[str, str], str] = {}

    def answer(self, message: type, body: str, **_: Any) -> Any:
        """What the registry answers to a message, given as JSON."""
        asked = ParseDict(json.loads(body), message())
        found: Any = getattr(self, f"_{message.__name__}")(asked)
        return found

    def _GetRegisteredModelRequest(self, asked: Any) -> Any:  # noqa: N802 - the message's name
        if asked.name not in self.models:
            raise RestException({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": asked.name})
        return uc.GetRegisteredModelResponse(registered_model={"name": asked.name})

    def _CreateRegisteredModelRequest(self, asked: Any) -> Any:  # noqa: N802 - as above
        self.models[asked.name] = []
        return uc.CreateRegisteredModelResponse(registered_model={"name": asked.name})

    def _SearchModelVersionsRequest(self, asked: Any) -> Any:  # noqa: N802 - as above
        # "Currently supports a single filter condition": the client's documentation.
        assert " AND " not in asked.filter
        name = asked.filter.removeprefix("name = '").removesuffix("'")
        held = self.models.get(name, [])
        # A page a version.
        page = int(asked.page_token or 0)
        return uc.SearchModelVersionsResponse(
            model_versions=[{"name": name, "version": one.version} for one in held[page:][:1]],
            next_page_token=str(page + 1) if page + 1 < len(held) else "",
        )

    def _GetModelVersionRequest(self, asked: Any) -> Any:  # noqa: N802 - as above
        return uc.GetModelVersionResponse(
            model_version=self.models[asked.name][int(asked.version) - 1]
        )

    def _CreateModelVersionRequest(self, asked: Any) -> Any:  # noqa: N802 - as above
        versions = self.models[asked.name]
        made = uc.ModelVersion(
            name=asked.name, version=str(len(versions) + 1), tags=asked.tags, status="READY"
        )
        versions.append(made)
        return uc.CreateModelVersionResponse(model_version=made)

    def _FinalizeModelVersionRequest(self, asked: Any) -> Any:  # noqa: N802 - as above
        found = self.models[asked.name][int(asked.version) - 1]
        return uc.FinalizeModelVersionResponse(model_version=found)

    def _SetRegisteredModelAliasRequest(self, asked: Any) -> Any:  # noqa: N802 - as above
        self.aliases[asked.name, asked.alias] = asked.version
        return uc.SetRegisteredModelAliasResponse()


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    found = Registry()
    files = LocalArtifactRepository((tmp_path / "managed").as_uri())
    monkeypatch.setattr(
        UcModelRegistryStore, "_call_endpoint", lambda _, *args, **more: found.answer(*args, **more)
    )
    monkeypatch.setattr(UcModelRegistryStore, "_get_artifact_repo", lambda *_: files)
    # Another test's run may have left its experiment behind.
    monkeypatch.setattr(fluent, "_active_experiment_id", "0")
    monkeypatch.delenv("MLFLOW_EXPERIMENT_ID", raising=False)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    mlflow.set_registry_uri("databricks-uc")
    yield found
    mlflow.set_registry_uri("")
    monkeypatch.delenv("MLFLOW_REGISTRY_URI", raising=False)
    mlflow.set_tracking_uri(before)


def test_a_model_is_registered_beside_the_volume_that_its_bundle_lies_in() -> None:
    volume = BundleStore("/Volumes/prod/gold/models", "databricks")
    assert model_name(volume, "segmenter.onnx") == SEGMENTER
    assert model_name(BundleStore("data/models", "dev"), "segmenter.onnx") == (
        "customer_segmentation_dev_segmenter"
    )


def test_unity_catalog_has_each_bundle_once_and_its_alias_names_the_champion(
    registry: Registry, tmp_path: Path
) -> None:
    store = BundleStore("/Volumes/prod/gold/models", "databricks")
    first, second = a_bundle(tmp_path / "first"), a_bundle(tmp_path / "second", segments=4)
    with mlflow.start_run():
        for bundle in (first, second, first):
            register(bundle, store, CHAMPION)
    versions = registry.models[SEGMENTER]
    assert [{tag.key: tag.value for tag in one.tags}["bundle"] for one in versions] == [
        first.id,
        second.id,
    ]
    assert registry.aliases[SEGMENTER, CHAMPION] == "1"


def test_outside_of_a_run_the_alias_goes_back_to_a_version_that_is_there(
    registry: Registry, tmp_path: Path
) -> None:
    store = BundleStore("/Volumes/prod/gold/models", "databricks")
    first, second = a_bundle(tmp_path / "first"), a_bundle(tmp_path / "second", segments=4)
    with mlflow.start_run():
        register(first, store, CHAMPION)
        register(second, store, CHAMPION)
    register(first, store, CHAMPION)
    assert registry.aliases[SEGMENTER, CHAMPION] == "1"


@pytest.fixture
def local_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(fluent, "_active_experiment_id", "0")
    monkeypatch.delenv("MLFLOW_EXPERIMENT_ID", raising=False)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.chdir(tmp_path)
    yield
    mlflow.set_tracking_uri(before)


@pytest.mark.usefixtures("local_registry")
def test_any_other_registry_is_asked_for_the_one_version_and_not_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = BundleStore(str(tmp_path / "models"), "dev")
    bundles = [a_bundle(tmp_path / str(n), segments=n) for n in (3, 4, 5)]
    asked: list[str] = []
    ask = mlflow.MlflowClient.get_model_version

    def counted(client: mlflow.MlflowClient, name: str, version: str) -> Any:
        asked.append(version)
        return ask(client, name, version)

    monkeypatch.setattr(mlflow.MlflowClient, "get_model_version", counted)
    with mlflow.start_run():
        for bundle in (*bundles, bundles[0]):
            register(bundle, store, CHAMPION)
    assert {*asked} == {"1"}
