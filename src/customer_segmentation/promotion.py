"""Decide whether a candidate may replace the champion: not if it lacks a part that works."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from customer_segmentation.schema.parameters import Parameters

if TYPE_CHECKING:
    import onnx


class Promotion(Parameters):
    """The `promotion` block of the configuration.

    Attributes:
        after_whole_run: Whether a whole successful run makes its candidate the champion.
        even_if_worse: Also if one of its learned parts is worse than none.
    """

    after_whole_run: bool
    even_if_worse: bool = False


def why_kept(
    champion: Mapping[str, onnx.ModelProto],
    clustering: Mapping[str, Any],
    supervised: Mapping[str, Any],
) -> str:
    """Why the champion stays, in one line; '' if the candidate may replace it.

    A candidate leaves out a part that is worse than none; a champion that has the part is kept.

    Args:
        champion: Its models by name, `segmenter` and `cold_start`.
        clustering: Summary of clustering for the candidate.
        supervised: Metrics of supervised training for the candidate.
    """
    from customer_segmentation.scoring.metadata import (  # noqa: PLC0415 - onnx takes a second
        NO_COLD_START,
        VERSION,
        metadata_of,
    )

    segmenter, cold_start = (metadata_of(champion[name]) for name in ("segmenter", "cold_start"))
    r2 = clustering["expected_spend_r2"]
    lost = []
    if r2 is not None and r2 < 0.0 and "likely_to_spend" in segmenter["outputs"]:
        lost.append(f"its expected spend (out-of-fold R2 of {r2:.2f})")
    is_worse = supervised["cold_start"].get("is_worse_than_none", False)
    if is_worse and cold_start["kind"] != NO_COLD_START:
        lost.append("its cold-start model")
    if not lost:
        return ""
    return (
        f"The champion {segmenter[VERSION]} stays: in this run's candidate, {' and '.join(lost)} "
        "would be worse than none. To promote the candidate without that, add "
        "--params=promotion.even_if_worse=true"
    )
