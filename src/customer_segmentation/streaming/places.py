"""Which environment a stream belongs to: its schema, models and tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.feature_store.online import OnlineFeatures
from customer_segmentation.schema.file import SCHEMA_BLOCK, checked_schema
from customer_segmentation.schema.schema import Schema
from customer_segmentation.streaming.settings import StreamSettings, stream_settings
from customer_segmentation.streaming.sinks.delta import DeltaSink
from customer_segmentation.streaming.sinks.parquet import ParquetParts, ParquetSegments
from customer_segmentation.streaming.store import STATE_FILE

SEGMENTS, HISTORY, MOVES = "gold_segments", "gold_history", "gold_moves"
_DELTA = "DeltaTableDataset"


@dataclass(frozen=True)
class Sinks:
    """The tables that a stream writes."""

    segments: DeltaSink | ParquetSegments
    history: DeltaSink | ParquetParts
    moves: DeltaSink | ParquetParts


@dataclass(frozen=True)
class Stream:
    """The stream of an environment.

    Attributes:
        settings: Of `stream.yml`.
        schema: Of its customers.
        environment: Its name.
        models: Where its champion is.
        tables: The root of its tables, which the run lock is on.
        catalog: Its datasets, as configured.
        state: Folder of what is known of customers.
    """

    settings: StreamSettings
    schema: Schema
    environment: str
    models: str
    tables: str
    catalog: Mapping[str, Any]
    state: Path

    @classmethod
    def of(cls, root: Path, loader: Any) -> Stream:  # noqa: ANN401 - Kedro's own
        """From the configuration of an environment.

        Args:
            root: The project's folder, which local paths are relative to.
            loader: The configuration's.

        Raises:
            UserError: A setting is wrong.
        """
        places, settings = loader["globals"], stream_settings(loader["stream"])
        if "://" in settings.state:
            raise UserError(f"conf/*/stream.yml: `state`: {settings.state} is no local folder")
        return cls(
            settings,
            checked_schema(loader["parameters"][SCHEMA_BLOCK]),
            places["environment"],
            _anchored(root, places["models"]),
            _anchored(root, places["tables"]),
            {name: _placed(root, entry) for name, entry in loader["catalog"].items()},
            root / settings.state,
        )

    @property
    def state_file(self) -> Path:
        """The file of the state of its customers."""
        return self.state / STATE_FILE

    @property
    def bundles(self) -> BundleStore:
        """Where the champion is."""
        return BundleStore(self.models, self.environment)

    def sinks(self) -> Sinks:
        """The tables, in the format that the environment's catalog has them in."""
        segments, is_delta = self.entry_of(SEGMENTS)
        kind = DeltaSink if is_delta else ParquetSegments
        appended = DeltaSink if is_delta else ParquetParts
        group = self.settings.group
        return Sinks(
            kind(segments, SEGMENTS, group),
            appended(self.entry_of(HISTORY)[0], HISTORY, group),
            appended(self.entry_of(MOVES)[0], MOVES, group),
        )

    def online(self) -> OnlineFeatures | None:
        """The online feature store; None where there is none."""
        from customer_segmentation.datasets.online_features import (  # noqa: PLC0415 - slow
            OnlineFeaturesDataset,
        )

        entry = self.catalog.get("online_features")
        if not isinstance(entry, Mapping):
            return None
        dataset = OnlineFeaturesDataset(**{k: v for k, v in entry.items() if k != "type"})
        return dataset.open() if dataset.is_on else None

    def entry_of(self, table: str) -> tuple[str, bool]:
        """Where a table is, and whether it is a Delta table."""
        layer, _, name = table.partition("_")
        entry = self.catalog.get(table) or self.catalog.get(f"{layer}_{{table}}")
        if not isinstance(entry, Mapping) or not entry.get("filepath"):
            raise UserError(
                f"{self.environment}: the catalog keeps {table} under no path, and a stream writes "
                "tables under paths: stream into an environment such as dev, staging or prod"
            )
        place = str(entry["filepath"]).replace("{table}", name)
        return place, str(entry["type"]).endswith(_DELTA)


def _anchored(root: Path, place: str) -> str:
    return place if "://" in place else str(root / place)


def _placed(root: Path, entry: Any) -> Any:  # noqa: ANN401 - as configured
    if not isinstance(entry, Mapping) or "filepath" not in entry:
        return entry
    return {**entry, "filepath": _anchored(root, str(entry["filepath"]))}
