"""The online store as a run fills it: shown to readers when the whole run is published."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import narwhals as nw
from kedro.io import AbstractDataset
from narwhals.typing import IntoFrame

from customer_segmentation.datasets.pending import filesystem_of, publish
from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.definitions import FeatureSet, conflicts
from customer_segmentation.feature_store.online import OnlineFeatures, StoreDownError
from customer_segmentation.feature_store.rows import Snapshot
from customer_segmentation.feature_store.stores import (
    ONLINE_FILE,
    SETTING,
    SQLITE,
    open_store,
)
from customer_segmentation.run_record import current_run
from customer_segmentation.schema.parts import KEY
from customer_segmentation.tables.history import day_of
from customer_segmentation.tables.schemas import EVENT_TIME


@dataclass(frozen=True)
class FeatureTable:
    """What is to be read one customer at a time.

    Attributes:
        table: `gold_feature_table`, of any engine.
        features: What its columns mean.
        source_sha256: Of the source that it comes from.
    """

    table: IntoFrame
    features: FeatureSet
    source_sha256: str


class OnlineFeaturesDataset(AbstractDataset[FeatureTable, Any]):
    """Fills the online store, and keeps a file that says with what.

    A save writes the rows that differ where no reader sees them. In a run they are shown once the
    whole run is published (`WholeFilesCatalog`), all at the same moment.

    Args:
        filepath: The file, JSON.
        store: Which store, as `open_store` takes it; '' for none, and then nothing is written.
        environment: The name of the environment.
        metadata: For plugins.
    """

    def __init__(
        self,
        *,
        filepath: str,
        store: str,
        environment: str,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """The store need not be there yet."""
        self._place = filepath
        # `WholeFilesCatalog` redirects it; without a store there is nothing to hold back.
        self._filepath = filepath if store else None
        self._named, self._environment = store, environment
        self.metadata = metadata

    @property
    def is_on(self) -> bool:
        """Whether there is a store to fill."""
        return bool(self._named)

    @property
    def beside(self) -> str:
        """The file of SQLite that is the store, where no other is named."""
        return f"{self._place.rpartition('/')[0]}/{ONLINE_FILE}"

    def open(self) -> OnlineFeatures:
        """The store; where none is named, the file that there may be from earlier runs.

        Raises:
            UserError: It is of a kind that there is not.
        """
        return OnlineFeatures(open_store(self._named or SQLITE, self._environment, self.beside))

    def load(self) -> dict[str, Any]:
        """What the store was last filled with.

        Raises:
            UserError: It was never filled.
        """
        files, path = filesystem_of(self._place)
        try:
            told: dict[str, Any] = json.loads(files.cat_file(path))
        except FileNotFoundError as error:
            message = "no feature store was filled yet: make feature-store"
            raise UserError(message) from error
        return told

    def save(self, data: FeatureTable) -> None:
        """Write what differs from what readers see; show it, unless a run holds it back.

        Raises:
            UserError: The store does not answer, or a definition changed under the same version.
        """
        if not self.is_on:
            return
        online = self.open()
        try:
            live = online.live()
            _require_new_version(data.features, live, online.store.name)
            customers, numbers, told = _rows(data)
            written = online.stage(customers, numbers, told)
        finally:
            online.store.close()
        receipt = {
            "store": online.store.name,
            "changed": written.changed,
            "removed": written.removed,
            "is_new": written.is_new,
            "snapshot": asdict(written.snapshot if written.is_new or not live else live),
        }
        files, path = filesystem_of(str(self._filepath))
        files.makedirs(path.rpartition("/")[0], exist_ok=True)
        files.pipe_file(path, json.dumps(receipt, indent=2).encode())
        if str(self._filepath) == self._place:
            self._show(receipt)

    def merge_from(self, waiting: str) -> None:
        """Show what waits; repeating it changes nothing.

        Args:
            waiting: The file that says what.
        """
        files, path = filesystem_of(waiting)
        if self.is_on and files.exists(path):
            self._show(json.loads(files.cat_file(path)))
        publish(waiting, self._place)

    def _show(self, receipt: dict[str, Any]) -> None:
        if not receipt["is_new"]:
            return
        online = self.open()
        try:
            online.switch(Snapshot.of(receipt["snapshot"]))
            online.sweep()
        except StoreDownError as error:
            message = f"{error.message}: run again once it does, which shows what this run wrote"
            raise StoreDownError(message) from error
        finally:
            online.store.close()

    def lines(self) -> list[str]:
        """What a run says of it at its end."""
        if not self.exists():
            return []
        told = self.load()
        snapshot = told["snapshot"]
        held = f"{snapshot['customers']:,} customers of {snapshot['as_of']} in {told['store']}"
        if not self.is_on:
            when = snapshot["written_at"]
            unset = f"Feature store: not filled, as {SETTING} is not set; it may still hold"
            return [f"{unset} {held}, written {when}"]
        changes = f"{told['changed']:,} written, {told['removed']:,} removed"
        return [f"Feature store: {held}: {changes}, snapshot {snapshot['number']}"]

    def _exists(self) -> bool:
        files, path = filesystem_of(self._place)
        return bool(files.exists(path))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._place, "environment": self._environment}


def _require_new_version(features: FeatureSet, live: Snapshot | None, store: str) -> None:
    if changed := conflicts(features, live.versions if live else ()):
        raise UserError(
            f"features: {'; '.join(changed)} in {store}. Others read them by that version: raise "
            "`feature_store.version` in the schema, or name another store"
        )


def _rows(data: FeatureTable) -> tuple[list[str], Any, Snapshot]:
    """The customers, their numbers, and what a snapshot of them says."""
    rows = nw.from_native(data.table).lazy().collect("pyarrow")
    if not len(rows):
        raise UserError("gold_feature_table holds no customer: there is nothing to serve")
    days = {day_of(day) for day in rows[EVENT_TIME].unique().to_list()}
    if len(days) != 1:
        message = f"gold_feature_table is of several days: {sorted(days)}"
        raise ValueError(message)
    columns = [name for name in rows.columns if name not in (KEY, EVENT_TIME)]
    run = current_run.get()
    features = data.features
    told = Snapshot(
        number=0,
        as_of=days.pop().isoformat(),
        columns=tuple(columns),
        customers=len(rows),
        version=features.version,
        hashes=features.hashes,
        artifact_version=features.artifact_version,
        max_age_days=features.max_age_days,
        run_id=run.get("run_id", "none"),
        commit=run.get("commit", "unknown"),
        source_sha256=data.source_sha256,
        written_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    numbers = rows.select(*columns).to_numpy()
    return rows[KEY].to_list(), numbers, told
