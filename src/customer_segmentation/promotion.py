"""Promote a candidate to champion, unless it lacks a part that works."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click
from kedro.io import CatalogProtocol

from customer_segmentation.schema.parameters import Parameters

if TYPE_CHECKING:
    import onnx


_FILES = ("segmenter", "cold_start")
_SELECTIONS = (
    *("pipeline_names", "tags", "node_names", "from_nodes", "to_nodes"),
    *("from_inputs", "to_outputs", "namespaces", "only_missing_outputs"),
)


class Promotion(Parameters):
    """The `promotion` block of the configuration.

    Attributes:
        after_whole_run: Whether a whole successful run makes its candidate the champion.
        even_if_worse: Also if one of its learned parts is worse than none.
    """

    after_whole_run: bool
    even_if_worse: bool = False


def promote(run_params: Mapping[str, Any], catalog: CatalogProtocol[Any, Any]) -> None:
    """Save the candidate of a whole run as the champion, in environments configured for it."""
    is_whole = not any(run_params[selection] for selection in _SELECTIONS)
    promotion = Promotion(**catalog.load("params:promotion"))
    if not (is_whole and promotion.after_whole_run):
        return
    names = {name: f"{name}_champion" for name in _FILES}
    if not promotion.even_if_worse and all(catalog.exists(each) for each in names.values()):
        champion = {name: catalog.load(saved) for name, saved in names.items()}
        summaries = map(catalog.load, ("clustering_summary", "supervised_metrics"))
        if kept := why_kept(champion, *summaries):
            click.echo(f"\n{kept}")
            return
    # Load both before replacing either, since they belong together.
    candidates = {name: catalog.load(f"{name}_candidate") for name in _FILES}
    for name, candidate in candidates.items():
        catalog.save(names[name], candidate)


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
