"""The online store as Feast reads it: the very rows that a run wrote, of its live snapshot.

Feast imports this module by the path of the class in `feature_store.yaml`.
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from feast import FeatureView
from feast.infra.online_stores.online_store import OnlineStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.repo_config import FeastConfigBaseModel, RepoConfig
from pydantic import StrictStr

from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.definitions import no_feature
from customer_segmentation.feature_store.feast.objects import HASH, VERSION
from customer_segmentation.feature_store.online import OnlineFeatures
from customer_segmentation.feature_store.rows import Snapshot, decoded_row
from customer_segmentation.feature_store.stores import ONLINE_FILE, open_store

_Read = tuple[Snapshot | None, list[bytes | None]]
_Row = tuple[datetime | None, dict[str, Value] | None]

FILLED_BY = (
    "the online store holds whole snapshots, which are shown at once: fill it by "
    "kedro run --pipeline=feature_export, which Feast cannot"
)


class SnapshotOnlineStoreConfig(FeastConfigBaseModel):
    """The block `online_store` of feature_store.yaml.

    Attributes:
        type: The path of the class.
        store: Which store, as `open_store` takes it.
        environment: Whose features they are.
    """

    type: StrictStr = f"{__name__}.SnapshotOnlineStore"
    store: StrictStr
    environment: StrictStr


class SnapshotOnlineStore(OnlineStore):
    """Reads for Feast what `OnlineFeatures` holds, and writes nothing."""

    def __init__(self) -> None:
        self._opened: OnlineFeatures | None = None
        # What one request has read: all its views must be of one snapshot.
        self._request: ContextVar[dict[tuple[str, ...], _Read] | None]
        self._request = ContextVar("request", default=None)

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[_Row]:
        """The day of the values and a view's values of each customer; null as an empty value.

        Raises:
            UserError: The store holds other definitions than the registry, or lacks a feature.
            StoreDownError: It does not answer.
        """
        customers = tuple(str(key.entity_values[0].string_val) for key in entity_keys)
        snapshot, rows = self._read(config, customers)
        if snapshot is None:
            return [(None, None)] * len(rows)
        _require_same(table, snapshot)
        names = requested_features or [one.name for one in table.features]
        columns = {name: place for place, name in enumerate(snapshot.columns)}
        for name in names:
            if name not in columns:
                raise no_feature(name, columns)
        places = [columns[name] for name in names]
        at = datetime.combine(snapshot.day, time(), UTC)
        return [
            (None, None) if row is None else (at, _values(names, decoded_row(row)[places]))
            for row in rows
        ]

    def online_write_batch(self, *_: Any, **__: Any) -> NoReturn:  # noqa: ANN401 - whatever it brings
        """Refuse to: `materialize` and `push` bring some columns of some customers.

        Raises:
            UserError: Always; says what fills the store.
        """
        raise UserError(FILLED_BY)

    def update(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - as above
        """Nothing to do: the store is made by what fills it."""

    def teardown(self, *_: Any, **__: Any) -> NoReturn:  # noqa: ANN401 - as above
        """Refuse to: servers read the store without Feast.

        Raises:
            UserError: Always.
        """
        raise UserError("servers read the online store without Feast, which may not remove it")

    def _read_features_per_fv(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as the parent has it
        token = self._request.set({})
        try:
            super()._read_features_per_fv(*args, **kwargs)
        finally:
            self._request.reset(token)

    def _read(self, config: RepoConfig, customers: tuple[str, ...]) -> _Read:
        known = self._request.get()
        if known is not None and customers in known:
            return known[customers]
        if self._opened is None:
            told = config.online_store
            file = str(Path(config.repo_path or "") / ONLINE_FILE)
            self._opened = OnlineFeatures(open_store(told.store, told.environment, file))
        found = self._opened.read(customers)
        if known is not None:
            known[customers] = found
        return found


def _require_same(view: FeatureView, snapshot: Snapshot) -> None:
    """Values must be of the definitions that the registry tells."""
    told, held = view.tags.get(HASH), snapshot.hashes.get(view.name)
    if told != held:
        raise UserError(
            f"{view.name}: the registry tells version {view.tags.get(VERSION)} ({told}), and the "
            f"online store holds version {snapshot.version} ({held}): kedro feature apply"
        )


def _values(names: list[str], numbers: Any) -> dict[str, Value]:  # noqa: ANN401 - an array
    known = (~np.isnan(numbers)).tolist()
    return {
        name: Value(double_val=number) if is_known else Value()
        for name, number, is_known in zip(names, numbers.tolist(), known, strict=True)
    }
