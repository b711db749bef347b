"""Score customers with the artifact and describe what came out."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce
from typing import Any

import narwhals as nw
import onnx
from narwhals.typing import IntoFrame

from customer_segmentation.customers.quarantine import ROW_NUMBER
from customer_segmentation.customers.rules import REASONS
from customer_segmentation.pipelines.label_generation.border_calm import calm_borders
from customer_segmentation.pipelines.label_generation.parameters import LabelGenerationParameters
from customer_segmentation.schema.decisions import is_measured
from customer_segmentation.schema.operations import indicator
from customer_segmentation.schema.parts import AS_OF, KEY
from customer_segmentation.scoring.metadata import VERSION, metadata_of, schema_of
from customer_segmentation.scoring.scorer import require_version
from customer_segmentation.scoring.table import answer_table
from customer_segmentation.segmentation.profiles import known_weight, weighted_means
from customer_segmentation.tables.history import History, day_of, in_force
from customer_segmentation.tables.schemas import ARTIFACT_VERSION, UNSEGMENTED

_ONE = "customers"


def score_customers(silver_customers: IntoFrame, artifact: onnx.ModelProto) -> IntoFrame:
    """One row a customer: segment, runner-up, margin, and every decision in words.

    `margin` is 0 halfway between two segments and 1 on a centroid; `likely_to_spend` is a
    percentile of the base.
    """
    return answer_table(nw.from_native(silver_customers).lazy(), artifact).sort(KEY).to_native()


def keep_near_borders(
    scored_segments: IntoFrame,
    history: History,
    artifact: onnx.ModelProto,
    label_generation: LabelGenerationParameters,
) -> IntoFrame:
    """The segments, in which customers near a border stay where the history has them last.

    That is what it says of the latest day up to this snapshot's. Without `border_calm`, or without
    such a day, nothing changes.
    """
    calm = label_generation.border_calm
    if not calm:
        return scored_segments
    newest = nw.from_native(scored_segments).lazy().select(nw.col(AS_OF).max()).collect()[AS_OF][0]
    known = (one for one in in_force(history.statements) if one.as_of <= day_of(newest))
    before = next(known, None)
    if before is None:
        return scored_segments
    return calm_borders(scored_segments, history.state(before), metadata_of(artifact), calm)


def list_unsegmented(silver_quarantine: IntoFrame, artifact: onnx.ModelProto) -> IntoFrame:
    """Whom the artifact could not score, and every reason why; a key may stand on several rows."""
    version = nw.lit(metadata_of(artifact)[VERSION]).alias(ARTIFACT_VERSION)
    rows = nw.from_native(silver_quarantine).lazy()
    segment = nw.lit(UNSEGMENTED).alias("segment")
    listed = rows.select(KEY, ROW_NUMBER, segment, REASONS, AS_OF, version)
    return listed.sort(ROW_NUMBER).to_native()


def profile_segments(
    gold_features: IntoFrame, gold_segments: IntoFrame, artifact: onnx.ModelProto
) -> IntoFrame:
    """One row a segment and measure: its mean, the base's, and the index (100 is the base).

    Measures are the features, and for each decision the share of customers with each label. Of
    customers whose spend is far outside, no feature is averaged: one would outweigh a segment.
    """
    features: nw.LazyFrame[Any] = nw.from_native(gold_features).lazy()
    segments: nw.LazyFrame[Any] = nw.from_native(gold_segments).lazy()
    metadata = metadata_of(artifact)
    require_version(segments, metadata[VERSION])
    # Whom the artifact could not score belongs to no segment, and has no margin to average.
    segments = segments.filter(nw.col("segment_id") >= 0)
    shares = {
        f"{name}={label}": indicator(nw.col(name) == label)
        for name, labels in metadata["codes"].items()
        for label in labels
    }
    schema = schema_of(metadata)
    flags = {name for name, feature in schema.features.items() if feature.of_category}
    flags -= schema.segment_numbers.keys()
    present = features.collect_schema().names()
    measured = [name for name in present if schema.is_quantity(name) and name not in flags]
    known = segments.collect_schema().names()
    decisions = [name for name, decision in schema.decisions.items() if is_measured(decision)]
    decided = [name for name in (*decisions, "margin") if name in known]
    measures = [*measured, *shares, *decided]
    spend, usual = schema.roles.spend, metadata["usual_spend"]
    averaged = {name: _averaged(name, spend, usual) for name in measured}
    joined = features.select(KEY, **averaged).join(segments, on=KEY, how="inner")
    joined = joined.with_columns(**shares, **{_ONE: nw.lit(1.0)})
    groups = ["segment", "segment_name", "segment_id"]
    means = weighted_means(joined, groups, measures, _ONE)
    # The base is made of the segments: a second pass over all customers would find the same.
    whole = means.with_columns(base=nw.lit("base")).lazy()
    base = weighted_means(whole, ["base"], measures, _ONE, known_weight)
    return _long(means, base.rows(named=True)[0], measures, groups)


def _long(
    means: nw.DataFrame[Any], base: dict[str, Any], measures: list[str], groups: list[str]
) -> IntoFrame:
    rows = [
        {
            **{name: row[name] for name in groups},
            "customers": int(row[_ONE]),
            "share": row[_ONE] / base[_ONE],
            "measure": measure,
            "mean": row[measure],
            "base_mean": base[measure],
            "index": _index(row[measure], base[measure]),
        }
        for row in sorted(means.iter_rows(named=True), key=lambda row: row["segment_id"])
        for measure in measures
    ]
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return nw.from_dict(columns, backend=means.implementation).to_native()


def _index(mean: float | None, base: float | None) -> float | None:
    return 100.0 * mean / base if mean is not None and base else None


def _averaged(name: str, spend: str, usual_spend: Sequence[float | None]) -> nw.Expr:
    """A measure, missing where the customer's spend is far outside."""
    minimum, maximum = usual_spend
    beyond = [] if minimum is None else [nw.col(spend) < minimum]
    beyond += [] if maximum is None else [nw.col(spend) > maximum]
    if not beyond:
        return nw.col(name)
    is_far = reduce(operator.or_, beyond)
    return nw.when(is_far).then(nw.lit(None, nw.Float64)).otherwise(nw.col(name))
