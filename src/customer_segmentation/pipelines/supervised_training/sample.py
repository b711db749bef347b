"""The customers that models learn from: a bounded, ordered sample with its segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame

from customer_segmentation.errors import UserError
from customer_segmentation.schema.parts import AS_OF, KEY, SAMPLE_KEY
from customer_segmentation.scoring.metadata import metadata_of, schema_of
from customer_segmentation.segmentation.coreset import uniform_part
from customer_segmentation.segmentation.labelled import LabelledCustomers
from customer_segmentation.segmentation.naming import SegmentName
from customer_segmentation.segmentation.training_parameters import TrainingParameters

_RELABEL = "Run kedro run --pipelines=clustering,label_generation."


def draw_labelled_customers(
    gold_features: IntoFrame,
    gold_segments: IntoFrame,
    segmenter: Any,  # noqa: ANN401 - onnx.ModelProto, whose library is imported when run
    parameters: TrainingParameters,
) -> LabelledCustomers:
    """A sample of about `sample_rows` customers at most, with their segments.

    Raises:
        UserError: No customer has a segment, or the segments are not the segmenter's.
    """
    features = nw.from_native(gold_features).lazy()
    metadata = metadata_of(segmenter)
    schema = schema_of(metadata)
    segments = tuple(SegmentName(**segment) for segment in metadata["segments"])
    present = features.collect_schema().names()
    candidates = (*schema.numeric_columns([*schema.columns, AS_OF]), *schema.features)
    names = tuple(name for name in candidates if name in present)
    known = nw.from_native(gold_segments).lazy().filter(nw.col("segment_id") >= 0)
    known = known.select(KEY, "segment_id", "segment")
    joined = known.join(features.select(KEY), on=KEY, how="inner")
    rows = int(joined.select(nw.len()).collect().item())
    if rows == 0:
        message = (
            f"gold_segments has a segment for none of the customers of gold_features. {_RELABEL}"
        )
        raise UserError(message)
    # Joined after the draw: in memory, joining every column of all customers takes long.
    described = features.select(KEY, SAMPLE_KEY, *names)
    drawn = uniform_part(described, rows, parameters.sample_rows, parameters.seed)
    sample = drawn.join(known, on=KEY, how="inner").sort(SAMPLE_KEY, KEY).collect()
    _require_same_segments(sample.select("segment_id", "segment").unique().rows(), segments)
    return LabelledCustomers(
        schema,
        names,
        np.ascontiguousarray(sample.select(*names).to_numpy(), dtype=np.float64),
        sample["segment_id"].to_numpy().astype(np.int64),
        segments,
        rows,
    )


def describing(customers: LabelledCustomers) -> tuple[str, ...]:
    """What describes a customer: amounts, counts and features; no answers to campaigns.

    Categories and dates are left to the features made of them, since codes are no amounts.
    """
    schema = customers.schema
    return tuple(
        name
        for name in customers.names
        if (name in schema.features or ((c := schema.columns.get(name)) and c.kind == "number"))
        and not schema.uses_outcome(name)
    )


def _require_same_segments(
    present: Sequence[tuple[int, str]], segments: tuple[SegmentName, ...]
) -> None:
    for number, key in sorted(present):
        if number >= len(segments) or segments[number].key != key:
            message = (
                f"gold_segments: segment {number} is `{key}`, which the segmenter candidate does "
                f"not know by that number: the two are of different runs. {_RELABEL}"
            )
            raise UserError(message)
