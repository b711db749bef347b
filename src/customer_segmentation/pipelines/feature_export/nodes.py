"""The feature table, raw and as the model sees it; its history, and the online store of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw
import onnx
from narwhals.typing import IntoDataFrame, IntoFrame

from customer_segmentation.datasets.online_features import FeatureTable
from customer_segmentation.feature_store.definitions import feature_set
from customer_segmentation.pipelines.feature_export.parameters import FeatureExportParameters
from customer_segmentation.schema.lifetime import VALUES
from customer_segmentation.schema.parts import AS_OF, KEY, SAMPLE_KEY, STANDARDISED
from customer_segmentation.scoring.metadata import metadata_of, scaling_of, schema_of
from customer_segmentation.tables.history import (
    CREATED,
    RECORDED_AT,
    RUN_ID,
    History,
    day_of,
    is_same,
    nothing_of,
)
from customer_segmentation.tables.schemas import ARTIFACT_VERSION, EVENT_TIME, FEATURE_VERSION

_MOMENT = "%Y-%m-%dT%H:%M:%S"


def export_features(
    gold_features: IntoFrame, lifetime_value: IntoFrame, artifact: onnx.ModelProto
) -> IntoFrame:
    """One row a customer: key, `event_timestamp` (the snapshot), features raw and standardised.

    Standardised columns are the artifact's inputs to its projection: capped, mean 0, deviation 1.
    Where the schema declares purchases, what is expected of the customer stands before them.
    """
    table = nw.from_native(gold_features).lazy()
    raw = [n for n in table.collect_schema().names() if n not in (KEY, AS_OF, SAMPLE_KEY)]
    standardised = {
        name + STANDARDISED: values
        for name, values in scaling_of(metadata_of(artifact)).standardised_columns().items()
    }
    event_time = nw.col(AS_OF).alias(EVENT_TIME)
    if schema_of(metadata_of(artifact)).lifetime:
        values = nw.from_native(lifetime_value).lazy().select(KEY, *VALUES)
        table, raw = table.join(values, on=KEY, how="left"), [*raw, *VALUES]
    return table.sort(KEY).select(KEY, event_time, *raw, **standardised).to_native()


def export_features_as_csv(feature_table: IntoFrame) -> IntoFrame:
    """The table unchanged: the catalog gives it another format."""
    return feature_table


def describe_columns(feature_table: IntoFrame, artifact: onnx.ModelProto) -> IntoDataFrame:
    """One row a column: name, type, unit, role and description."""
    metadata = metadata_of(artifact)
    features = feature_set(metadata)
    told = {
        KEY: ("", "key", schema_of(metadata).columns[KEY].description),
        EVENT_TIME: ("date", "event time", "Day of the snapshot that the features hold for"),
        **{one.name: (one.unit, one.role, one.description) for one in features.features},
    }
    types = nw.from_native(feature_table).lazy().collect_schema()
    rows = [(name, str(dtype), *told[name]) for name, dtype in types.items()]
    columns = ["column", "type", "unit", "role", "description"]
    table = {column: [row[i] for row in rows] for i, column in enumerate(columns)}
    return nw.from_dict(table, backend="pandas").to_native()


def state_features(
    feature_table: IntoFrame,
    artifact: onnx.ModelProto,
    history: History,
    parameters: FeatureExportParameters,
) -> IntoFrame:
    """The rows to append to the history of features: all, or none if it says the same already."""
    features = feature_set(metadata_of(artifact))
    table: nw.LazyFrame[Any] = nw.from_native(feature_table).lazy()
    names = [name for name in table.collect_schema().names() if name not in (KEY, EVENT_TIME)]
    now = table.with_columns(
        nw.col(EVENT_TIME).alias(AS_OF),
        nw.lit(features.version).cast(nw.Int64).alias(FEATURE_VERSION),
        nw.lit(features.artifact_version).alias(ARTIFACT_VERSION),
    )
    is_kept = not parameters.keep_history or _is_recorded(now, history, names)
    moment = history.next_moment
    seconds, _, rest = moment.removesuffix("Z").partition(".")
    created = nw.lit(seconds).str.to_datetime(format=_MOMENT).dt.offset_by(f"{int(rest)}us")
    return (
        (nothing_of(now) if is_kept else now)
        .with_columns(
            created.alias(CREATED),
            nw.lit(moment).alias(RECORDED_AT),
            nw.lit(history.run_id).alias(RUN_ID),
        )
        .to_native()
    )


def fill_feature_store(
    feature_table: IntoFrame, artifact: onnx.ModelProto, accounting: Mapping[str, Any]
) -> FeatureTable:
    """What the online store holds once the run is published, if there is a store."""
    features = feature_set(metadata_of(artifact))
    return FeatureTable(feature_table, features, accounting["source_sha256"])


def _is_recorded(now: nw.LazyFrame[Any], history: History, names: list[str]) -> bool:
    day = day_of(now.select(nw.col(AS_OF).min()).collect().item())
    last = history.last_of(day)
    if last is None:
        return False
    said = nw.from_native(history.rows(last)).lazy()
    compared = [*names, FEATURE_VERSION, ARTIFACT_VERSION]
    if not {*compared} <= {*said.collect_schema().names()}:
        return False
    return is_same(now, said, compared)
