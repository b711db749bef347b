"""The online store, filled with customers that a test writes down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from customer_segmentation.feature_store.definitions import feature_set
from customer_segmentation.feature_store.online import KeyValues, OnlineFeatures
from customer_segmentation.feature_store.rows import Snapshot
from customer_segmentation.scoring.metadata import schema_of
from customer_segmentation.scoring.scorer import Scorer
from customer_segmentation.serving.validation import Contract, ReadCustomer


def fill(
    store: KeyValues, bundle: Path, customers: Mapping[str, Mapping[str, Any]], **told: Any
) -> Snapshot:
    """Show a snapshot of customers, given as records in canonical names.

    Args:
        store: Where.
        bundle: The folder of the artifact that the features are of.
        customers: Key -> record; what it lacks is stored as missing.
        told: Else of the snapshot.
    """
    metadata = metadata_of(bundle)
    features = feature_set(metadata)
    columns = tuple(feature.name for feature in features.features)
    rows = [
        [numbers_of(metadata, record).get(name, np.nan) for name in columns]
        for record in customers.values()
    ]
    snapshot = Snapshot(
        number=0,
        as_of="2014-06-30",
        columns=columns,
        customers=0,
        artifact_version=features.artifact_version,
        max_age_days=features.max_age_days,
        **features.about(),
    )
    online = OnlineFeatures(store)
    written = online.stage(list(customers), np.array(rows), replace(snapshot, **told))
    if not written.is_new:
        live = online.live()
        assert live
        return live
    online.switch(written.snapshot)
    return written.snapshot


# Opening an artifact takes a quarter of a second.
@cache
def metadata_of(bundle: Path) -> Mapping[str, Any]:
    """The metadata of a bundle's segmenter."""
    return Scorer(bundle / "segmenter.onnx").metadata


def numbers_of(metadata: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, float]:
    """The numeric columns of what a record has."""
    schema = schema_of(metadata)
    columns = schema.numeric_columns([*record, "as_of"])
    read = Contract({**metadata, "columns": columns}).read(dict(record), "$")
    assert isinstance(read, ReadCustomer), read
    return read.numbers
