"""The shop's stream on Spark, in a folder of its own, with messages that no broker need hold."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import onnx
import polars as pl

from customer_segmentation.bundles.bundle import SEGMENTER
from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.sources.messages.decoding import Decoder
from customer_segmentation.streaming.spark.batch import KAFKA, Batches
from customer_segmentation.streaming.spark.runner import SparkStream
from tests.streaming.home import stream_of

DAY = datetime(2024, 1, 1)  # noqa: DTZ001 - Spark's own, in UTC
KEPT = ("events", "segments", "history", "moves", "dead_letters")


def artifact_of(models: BundleStore) -> onnx.ModelProto:
    bundle = models.champion()
    assert bundle
    return onnx.load_from_string(bundle.files[SEGMENTER])


class Shop:
    """Batches as Spark would give them.

    Args:
        spark: The session.
        folder: Of the tables.
        models: With a champion.
        changes: Of `Batches`.
    """

    def __init__(self, spark: Any, folder: Path, models: BundleStore, **changes: Any) -> None:
        stream = stream_of("127.0.0.1:9", folder, models)
        self.spark = spark
        self.of = SparkStream(replace(stream, catalog=layers(folder)))
        self.tables = self.of.places()
        schema = stream.schema
        made = Batches(
            schema,
            self.tables,
            lambda: "checkpoint",
            partial(artifact_of, models),
            lambda: schema.as_of,
            partial(Decoder, "json", None),
            nullcontext,
        )
        self.batches = replace(made, **changes)
        self.batches.make_tables(spark)
        self.offset = 0

    def messages(self, events: Iterable[dict[str, Any] | bytes]) -> Any:
        rows = []
        for event in events:
            value = event if isinstance(event, bytes) else json.dumps(event).encode()
            rows.append((None, value, "events", 0, self.offset, DAY))
            self.offset += 1
        return self.spark.createDataFrame(rows, KAFKA)

    def table(self, name: str) -> pl.DataFrame:
        return table_of(self.of, self.spark, name)

    def all(self) -> dict[str, list[Any]]:
        return rows_of(self.of, self.spark)


def layers(folder: Path) -> dict[str, Any]:
    """A catalog of Delta tables below a folder."""
    return {
        f"{layer}_{{table}}": {
            "type": "DeltaTableDataset",
            "filepath": f"{folder}/{layer}/{{table}}",
        }
        for layer in ("silver", "gold")
    }


def table_of(of: SparkStream, spark: Any, name: str) -> pl.DataFrame:
    return pl.DataFrame(of.places().of(name).read(spark).toArrow())


def rows_of(of: SparkStream, spark: Any) -> dict[str, list[Any]]:
    """Every row of every table, in one order."""
    return {name: sorted(map(repr, table_of(of, spark, name).rows())) for name in KEPT}
