"""Who is in another segment than before, and whether the data or the model did it."""

from __future__ import annotations

import logging
from typing import Any

import narwhals as nw
import onnx
from narwhals.typing import IntoFrame

from customer_segmentation.bundles.store import BundleStore
from customer_segmentation.errors import UserError
from customer_segmentation.pipelines.history.nodes import State, States, segments_of
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.scoring.artifact_file import read_model
from customer_segmentation.scoring.decoding import in_words
from customer_segmentation.scoring.metadata import metadata_of
from customer_segmentation.scoring.table import score_table
from customer_segmentation.tables.history import nothing_of
from customer_segmentation.tables.schemas import ARTIFACT_VERSION, CAUSE

logger = logging.getLogger(__name__)

# The segment that the model of before gives to the values of now.
_OLD_MODEL = "by_old_model"


def find_movers(
    gold_segments: IntoFrame,
    silver_customers: IntoFrame,
    states: States,
    bundles: BundleStore | None,
) -> IntoFrame:
    """One row a customer who was in one segment before and is in another now, with the cause.

    With s(m, d) the segment that model m gives to data d, of before (1) and of now (2): the data
    changed it where s(m1, d2) differs from s(m1, d1), the model where s(m2, d2) differs from
    s(m1, d2). Each mover has one cause: `data`, `model` or `both`; `unknown` where m1 is not kept
    any more or cannot score d2. Segments are compared by their keys.
    """
    now = segments_of(gold_segments)
    before = states.before
    table = segments_of(before.rows) if before else nothing_of(now)
    former = {"segment": "from_segment", "segment_name": "from_name"}
    former |= {ARTIFACT_VERSION: "from_artifact_version", AS_OF: "from_as_of"}
    latter = {"segment": "to_segment", "segment_name": "to_name"}
    moved = (
        table.select(KEY, *former)
        .rename(former)
        .join(now.select(KEY, AS_OF, *latter, ARTIFACT_VERSION).rename(latter), on=KEY, how="inner")
        .filter(nw.col("from_segment") != nw.col("to_segment"))
    )
    return _with_cause(moved, silver_customers, states, before, bundles).sort(KEY).to_native()


def _with_cause(
    moved: nw.LazyFrame[Any],
    silver_customers: IntoFrame,
    states: States,
    before: State | None,
    bundles: BundleStore | None,
) -> nw.LazyFrame[Any]:
    if before is None or before.artifact_version == states.artifact_version:
        return moved.with_columns(nw.lit("data").alias(CAUSE))
    customers: nw.LazyFrame[Any] = nw.from_native(silver_customers).lazy()
    customers = customers.join(moved.select(KEY), on=KEY, how="semi")
    try:
        scored = _scored_by(before.artifact_version, customers, bundles)
    except UserError as error:
        logger.warning("Why customers moved cannot be told: %s", error)
        return moved.with_columns(nw.lit("unknown").alias(CAUSE))
    by_data = nw.col(_OLD_MODEL) != nw.col("from_segment")
    by_model = nw.col(_OLD_MODEL) != nw.col("to_segment")
    either = nw.when(by_data).then(nw.lit("data")).otherwise(nw.lit("model"))
    cause = nw.when(by_data & by_model).then(nw.lit("both")).otherwise(either)
    return moved.join(scored, on=KEY, how="inner").with_columns(cause.alias(CAUSE)).drop(_OLD_MODEL)


def _scored_by(
    version: str, customers: nw.LazyFrame[Any], bundles: BundleStore | None
) -> nw.LazyFrame[Any]:
    """Key, and the segment that an older model gives.

    Raises:
        UserError: The model is not kept any more, or needs a column that there is none of.
    """
    content = bundles.segmenter(version) if bundles else None
    if content is None:
        raise UserError(f"the artifact {version} of the state before is not kept any more")
    model: onnx.ModelProto = read_model(content)
    segment = in_words(metadata_of(model))["segment"].alias(_OLD_MODEL)
    try:
        return score_table(customers, model).select(KEY, segment)
    except UserError as error:
        message = f"the artifact {version} of the state before cannot score this source"
        raise UserError(message) from error
