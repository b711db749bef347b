"""An environment as Feast's CLI, UI and library read it: a registry, and `feature_store.yaml`."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from kedro.config import MissingConfigException
from kedro.framework.context import KedroContext

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.datasets.history_parts import HistoryPartsDataset
from customer_segmentation.datasets.pending import place_of
from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.definitions import VIEWS, conflicts, feature_set
from customer_segmentation.feature_store.feast.objects import (
    HASH,
    SERVICE,
    VERSION,
    feast_objects,
)
from customer_segmentation.feature_store.online import OnlineFeatures
from customer_segmentation.feature_store.redis import without_password
from customer_segmentation.feature_store.stores import (
    ONLINE_FILE,
    SETTING,
    SQLITE,
    open_store,
)
from customer_segmentation.scoring.metadata import metadata_of
from customer_segmentation.spark import submit_options
from customer_segmentation.tables.history import CREATED
from customer_segmentation.tables.schemas import EVENT_TIME

if TYPE_CHECKING:
    from feast import FeatureStore, FeatureView
    from feast.data_source import DataSource

PROJECT = "customer_segmentation"
REGISTRY, CONFIGURATION = "registry.db", "feature_store.yaml"
ONLINE, HISTORY = "online_features", "gold_feature_history"
_WRITING = ".writing-"


@dataclass(frozen=True)
class FeastPlaces:
    """Where an environment keeps what Feast reads.

    Attributes:
        environment: Its name.
        folder: Of the registry and `feature_store.yaml`.
        online: Which online store, as `open_store` takes it.
        models: The root of its bundles.
        history: The history of features: a path, a URL, or the name of a table.
        kind: `parquet` for a folder of parts, `delta` for a Delta table at a path, `table` for one
            that Spark knows by name.
        spark: Settings of the session that reads the latter two.
    """

    environment: str
    folder: Path
    online: str
    models: str
    history: str
    kind: Literal["parquet", "delta", "table"]
    spark: Mapping[str, Any]

    @classmethod
    def of(cls, context: KedroContext) -> FeastPlaces:
        """Those of the environment of a session."""
        loader, project = context.config_loader, Path(context.project_path)
        places, told = loader["globals"], loader["catalog"][ONLINE]
        history: Any = context.catalog.get(HISTORY)
        place, is_parts = place_of(history), isinstance(history, HistoryPartsDataset)
        kind: Literal["parquet", "delta", "table"] = "parquet" if is_parts else "delta"
        if place is None:
            table = history._table  # noqa: SLF001 - a managed table has no other name
            kind, place = "table", f"{table.catalog}.{table.database}.{table.table}"
        elif not is_parts:
            # Spark's name of it.
            place = place.replace("s3://", "s3a://", 1)
        spark: Mapping[str, Any] = {}
        with suppress(MissingConfigException):
            spark = loader["spark"]
        models = str(places["models"])
        return cls(
            environment=str(places["environment"]),
            folder=(project / told["filepath"]).parent,
            online=told["store"] or SQLITE,
            models=models if "://" in models else str(project / models),
            history=place,
            kind=kind,
            spark=spark,
        )

    @property
    def source(self) -> DataSource:
        """The history of features, for Feast."""
        told: dict[str, Any] = {
            "name": HISTORY,
            "timestamp_field": EVENT_TIME,
            "created_timestamp_column": CREATED,
            "description": "What each run said of each customer on the day of its snapshot",
        }
        if self.kind == "parquet":
            from feast import FileSource  # noqa: PLC0415 - an extra of its own, and seconds

            is_url = "://" in self.history
            path = self.history if is_url else relpath(self.history, self.folder)
            return FileSource(path=path, **told)
        from feast.infra.offline_stores.contrib.spark_offline_store.spark_source import (  # noqa: PLC0415 - as above
            SparkSource,
        )

        if self.kind == "table":
            return SparkSource(table=self.history, **told)
        from feast.table_format import DeltaFormat  # noqa: PLC0415 - as above

        return SparkSource(path=self.history, table_format=DeltaFormat(), **told)

    @property
    def configuration(self) -> dict[str, Any]:
        """What `feature_store.yaml` holds; a password stays in the environment variable."""
        store = self.online
        if without_password(store) != store:
            store = f"${{{SETTING}}}"
        package = __name__.rpartition(".")[0]
        offline: dict[str, Any] = {"type": f"{package}.offline.HistoryOfflineStore"}
        if self.kind != "parquet":
            options = submit_options(self.spark)[1::2]
            offline = {
                "type": "spark",
                "spark_conf": dict(option.split("=", 1) for option in options),
            }
        return {
            "project": PROJECT,
            "provider": "local",
            "registry": REGISTRY,
            "entity_key_serialization_version": 3,
            "online_store": {
                "type": f"{package}.online.SnapshotOnlineStore",
                "store": store,
                "environment": self.environment,
            },
            "offline_store": offline,
        }


def apply_definitions(places: FeastPlaces) -> list[str]:
    """Write the registry, and `feature_store.yaml` beside it, of what the online store holds.

    Returns:
        Lines to print.

    Raises:
        UserError: Feast is not installed, nothing was filled yet, the model of the values is not
            kept, or a view changed under the same version.
        StoreDownError: The online store does not answer.
    """
    _require_feast()
    store = open_store(places.online, places.environment, str(places.folder / ONLINE_FILE))
    try:
        live = OnlineFeatures(store).live()
    finally:
        store.close()
    if live is None:
        message = f"{store.name} holds no features of {places.environment} yet: make feature-store"
        raise UserError(message)
    model = BundleStore(places.models).segmenter(live.artifact_version)
    if model is None:
        raise UserError(
            f"{places.models} does not keep segmenter {live.artifact_version}, which the values in "
            f"{store.name} are of: make feature-store"
        )
    import onnx  # noqa: PLC0415 - only here

    metadata = metadata_of(onnx.load_model_from_string(model))
    features = feature_set(metadata)
    columns = [name for name in metadata["columns"] if name in live.columns]
    places.folder.mkdir(parents=True, exist_ok=True)
    registry, written = places.folder / REGISTRY, places.folder / f"{_WRITING}{REGISTRY}"
    # A kill must leave the registry whole, and Feast writes it in place.
    written.unlink(missing_ok=True)
    if registry.exists():
        shutil.copy(registry, written)
    try:
        feast = _registry(places, written.name)
        known = [_told(view) for view in feast.list_feature_views() if HASH in view.tags]
        if changed := conflicts(features, known):
            raise UserError(
                f"features: {'; '.join(changed)} in {registry}. Others read them by that version: "
                "raise `feature_store.version` in the schema"
            )
        feast.apply(feast_objects(features, live, columns, places.source))
        views = feast.list_feature_views()
        text = yaml.safe_dump(places.configuration, sort_keys=False)
        (places.folder / CONFIGURATION).write_text(text)
        written.replace(registry)
    finally:
        written.unlink(missing_ok=True)
    return [
        *(
            f"{view.name}: {len(view.features)} features, version {view.tags[VERSION]} "
            f"({view.tags[HASH]})"
            for view in views
            if view.name in VIEWS
        ),
        f"service {SERVICE}: what segmenter {live.artifact_version} takes and sees",
        f"Registry and {CONFIGURATION}: {places.folder}",
    ]


def feature_store(places: FeastPlaces) -> FeatureStore:
    """An environment's store, ready to be asked.

    Raises:
        UserError: Feast is not installed, or no definitions were applied yet.
    """
    _require_feast()
    if not (places.folder / REGISTRY).exists():
        raise UserError(f"{places.folder} has no {REGISTRY} yet: kedro feature apply")
    from customer_segmentation.feature_store.feast.client import (  # noqa: PLC0415 - it imports Feast
        SegmentationFeatureStore,
    )

    return SegmentationFeatureStore(
        repo_path=str(places.folder), fs_yaml_file=places.folder / CONFIGURATION
    )


def _require_feast() -> None:
    if find_spec("feast") is None:
        raise UserError("Feast is not installed: make feature-store")


def _registry(places: FeastPlaces, file: str) -> FeatureStore:
    """The store with its registry in another file of the folder."""
    from feast import FeatureStore, RepoConfig  # noqa: PLC0415 - as above

    config = RepoConfig(**places.configuration | {"registry": file})
    config.repo_path = places.folder
    return FeatureStore(repo_path=str(places.folder), config=config)


def _told(view: FeatureView) -> dict[str, Any]:
    return {"version": int(view.tags[VERSION]), "hashes": {view.name: view.tags[HASH]}}
