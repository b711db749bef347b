"""Customers near a border stay in the segment that they were in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import narwhals as nw
from narwhals.typing import IntoFrame

from customer_segmentation.schema.parts import KEY

_PREVIOUS = "previous_segment"


def calm_borders(
    gold_segments: IntoFrame, previous: IntoFrame, metadata: Mapping[str, Any], calm: float
) -> IntoFrame:
    """The segments, in which a customer near a border keeps the one that they were in.

    A customer whose previous segment is the runner-up now keeps it where the margin is below
    `calm`. Segment and runner-up change places, and the margin is 0: the customer stands beyond the
    border. Nothing else of a customer depends on the segment. One without a previous segment,
    or whose previous one is a third, is in the nearest.

    Args:
        gold_segments: One row a customer, as `score_customers` gives it.
        previous: `customer_id` and `segment`, the key; one row a customer.
        metadata: Of the artifact that scored.
        calm: From 0, where everybody is in the nearest segment, to 1.
    """
    if not calm:
        return gold_segments
    scored: nw.LazyFrame[Any] = nw.from_native(gold_segments).lazy()
    before = nw.from_native(previous).lazy().select(KEY, nw.col("segment").alias(_PREVIOUS))
    keys, names = ([one[part] for one in metadata["segments"]] for part in ("key", "name"))
    places = [*range(len(keys))]
    runner_up = nw.col("runner_up")
    # One who could not be scored has no margin, and a runner-up of the same word as before.
    stays = (
        (nw.col("segment_id") >= 0)
        & (nw.col(_PREVIOUS).fill_null("") == runner_up)
        & (nw.col("margin").fill_null(1.0) < calm)
    )
    kept = {
        "segment": runner_up,
        "segment_name": runner_up.replace_strict(keys, names, default="", return_dtype=nw.String),
        "segment_id": runner_up.replace_strict(keys, places, default=-1, return_dtype=nw.Int64),
        "runner_up": nw.col("segment"),
        "margin": nw.lit(0.0),
    }
    columns = scored.collect_schema().names()
    calmed = scored.join(before, on=KEY, how="left").with_columns(
        **{name: nw.when(stays).then(value).otherwise(nw.col(name)) for name, value in kept.items()}
    )
    return calmed.select(*columns).sort(KEY).to_native()
