"""Key, event time, every feature raw, and the model's features as it sees them."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import onnx
from narwhals.typing import IntoDataFrame, IntoFrame

from customer_segmentation.schema.parts import AS_OF, KEY, SAMPLE_KEY
from customer_segmentation.schema.schema import Schema
from customer_segmentation.scoring.metadata import metadata_of, scaling_of, schema_of
from customer_segmentation.tables.schemas import EVENT_TIME

STANDARDISED = "_standardised"


def export_features(gold_features: IntoFrame, artifact: onnx.ModelProto) -> IntoFrame:
    """One row a customer: key, `event_timestamp` (the snapshot), features raw and standardised.

    Standardised columns are the artifact's inputs to its projection: capped, mean 0, deviation 1.
    """
    table = nw.from_native(gold_features).lazy()
    raw = [n for n in table.collect_schema().names() if n not in (KEY, AS_OF, SAMPLE_KEY)]
    standardised = {
        name + STANDARDISED: values
        for name, values in scaling_of(metadata_of(artifact)).standardised_columns().items()
    }
    event_time = nw.col(AS_OF).alias(EVENT_TIME)
    return table.sort(KEY).select(KEY, event_time, *raw, **standardised).to_native()


def export_features_as_csv(feature_table: IntoFrame) -> IntoFrame:
    """The table unchanged: the catalog gives it another format."""
    return feature_table


def describe_columns(feature_table: IntoFrame, artifact: onnx.ModelProto) -> IntoDataFrame:
    """One row a column: name, type, unit, role and description."""
    types = nw.from_native(feature_table).lazy().collect_schema()
    metadata = metadata_of(artifact)
    scaling, schema = scaling_of(metadata), schema_of(metadata)
    numbers = zip(scaling.caps, scaling.means, scaling.deviations, strict=True)
    scales = dict(zip(scaling.features, numbers, strict=True))
    rows = [
        _describe(schema, name, str(dtype), scales, scaling.logs) for name, dtype in types.items()
    ]
    columns = ["column", "type", "unit", "role", "description"]
    table = {column: [row[i] for row in rows] for i, column in enumerate(columns)}
    return nw.from_dict(table, backend="pandas").to_native()


def _describe(
    schema: Schema, name: str, dtype: str, scales: dict[str, Any], logs: tuple[str, ...]
) -> tuple[str, str, str, str, str]:
    if name == KEY:
        return name, dtype, "", "key", schema.columns[KEY].description
    if name == EVENT_TIME:
        return name, dtype, "date", "event time", "Day of the snapshot that the features hold for"
    feature = name.removesuffix(STANDARDISED)
    description, unit = schema.describe(feature)
    if feature != name:
        (cap, mean, deviation), is_log = scales[feature], feature in logs
        bounded = f"min({feature}, {cap:g})"
        bounded = f"log(1 + {bounded})" if is_log else bounded
        text = f"{bounded}, less {mean:g}, over {deviation:g}: what the segmenter sees"
        return name, dtype, "deviations", "model input", text
    return name, dtype, unit, "model feature" if name in scales else "feature", description
